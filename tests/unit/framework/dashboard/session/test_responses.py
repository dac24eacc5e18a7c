import re
from typing import Any

import pytest

from framework.access import STORED, Scope
from framework.errors import BeingFetched, RepositoryUnreachable, Unavailable
from framework.ports import Commit, Listing, Ref
from framework.preview.history import ActivityEvent, History
from prevs import names
from prevs.pulls import RepositoryRecord
from prevs.records import AppRecord, Failure, Mistake, Step
from prevs.states import Cause, State
from tests.fakes.dashboard import HOSTILE, Dashboard, Seen, Visitor
from tests.unit.framework.dashboard.conftest import SHA

OTHER = "1" * 40


def test_without_an_app_the_overview_shows_how_to_add_one(dashboard: Dashboard) -> None:
    dashboard.previews.known_apps.clear()
    page = dashboard.sign_in().see("/")
    assert "No app is registered yet" in page.text
    assert "prevs app add hello" in page.text
    assert page.find("form", action="/add-app")
    page = dashboard.enter(Scope.READ).see("/")
    assert not page.find("form", action="/add-app")
    assert "Anybody with an admin token can add one" in page.text


def test_apps_are_listed_with_how_many_run_wait_and_failed(
    dashboard: Dashboard, visitor: Visitor
) -> None:
    states = [State.RUNNING, State.RUNNING, State.QUEUED, State.BUILDING, State.FAILED]
    for number, state in enumerate((*states, State.STOPPED)):
        dashboard.previews.put("hello", f"{number}" * 40, state)
    text = visitor.see("/").words
    assert "hello /hello.git 2 2 1 " in text


def test_a_branch_has_its_address_its_commit_and_its_state(
    dashboard: Dashboard, visitor: Visitor
) -> None:
    page = visitor.see("/apps/hello")
    assert len(page.find("a", href="http://main.hello.localhost:8080/")) == 2
    for text in (SHA[:7], "Say hello", "Ada", "not started"):
        assert text in page.text
    assert "/apps/hello/start" in page.buttons()
    building = {"detail": "2/5 RUN make", "phase": "building", "labels": ("main",)}
    dashboard.previews.put("hello", SHA, State.BUILDING, **building)
    assert "building 2/5" in visitor.see("/apps/hello").text


@pytest.mark.parametrize(
    ("state", "offered"),
    [
        (None, {"start"}),
        (State.QUEUED, {"stop", "pin"}),
        (State.RUNNING, {"stop", "pin"}),
        (State.DRAINING, {"pin"}),
        (State.STOPPED, {"start", "pin"}),
        (State.FAILED, {"retry", "pin"}),
    ],
)
def test_actions_on_a_commit_are_offered_to_tokens_that_allow_them(
    dashboard: Dashboard, state: State | None, offered: set[str]
) -> None:
    if state:
        dashboard.previews.put("hello", SHA, state, labels=("main",))
    for scope in STORED:
        buttons = dashboard.enter(scope).see("/apps/hello").buttons() - {"/sign-out"}
        found = {button.rpartition("/")[2] for button in buttons}
        assert found == (set() if scope is Scope.READ else offered)


def test_an_address_of_an_older_commit_shows_that(dashboard: Dashboard, visitor: Visitor) -> None:
    dashboard.previews.put("hello", OTHER, State.RUNNING, labels=("main",))
    assert f"leads to {OTHER[:7]} until this one runs" in visitor.see("/apps/hello").text


def test_many_branches_have_pages_and_are_searched(dashboard: Dashboard, visitor: Visitor) -> None:
    refs = [
        Ref(f"item/{n}", "branch", names.slug(f"item/{n}"), f"{n:040x}", "Ada", f"Do {n}", 99.0 - n)
        for n in range(65)
    ]
    dashboard.refs.listings["hello"] = Listing([*refs, Ref("v1", "tag", "v1", SHA, "A", "B", 1)], 1)
    seen: list[str] = []
    path = "/apps/hello"
    for _ in range(3):
        page = visitor.see(path)
        seen += re.findall(r"Do (\d+)", page.text)
        path = next(
            (str(a["href"]) for a in page.find("a") if "after=" in str(a.get("href"))), "the end"
        )
    assert seen == [str(n) for n in range(65)]
    assert path == "the end"
    found = visitor.see("/apps/hello?search=ITEM/64").text
    assert re.findall(r"Do (\d+)", found) == ["64"]
    assert "No branches match" in visitor.see("/apps/hello?search=nothing").text
    assert "v1" in visitor.see("/apps/hello?show=tags").text
    assert "Do 0" in visitor.see("/apps/hello?after=-1&show=nonsense").text


