"""The page of a preview: its log without scripts, and its earlier attempts."""

import pytest

from framework.access import Scope
from prevs.commit_settings import CommitSettings, RunSettings
from prevs.companions import Companion
from prevs.records import EndedAttempt
from prevs.states import Cause, State
from tests.fakes.dashboard import Dashboard, Visitor
from tests.unit.framework.dashboard.conftest import SHA

PAGE = f"/apps/hello/previews/{SHA}"


@pytest.fixture
def dashboard(dashboard: Dashboard) -> Dashboard:
    """A preview in its third attempt: the first was stopped, the build of the second failed."""
    stopped = EndedAttempt(1, "t1", 10.0, 22.0, "S1", "10.0.0.1", "running", why="Nobody used it.")
    failed = EndedAttempt(
        2, "t2", 30.0, 40.0, "S2", None, "building", Cause.BUILD_FAILED, 7, "<b>No</b>."
    )
    dashboard.previews.put(
        "hello", SHA, State.RUNNING, labels=("main",), task_id="t3", attempts=(stopped, failed)
    )
    dashboard.sandboxes.output |= {
        "t1": b"\x1b[31mthe first one\x1b[0m\n",
        "t2": b"the <i>second</i> one\n",
        "t3": b"old\n" * 2000 + b"the last one\n",
    }
    return dashboard


def test_a_browser_without_scripts_sees_the_end_of_the_log(visitor: Visitor) -> None:
    page = visitor.get(PAGE).text
    assert "old\nthe last one\n</pre>" in page
    assert f'href="{PAGE}/log.txt"' in page
    assert len(page) < 20_000


def test_a_reload_by_a_script_reads_no_log(dashboard: Dashboard, visitor: Visitor) -> None:
    page = visitor.get(PAGE, headers={"Sec-Fetch-Dest": "empty"})
    assert page.status_code == 200
    assert "the last one" not in page.text
    assert dashboard.sandboxes.tails == 0


def test_only_the_log_is_missing_while_the_agent_is_away(
    dashboard: Dashboard, visitor: Visitor
) -> None:
    dashboard.sandboxes.away = True
    page = visitor.get(PAGE)
    assert page.status_code == 200
    assert "The agent" in page.text


def test_each_container_is_listed_with_what_it_takes(
    dashboard: Dashboard, visitor: Visitor
) -> None:
    assert "<bdi>app</bdi>" not in visitor.get(PAGE).text
    db = Companion("db", image="postgres:17", mem=256)
    settings = CommitSettings(run=RunSettings(companions=(db,)))
    dashboard.previews.change("hello", SHA, settings=settings)
    page = visitor.get(PAGE).text
    assert "<bdi>app</bdi>: 0.1 CPUs, 128 MB" in page
    assert "<bdi>db (postgres:17)</bdi>: 0.1 CPUs, 256 MB" in page
    assert "0.2 CPUs, 384 MB, port 8080" in page


def test_a_waiting_preview_has_no_log(dashboard: Dashboard, visitor: Visitor) -> None:
    dashboard.previews.change("hello", SHA, state=State.QUEUED)
    assert "not there yet" in visitor.get(PAGE).text
    assert dashboard.sandboxes.tails == 0


def test_earlier_attempts_are_listed_with_links_to_their_logs(
    dashboard: Dashboard, visitor: Visitor
) -> None:
    dashboard.kept_logs.add("t1")
    page = visitor.get(PAGE).text
    listed = page.partition("Earlier attempts")[2]
    assert listed.count("only its agent has the log") == 1
    assert listed.index("attempts/2") < listed.index("attempts/1")
    assert "attempts/3" not in page
    assert "Nobody used it." in listed
    assert "&lt;b&gt;No&lt;/b&gt;." in listed
    assert "after 12 s" in listed


def test_a_failed_attempt_is_not_listed_as_an_earlier_one(
    dashboard: Dashboard, visitor: Visitor
) -> None:
    dashboard.previews.change("hello", SHA, state=State.FAILED, task_id="t2")
    listed = visitor.get(PAGE).text.partition("Earlier attempts")[2]
    assert "attempts/1" in listed
    assert "attempts/2" not in listed


@pytest.mark.parametrize(
    ("number", "text"), [(1, "<pre"), (2, "the &lt;i&gt;second&lt;/i&gt; one"), (3, "the last one")]
)
def test_an_attempt_has_a_page_with_its_log(visitor: Visitor, number: int, text: str) -> None:
    page = visitor.get(f"{PAGE}/attempts/{number}")
    assert page.status_code == 200
    assert f"Attempt {number} of" in page.text
    assert text in page.text
    assert f"{PAGE}/attempts/{number}/log.txt" in page.text


def test_the_log_of_an_attempt_is_downloaded_as_it_is(visitor: Visitor) -> None:
    answer = visitor.get(f"{PAGE}/attempts/1/log.txt")
    assert answer.content == b"\x1b[31mthe first one\x1b[0m\n"
    assert answer.headers["Content-Disposition"] == (
        f'attachment; filename="hello-{SHA[:7]}-1.log"'
    )


@pytest.mark.parametrize("path", ["attempts/9", "attempts/9/log.txt", "attempts/0", "attempts/x"])
def test_an_unknown_attempt_has_a_page_with_404(visitor: Visitor, path: str) -> None:
    answer = visitor.get(f"{PAGE}/{path}", headers={"Accept": "text/html"})
    assert answer.status_code == 404
    assert "text/html" in answer.headers["Content-Type"]


def test_reading_a_log_needs_a_session(dashboard: Dashboard) -> None:
    stranger = Visitor(dashboard)
    for path in (PAGE, f"{PAGE}/attempts/1", f"{PAGE}/attempts/1/log.txt"):
        answer = stranger.get(path)
        assert answer.status_code == 303
        assert "first" not in answer.text


def test_a_token_of_another_app_reads_no_log(dashboard: Dashboard) -> None:
    dashboard.previews.known_apps["other"] = dashboard.previews.known_apps["hello"]
    visitor = dashboard.enter(Scope.READ, "other")
    for path in (f"{PAGE}/attempts/1", f"{PAGE}/attempts/1/log.txt"):
        answer = visitor.get(path)
        assert answer.status_code == 403
        assert "first" not in answer.text


def test_each_service_is_a_link_to_its_address(dashboard: Dashboard, visitor: Visitor) -> None:
    assert "Services" not in visitor.get(PAGE).text
    beside = (Companion("result", image="result:1", port=8081),)
    settings = CommitSettings(run=RunSettings(companions=beside))
    dashboard.previews.put("hello", SHA, State.RUNNING, labels=("main",), settings=settings)
    page = visitor.get(PAGE).text
    assert '<bdi>result</bdi>: <a href="http://result--main.hello.localhost:8080/"' in page


def test_a_branch_whose_commit_another_preview_serves_is_shown_with_that_one(
    dashboard: Dashboard, visitor: Visitor
) -> None:
    newer = "b" * 40
    assert "the same" not in visitor.see("/apps/hello").text
    dashboard.refs.put("hello", "main", newer)
    dashboard.previews.change("hello", SHA, same=(newer,))
    page = visitor.see("/apps/hello").text
    assert "bbbbbbb (the same as 5c80e7d)" in page
    assert "leads to" not in page
    assert "It serves bbbbbbb too, which is the same" in visitor.see(PAGE).text
