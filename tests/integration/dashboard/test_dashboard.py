"""The dashboard in a real browser, over fakes of what it reads: quick, and live."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Page, Route, expect

from framework.access import Scope
from framework.errors import RepositoryUnreachable, Unavailable
from framework.http_api import Standby, Vouching
from framework.ports import Listing, Ref
from prevs import names
from prevs.records import AppRecord, EndedAttempt, Failure, Step
from prevs.states import Cause, State
from tests.chromium import Chromium
from tests.fakes.asgi import TOKEN
from tests.fakes.dashboard import Dashboard
from tests.fakes.served import serving

pytestmark = pytest.mark.integration

SHA, FAILED = "5c80e7d2f1a64b0c9d3e8f7a6b5c4d3e2f1a0b9c", "1" * 40
HOSTILE = "<script>document.title='owned'</script>\u202e\"'><img src=x onerror=document.title='x'>"
PREVIEW = f"/apps/hello/previews/{SHA}"


@pytest.fixture
def dashboard() -> Dashboard:
    made = Dashboard()
    made.previews.known_apps["hello"] = AppRecord("hello", "/hello.git", created=time.time())
    for branch, sha in (("main", SHA), ("broken", FAILED), ("feature/cart", "2" * 40)):
        made.refs.put("hello", branch, sha)
    return made


@pytest.fixture
def base(dashboard: Dashboard) -> Iterator[str]:
    with serving(dashboard.app) as address:
        yield address


@pytest.fixture
def context(browser: Chromium, base: str) -> Iterator[BrowserContext]:
    with browser.new_context(base_url=base, viewport={"width": 1280, "height": 900}) as made:
        yield made


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A page of somebody who has signed in; whatever a script complains about fails the test."""
    opened = context.new_page()
    complaints: list[str] = []
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on(
        "console",
        lambda message: (
            complaints.append(message.text) if "Content Security Policy" in message.text else None
        ),
    )
    sign_in(opened)
    yield opened
    assert not complaints


def sign_in(page: Page, token: str = TOKEN, path: str = "/") -> None:
    page.goto(path)
    page.get_by_label("Token").fill(token)
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()


def put_everything(dashboard: Dashboard) -> None:
    """Have something of everything that pages show, hostile where others write it."""
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
    told: dict[str, Any] = {"agent_id": "S1", "agent_host": "10.0.0.7", "created": now - 60}
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
        **told,
    )
    building = {"phase": "building", "detail": "2/5 RUN make", "task_id": "a", "pinned": True}
    dashboard.previews.put(
        "hello", SHA, State.BUILDING, labels=("main",), steps=steps, changed=now, **building, **told
    )
    dashboard.previews.put("hello", "2" * 40, State.QUEUED, reason="no agent has 2048 MB free")
    dashboard.previews.queue_places["hello", "2" * 40] = 1
    dashboard.sandboxes.output["b"] = b"\x1b[31mmake: *** Error 1\x1b[0m\n" * 100
    dashboard.previews.known_apps["away"] = AppRecord("away", HOSTILE, created=now)
    dashboard.refs.listings["away"] = RepositoryUnreachable("away", "/away.git", HOSTILE)
    dashboard.tokens.add_token("reader", Scope.READ)


def test_signing_in_leads_to_where_one_wanted_to_go_also_from_another_site(
    context: BrowserContext, base: str
) -> None:
    page = context.new_page()
    sign_in(page, path="/queue")
    assert page.url == f"{base}/queue"
    # 127.0.0.1 and localhost are two sites: a strict cookie is not sent along such a link.
    page.goto(base.replace("127.0.0.1", "localhost") + "/sign-in")
    page.evaluate(
        "(to) => { const a = document.createElement('a'); a.href = to; a.textContent = 'there';"
        " document.body.prepend(a); }",
        f"{base}/events",
    )
    page.get_by_role("link", name="there").click()
    expect(page.get_by_role("heading", name="Events")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_text("You have signed out.")).to_be_visible()
    page.goto("/events")
    expect(page.get_by_label("Token")).to_be_visible()