def test_commits_of_a_branch_have_addresses_and_pages(
    dashboard: Dashboard, visitor: Visitor
) -> None:
    commits = [Commit(f"{n:040x}", "Ada", f"Do {n}", 100.0 - n) for n in range(40)]
    dashboard.refs.logs["hello", "main"] = commits
    page = visitor.see("/apps/hello?show=commits")
    assert page.find("a", href=f"http://{0:040x}.hello.localhost:8080/")
    following = next(str(a["href"]) for a in page.find("a") if "after=" in str(a.get("href")))
    assert re.findall(r"Do (\d+)", visitor.see(following).text) == [str(n) for n in range(30, 40)]
    assert "leads to no commit" in visitor.see("/apps/hello?show=commits&ref=nowhere").text


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (RepositoryUnreachable("hello", "/hello.git", "no such host"), "no such host"),
        (BeingFetched("hello"), "is being fetched for the first time"),
    ],
)
def test_an_unreadable_repository_is_shown(
    dashboard: Dashboard, visitor: Visitor, error: Exception, text: str
) -> None:
    dashboard.refs.listings["hello"] = error
    assert text in visitor.see("/apps/hello").text
    dashboard.refs.listings["hello"] = Listing(
        [Ref("main", "branch", "main", SHA, "Ada", "Say hello", 1.0)], 130.0, "it does not answer"
    )
    text = visitor.see("/apps/hello").text
    assert "it does not answer" in text
    assert "its state of 2 min ago" in text
    assert "Say hello" in text


def test_another_repository_at_the_apps_address_is_shown(
    dashboard: Dashboard, visitor: Visitor
) -> None:
    address = dashboard.previews.snapshot.app("hello").repository
    dashboard.previews.repositories["hello"] = RepositoryRecord("hello", address, "7", "99")
    for page in ("/apps/hello", "/apps/hello/pulls"):
        assert "another repository" in visitor.see(page).text


def test_a_preview_shows_its_steps_its_failure_and_where_it_ran(
    dashboard: Dashboard, visitor: Visitor
) -> None:
    dashboard.previews.put(
        "hello",
        SHA,
        State.FAILED,
        labels=("main",),
        agent_id="S1",
        agent_host="10.0.0.7",
        steps=(Step("queued", 1.0), Step("placed", 2.0), Step("building", 4.0)),
        changed=94.0,
        failure=Failure(Cause.BUILD_FAILED, "RUN make ended with 2", 2),
    )
    dashboard.previews.usual_seconds["hello"] = {"building": 48.0}
    page = visitor.see(f"/apps/hello/previews/{SHA}")
    for text in ("RUN make ended with 2", "Build failed · exit code 2", "10.0.0.7", "usually 48 s"):
        assert text in page.text
    steps = [has["data-step"] for has in page.find("li") if "data-step" in has]
    assert steps == ["done", "done", "skipped", "failed", "next", "next"]
    assert page.find("a", href=f"/apps/hello/previews/{SHA}/log.txt")


def test_the_queue_shows_places_and_reasons(dashboard: Dashboard, visitor: Visitor) -> None:
    assert "Nothing waits" in visitor.see("/queue").text
    dashboard.previews.put("hello", SHA, State.QUEUED, reason="no agent has 2048 MB free")
    dashboard.previews.queue_places["hello", SHA] = 1
    assert "no agent has 2048 MB free" in visitor.see("/queue").text
    dashboard.trouble = "Mesos does not answer."
    assert "Nothing can start now: Mesos does not answer." in visitor.see("/").text


