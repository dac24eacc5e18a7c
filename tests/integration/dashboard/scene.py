"""The content of the dashboard in these tests, and signing in."""

import time
from typing import Any

import httpx
from playwright.sync_api import BrowserContext, Page, expect

from framework.access import Scope
from framework.errors import RepositoryUnreachable
from framework.ports import Listing, Ref
from prevs import names
from prevs.records import AppRecord, EndedAttempt, Failure, Step
from prevs.states import Cause, State
from tests.fakes.asgi import TOKEN
from tests.fakes.dashboard import Dashboard

SHA, FAILED = "5c80e7d2f1a64b0c9d3e8f7a6b5c4d3e2f1a0b9c", "1" * 40
HOSTILE = "<script>document.title='owned'</script>\u202e\"'><img src=x onerror=document.title='x'>"
PREVIEW = f"/apps/hello/previews/{SHA}"


def enter(context: BrowserContext, base: str) -> None:
    """Have a browser sign in at an address without showing the page for that."""
    headers = {"Origin": base, "Sec-Fetch-Site": "same-origin"}
    answer = httpx.post(f"{base}/sign-in", data={"token": TOKEN}, headers=headers)
    context.add_cookies(
        [{"name": name, "value": value, "url": base} for name, value in answer.cookies.items()]
    )


def sign_in(page: Page, token: str = TOKEN, path: str = "/") -> None:
    page.goto(path)
    page.get_by_label("Token").fill(token)
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()


def put_everything(dashboard: Dashboard) -> None:
    """Add one of everything that pages show, hostile where others write it."""
    dashboard.refs.put("hello", "main", SHA)
    refs = [
        Ref("main", "branch", "main", SHA, "Ada", "Say hello", 1000.0),
        Ref("broken", "branch", "broken", FAILED, HOSTILE, HOSTILE, 1000.0),
        Ref(HOSTILE, "branch", names.slug(HOSTILE), "2" * 40, "Ada", "Go on" * 90, 1000.0),
        *(
            Ref(f"item/{n}", "branch", names.slug(f"item/{n}"), f"{n:040x}", "Ada", "Do it", 1.0)
            for n in range(3)
        ),
    ]
    dashboard.refs.listings["hello"] = Listing(refs, 4.0, "it does not answer")
    now = time.time()
    placed: dict[str, Any] = {"agent_id": "S1", "agent_host": "10.0.0.7", "created": now - 60}
    steps = (Step("queued", now - 60), Step("placed", now - 59), Step("building", now - 58))
    dashboard.previews.put(
        "hello",
        FAILED,
        State.FAILED,
        labels=("broken",),
        task_id="b",
        steps=steps,
        changed=now - 9,
        failure=Failure(Cause.BUILD_FAILED, HOSTILE * 5, 1),
        **placed,
    )
    building = {"phase": "building", "detail": "2/5 RUN make", "task_id": "a", "pinned": True}
    dashboard.previews.put(
        "hello",
        SHA,
        State.BUILDING,
        labels=("main",),
        steps=steps,
        changed=now,
        **building,
        **placed,
    )
    dashboard.previews.put("hello", "2" * 40, State.QUEUED, reason="no agent has 2048 MB free")
    dashboard.previews.queue_places["hello", "2" * 40] = 1
    dashboard.sandboxes.output["b"] = b"\x1b[31mmake: *** Error 1\x1b[0m\n" * 100
    dashboard.previews.known_apps["away"] = AppRecord("away", HOSTILE, created=now)
    dashboard.refs.listings["away"] = RepositoryUnreachable("away", "/away.git", HOSTILE)
    dashboard.tokens.add_token("reader", Scope.READ)


def have_attempts(dashboard: Dashboard) -> None:
    """Add two attempts before the current one."""
    now = time.time()
    stopped = EndedAttempt(1, "t1", now - 700, now - 100, "S1", None, "running", why="Nobody came.")
    failed = EndedAttempt(
        2,
        "t2",
        now - 60,
        now - 48,
        "S1",
        "10.0.0.1",
        "building",
        Cause.BUILD_FAILED,
        7,
        "Broken.",
    )
    dashboard.previews.change("hello", SHA, attempts=(stopped, failed))
    dashboard.sandboxes.output |= {"t1": b"\x1b[31mthe first\x1b[0m\n", "t2": b"the second\n"}