def test_an_app_is_added_and_a_branch_started_and_stopped_where_it_stands(
    page: Page, dashboard: Dashboard
) -> None:
    dashboard.previews.known_apps.clear()
    page.reload()
    expect(page.get_by_role("heading", name="No app is registered yet")).to_be_visible()
    page.get_by_label("Name").fill("hello")
    page.get_by_label("Repository").fill("/hello.git")
    page.get_by_role("button", name="Add the app").click()
    expect(page.get_by_role("heading", name="hello", exact=True)).to_be_visible()
    page.evaluate("window.stays = true")
    row = page.get_by_role("row", name="main")
    expect(row).to_contain_text("not started")
    row.get_by_role("button", name="Start main").click()
    expect(row).to_contain_text("queued")
    expect(page.get_by_role("status").first).to_have_text(
        "Asked for. It starts as soon as an agent has room."
    )
    dashboard.previews.change("hello", SHA, state=State.BUILDING, detail="2/5 RUN make")
    expect(row).to_contain_text("building 2/5")
    dashboard.previews.change("hello", SHA, state=State.RUNNING)
    expect(row).to_contain_text("running")
    row.get_by_role("button", name="Pin main").click()
    expect(row).to_contain_text("pinned")
    stop = row.get_by_role("button", name="Stop main")
    stop.focus()
    page.keyboard.press("Enter")
    expect(row).to_contain_text("stopped")
    expect(row.get_by_role("button", name="Start main")).to_be_focused()
    assert page.evaluate("window.stays")


def test_what_is_told_of_an_action_moves_no_button_from_under_the_pointer(page: Page) -> None:
    page.goto("/apps/hello")
    row = page.get_by_role("row", name="main")
    before = row.bounding_box()
    row.get_by_role("button", name="Start main").click()
    expect(page.get_by_role("status").first).to_contain_text("Asked for.")
    after = row.bounding_box()
    assert before
    assert after
    assert after["y"] == before["y"]


def test_a_no_is_said_where_one_stands(page: Page, dashboard: Dashboard) -> None:
    dashboard.previews.put("hello", SHA, State.FAILED, labels=("main",))
    page.goto("/apps/hello")
    page.evaluate("window.stays = true")
    dashboard.previews.error = Unavailable("The framework")
    page.get_by_role("button", name="Retry main").click()
    expect(page.get_by_role("status").first).to_have_text(
        "The framework does not answer now. Try again in some seconds."
    )
    expect(page.get_by_role("button", name="Retry main")).to_be_enabled()
    assert page.evaluate("window.stays")


def test_what_changes_elsewhere_shows_and_what_is_typed_here_stays(
    page: Page, dashboard: Dashboard
) -> None:
    page.goto("/apps/hello")
    search = page.get_by_role("searchbox", name="Search branches")
    search.fill("half a wo")
    search.press("ArrowLeft")
    dashboard.previews.put("hello", SHA, State.RUNNING, labels=("main",))
    dashboard.refs.put("hello", "another", "3" * 40)
    expect(page.get_by_role("row", name="main")).to_contain_text("running")
    expect(page.get_by_role("row", name="another")).to_be_visible()
    expect(search).to_have_value("half a wo")
    expect(search).to_be_focused()
    assert search.evaluate("field => field.selectionStart") == len("half a w")


def test_what_changed_while_a_page_was_on_its_way_shows(page: Page, dashboard: Dashboard) -> None:
    def change(route: Route) -> None:
        dashboard.previews.put("hello", SHA, State.RUNNING, labels=("main",))
        route.continue_()

    page.route("**/live/**", change)
    page.goto("/apps/hello")
    expect(page.get_by_role("button", name="Stop main")).to_be_visible()


def test_why_no_token_was_made_stays(page: Page) -> None:
    page.goto("/tokens")
    page.get_by_label("Name").fill("No Name")
    with page.expect_response("**/tokens") as answered:
        page.get_by_role("button", name="Make the token").click()
    assert answered.value.status == 422
    assert page.locator("body").get_attribute("data-live") == ""
    expect(page.locator("#problem")).to_contain_text("No token was made")


def test_the_end_of_a_token_ends_what_it_had_open(
    page: Page, context: BrowserContext, browser: Chromium, dashboard: Dashboard
) -> None:
    page.goto("/tokens")
    page.get_by_label("Name").fill("ci")
    page.get_by_label("read: see everything").check()
    page.get_by_role("button", name="Make the token").click()
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_text("Copied.")).to_be_visible()
    token = page.evaluate("navigator.clipboard.readText()")
    assert page.get_by_label("Token of ci").input_value() == token
    with browser.new_context(base_url=page.url) as other:
        reader = other.new_page()
        sign_in(reader, token, "/apps/hello")
        expect(reader.get_by_role("link", name="Open main")).to_be_visible()
        expect(reader.get_by_role("button", name="Start main")).to_have_count(0)
        page.goto("/tokens")
        page.get_by_role("button", name="Remove ci").click()
        expect(page.get_by_text("The token is removed")).to_be_visible()
        expect(reader.get_by_label("Token")).to_be_visible()
        assert "next=%2Fapps%2Fhello" in reader.url