def test_mistakes_in_a_commits_settings_are_shown_line_by_line(
    dashboard: Dashboard, visitor: Visitor
) -> None:
    mistakes = (Mistake(1, "prot is not known"), Mistake(4, "<b>mem</b> asks"))
    failure = Failure(Cause.SETTINGS_INVALID, "2 mistakes.", mistakes=mistakes)
    dashboard.previews.put("hello", SHA, State.FAILED, failure=failure)
    text = visitor.see(f"/apps/hello/previews/{SHA}").text
    assert "line 1 prot is not known" in " ".join(text.split())
    assert "line 4 <b>mem</b> asks" in " ".join(text.split())


def test_events_are_listed_the_last_first(dashboard: Dashboard, visitor: Visitor) -> None:
    hello = dashboard.previews.known_apps.pop("hello")
    assert "Nothing has happened" in visitor.see("/events").text
    dashboard.previews.known_apps["hello"] = hello
    visitor.see("/events")
    dashboard.previews.put("hello", SHA, State.RUNNING, labels=("main",))
    text = visitor.see("/events").text
    assert text.index("main of hello (5c80e7d) runs") < text.index("app hello was added")
    for number in range(40):
        dashboard.previews.put("hello", f"{number:040}", State.RUNNING)
    page = visitor.see("/events")
    older = next(str(a["href"]) for a in page.find("a") if "after=" in str(a.get("href")))
    assert "app hello was added" in visitor.see(older).text
    assert visitor.see("/events?after=another-leader-7").text == page.text


def test_a_log_is_followed_and_downloaded_whole(dashboard: Dashboard, visitor: Visitor) -> None:
    fields: dict[str, Any] = {"task_id": "t", "labels": ("main",)}
    dashboard.previews.put("hello", SHA, State.FAILED, **fields)
    dashboard.sandboxes.output["t"] = "größer\n".encode() * 50_000
    answer = visitor.get(f"/apps/hello/previews/{SHA}/log.txt")
    assert answer.content == dashboard.sandboxes.output["t"]
    assert answer.headers["Content-Disposition"] == 'attachment; filename="hello-5c80e7d.log"'
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    answer = visitor.get(f"/apps/hello/previews/{SHA}/log")
    assert answer.headers["Content-Type"].startswith("text/event-stream")
    assert "event: log" in answer.text
    assert "event: end" in answer.text


def test_a_log_that_breaks_off_ends_with_the_reason(dashboard: Dashboard, visitor: Visitor) -> None:
    dashboard.previews.put("hello", SHA, State.FAILED, task_id="t")
    dashboard.previews.put("hello", OTHER, State.FAILED, task_id="u")
    dashboard.sandboxes.away = True
    answer = visitor.get(f"/apps/hello/previews/{SHA}/log.txt")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert "The agent does not answer now." in answer.text
    dashboard.sandboxes.away, dashboard.sandboxes.away_from = False, 100_000
    dashboard.sandboxes.output["u"] = b"x" * 200_000
    text = visitor.get(f"/apps/hello/previews/{OTHER}/log.txt").text
    assert "x\n[The log continues. The agent does not answer now." in text


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/events",
        "/queue",
        "/apps/hello",
        "/apps/hello?show=commits&ref=" + HOSTILE,
        "/apps/hello?show=previews",
        "/apps/hello?search=" + HOSTILE.replace("#", ""),
        "/apps/hello/settings",
        "/apps/hello/forge",
        f"/apps/hello/previews/{SHA}",
        f"/apps/hello/previews/{OTHER}",
        "/?did=" + HOSTILE,
        "/sign-in?next=" + HOSTILE,
        "/apps/" + HOSTILE.replace("/", ""),
    ],
)
def test_foreign_text_is_never_markup(dashboard: Dashboard, path: str) -> None:
    dashboard.previews.known_apps["hello"] = AppRecord(
        "hello", HOSTILE, health=HOSTILE, keep_warm=(HOSTILE,), constraints=(HOSTILE,)
    )
    ref = Ref(HOSTILE, "branch", names.slug(HOSTILE), OTHER, HOSTILE, HOSTILE, 1.0)
    main = Ref("main", "branch", "main", SHA, HOSTILE, HOSTILE, 1e300)
    dashboard.refs.listings["hello"] = Listing([ref, main], 1.0, HOSTILE)
    dashboard.refs.logs["hello", "main"] = [Commit(SHA, HOSTILE, HOSTILE, -1e18)]
    hostile: dict[str, Any] = {"agent_id": HOSTILE, "agent_host": HOSTILE, "task_id": HOSTILE}
    dashboard.previews.put(
        "hello", SHA, State.FAILED, failure=Failure(Cause.BUILD_FAILED, HOSTILE, 1), **hostile
    )
    dashboard.previews.put(
        "hello", OTHER, State.BUILDING, reason=HOSTILE, detail=HOSTILE, phase="building", **hostile
    )
    answer = dashboard.sign_in().get(path)
    assert answer.status_code in {200, 303, 404}
    page = Seen(answer.text)
    assert len(page.find("script")) <= 1
    assert not page.find("img")
    assert "49\u202e" not in answer.text
    for name, has in page.elements:
        assert not [key for key in has if key.startswith("on") or key == "style"]
        for key in {"href", "src", "action"} & has.keys():
            start = ("/", "http://", "data:image/svg", "#", "about:blank")
            assert str(has[key]).startswith(start), (name, has)


def test_an_error_is_shown_on_a_page(dashboard: Dashboard, visitor: Visitor) -> None:
    page = visitor.see("/apps/nonsense", status=404)
    assert "There is no app 'nonsense'" in page.text
    visitor.see(f"/apps/hello/previews/{OTHER}", status=404)
    dashboard.previews.error = Unavailable("The framework")
    answer = visitor.act("/apps/hello/start", label="main")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert "Try again in a few seconds" in answer.text


def test_after_a_failed_update_each_page_shows_what_is_served_and_what_failed(
    dashboard: Dashboard, visitor: Visitor
) -> None:
    dashboard.previews.put("hello", OTHER, State.RUNNING, labels=("main",), agent_id="S1")
    failure = Failure(Cause.BUILD_FAILED, "It is broken.", 1)
    dashboard.previews.put("hello", SHA, State.FAILED, labels=("main",), failure=failure)
    branches = visitor.see("/apps/hello").text
    assert f"still leads to {OTHER[:7]}." in " ".join(branches.split())
    assert "until this one runs" not in branches
    listed = visitor.see("/apps/hello?show=previews").text
    assert f"still leads to {OTHER[:7]}." in " ".join(listed.split())
    failed = visitor.see(f"/apps/hello/previews/{SHA}").text
    assert f"The address of main leads to {OTHER[:7]} until this one runs." in failed
    served = visitor.see(f"/apps/hello/previews/{OTHER}").text
    assert f"{SHA[:7]} is newer at main, and has failed: the address leads here" in served


def test_an_unknown_path_gets_a_browser_a_page_and_a_program_a_problem(
    dashboard: Dashboard,
) -> None:
    visitor = Visitor(dashboard)
    shown = visitor.get("/nope", headers={"Accept": "text/html,application/xhtml+xml"})
    assert shown.status_code == 404
    assert "There is nothing at /nope." in Seen(shown.text).text
    for path, accepted in (("/nope", "*/*"), ("/v1/nope", "text/html")):
        answer = visitor.get(path, headers={"Accept": accepted})
        assert answer.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("kind", "subject", "page"),
    [
        ("job", "a" * 16, f"/apps/hello/jobs/{'a' * 16}"),
        ("schedule", "nightly", "/apps/hello/jobs?schedule=nightly"),
        ("gate", "api", "/apps/hello/gates/api"),
        ("stack", "shop", "/stacks/shop"),
    ],
)
def test_an_event_leads_to_what_it_is_about(
    dashboard: Dashboard, visitor: Visitor, kind: str, subject: str, page: str
) -> None:
    none = (None,) * 4
    event = ActivityEvent("fake-1", 1000.0, kind, "hello", *none, "It waits", None, subject)
    dashboard.previews.past = History("fake", 1, (event,))
    assert f'<a href="{page}"><bdi>It waits</bdi></a>' in visitor.get("/events").text