def test_a_log_is_followed_while_its_preview_is_watched(page: Page, dashboard: Dashboard) -> None:
    put_everything(dashboard)
    page.goto(PREVIEW)
    log = page.get_by_role("region", name="Log", exact=True)
    dashboard.sandboxes.output["a"] = b"\x1b[32mStep 2/5\x1b[0m <b>bold</b>\n"
    expect(log).to_contain_text("Step 2/5 <b>bold</b>")
    expect(page.locator("li[aria-current=step]")).to_contain_text("2/5 RUN make")
    dashboard.previews.change("hello", SHA, state=State.RUNNING, detail="")
    expect(page.locator("main .chip").first).to_have_text("running")
    dashboard.sandboxes.output["a"] += b"listening\n"
    expect(log).to_contain_text("listening")
    failure = Failure(Cause.APP_EXITED, "The app exited with 1.", 1)
    dashboard.previews.change("hello", SHA, state=State.FAILED, failure=failure)
    expect(page.get_by_text("App exited · exit code 1")).to_be_visible()
    page.get_by_role("button", name="Retry main").click()
    dashboard.sandboxes.output["c"] = b"this time it works\n"
    dashboard.previews.change("hello", SHA, state=State.RUNNING, task_id="c")
    expect(log).to_contain_text("this time it works")
    expect(log).not_to_contain_text("listening")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    assert download.value.suggested_filename == "hello-5c80e7d.log"


def have_attempts(dashboard: Dashboard) -> None:
    """Have two attempts before the one that goes on."""
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
        "It broke.",
    )
    dashboard.previews.change("hello", SHA, attempts=(stopped, failed))
    dashboard.sandboxes.output |= {"t1": b"\x1b[31mthe first\x1b[0m\n", "t2": b"the second\n"}


def test_the_logs_of_earlier_attempts_are_read(page: Page, dashboard: Dashboard) -> None:
    put_everything(dashboard)
    have_attempts(dashboard)
    page.goto(PREVIEW)
    listed = page.locator("#attempts li")
    expect(listed).to_have_count(2)
    expect(listed.first).to_contain_text("Broken.")
    page.get_by_role("link", name="Attempt 1").click()
    log = page.get_by_role("region", name="Log", exact=True)
    expect(log.locator(".log-row")).to_have_text(["the first"])
    expect(page.get_by_text("Nobody came.")).to_be_visible()
    dashboard.previews.change("hello", SHA, state=State.RUNNING, detail="")
    expect(log.locator(".log-row")).to_have_text(["the first"])
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    assert download.value.suggested_filename == "hello-5c80e7d-1.log"


def test_who_runs_no_scripts_reads_logs_too(
    browser: Chromium, dashboard: Dashboard, base: str
) -> None:
    put_everything(dashboard)
    have_attempts(dashboard)
    dashboard.sandboxes.output["a"] = b"\x1b[32mStep 2/5\x1b[0m <b>\n"
    with browser.new_context(base_url=base, java_script_enabled=False) as context:
        page = context.new_page()
        sign_in(page, path=PREVIEW)
        assert page.locator("pre.log-lines").inner_text() == "Step 2/5 <b>\n"
        page.get_by_role("link", name="Attempt 2").click()
        assert page.locator("pre.log-lines").inner_text() == "the second\n"
        expect(page.get_by_text("Broken.")).to_be_visible()


def test_on_a_phone_each_bar_is_one_line_and_tabs_have_their_counts(
    browser: Chromium, dashboard: Dashboard, base: str
) -> None:
    put_everything(dashboard)
    with browser.new_context(base_url=base, viewport={"width": 390, "height": 844}) as context:
        page = context.new_page()
        sign_in(page, path="/apps/hello")
        for bar in (".top nav li", ".tabs li"):
            boxes = [one.bounding_box() for one in page.locator(bar).all()]
            assert len(boxes) > 3
            assert len({box["y"] for box in boxes if box}) == 1
            last = boxes[-1]
            assert last
            assert last["x"] + last["width"] <= 390
        assert page.locator(".tabs .soft:visible").count() == 3


def test_a_log_that_is_refused_once_is_followed_later(page: Page, dashboard: Dashboard) -> None:
    """As a stand-by refuses it while no framework leads."""
    put_everything(dashboard)
    dashboard.sandboxes.output["a"] = b"Step 2/5\n"
    page.route(f"**{PREVIEW}/log", lambda route: route.fulfill(status=503), times=1)
    page.goto(PREVIEW)
    rows = page.get_by_role("region", name="Log", exact=True).locator(".log-row")
    expect(rows).to_have_text(["Step 2/5"])


def test_a_page_says_that_it_may_be_out_of_date_and_catches_up(
    browser: Chromium, dashboard: Dashboard, free_port: Callable[[], int]
) -> None:
    port = free_port()
    with browser.new_context() as context:
        page = context.new_page()
        with serving(dashboard.app, port) as address:
            sign_in(page, path=f"{address}/apps/hello")
            page.goto(f"{address}/apps/hello")
        expect(page.get_by_text("This page may be out of date")).to_be_visible()
        dashboard.previews.put("hello", SHA, State.RUNNING, labels=("main",))
        with serving(dashboard.app, port):
            expect(page.get_by_role("row", name="main")).to_contain_text("running")
            expect(page.get_by_text("This page may be out of date")).to_have_count(0)


def test_a_session_that_ended_while_nobody_answered_leads_to_signing_in(
    browser: Chromium, dashboard: Dashboard, free_port: Callable[[], int]
) -> None:
    port = free_port()
    _, token = dashboard.tokens.add_token("ci", Scope.READ)
    with browser.new_context() as context:
        page = context.new_page()
        with serving(dashboard.app, port) as address:
            sign_in(page, token, f"{address}/queue")
        expect(page.get_by_text("This page may be out of date")).to_be_visible()
        dashboard.tokens.remove_token("ci")
        with serving(dashboard.app, port):
            expect(page.get_by_label("Token")).to_be_visible()
            assert "next=%2Fqueue" in page.url


def test_a_stand_by_signs_in_and_keeps_pages_up_to_date_as_the_leader_does(
    browser: Chromium, dashboard: Dashboard, base: str
) -> None:
    standby = Standby(lambda: base, tuple, vouching=Vouching(TOKEN, time.time))
    with serving(standby) as address, browser.new_context() as context:
        page = context.new_page()
        sign_in(page, path=f"{address}/apps/hello")
        assert page.url == f"{address}/apps/hello"
        dashboard.previews.put("hello", SHA, State.RUNNING, labels=("main",))
        page.get_by_role("button", name="Stop main").click()
        expect(page.get_by_role("row", name="main")).to_contain_text("stopped")
        page.goto(f"{base}/queue")
        expect(page.get_by_role("heading", name="Queue")).to_be_visible()


def test_everything_works_without_scripts(browser: Chromium, base: str) -> None:
    with browser.new_context(base_url=base, java_script_enabled=False) as context:
        page = context.new_page()
        sign_in(page)
        page.get_by_role("link", name="hello").click()
        page.get_by_role("button", name="Start main").click()
        expect(page.get_by_text("Asked for.")).to_be_visible()
        expect(page.get_by_role("row", name="main")).to_contain_text("queued")
        page.get_by_role("link", name="Settings").click()
        page.get_by_label("Memory in MB", exact=True).fill("1")
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_text("Memory in MB should be greater")).to_be_visible()
        expect(page.get_by_label("Memory in MB", exact=True)).to_have_value("1")


@pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), (1280, "light")])
def test_each_page_is_good_for_everybody(
    browser: Chromium, dashboard: Dashboard, base: str, width: int, scheme: Any
) -> None:
    put_everything(dashboard)
    have_attempts(dashboard)
    paths = [
        "/",
        "/apps/hello",
        "/apps/hello?show=previews",
        "/apps/hello/settings",
        "/apps/away",
        "/add-app",
        PREVIEW,
        f"/apps/hello/previews/{FAILED}",
        f"{PREVIEW}/attempts/2",
        "/queue",
        "/events",
        "/tokens",
        "/audit",
        "/apps/nonsense",
    ]
    size: Any = {"width": width, "height": 844}
    with browser.new_context(base_url=base, viewport=size, color_scheme=scheme) as context:
        page = context.new_page()
        page.goto("/sign-in")
        found = {"/sign-in": look_at(page)}
        sign_in(page)
        for path in paths:
            page.goto(path)
            found[path] = look_at(page)
    assert {path: problems for path, problems in found.items() if problems} == {}


def look_at(page: Page) -> list[str]:
    """Return what is wrong with a page: for who cannot see it, has little room, is attacked."""
    axe = Axe().run(page).response["violations"]
    problems = [f"{one['id']}: {one['nodes'][0]['html']}" for one in axe]
    if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
        problems.append("it is wider than the window")
    if "owned" in page.title() or page.title() == "x" or page.locator("img").count():
        problems.append("it runs what others have written")
    return problems
