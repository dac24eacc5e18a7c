"""The commands about previews, against an API on a real socket."""

import json
import re
import time

import pytest

from framework.errors import AmbiguousLabel
from framework.http_api.http import problems
from framework.meanings import Meaning
from prevs import names
from prevs.commit_settings import CommitSettings, RunSettings
from prevs.companions import Companion
from prevs.records import EndedAttempt, Failure, Mistake, Step
from prevs.states import Cause, State
from tests.fakes.answers import OTHER_SHA, SHA
from tests.fakes.api import Api
from tests.integration.cli.command_runs import Run

pytestmark = pytest.mark.integration


def test_start_prints_the_address_on_stdout_and_the_state_on_stderr(run: Run) -> None:
    done = run("start", "hello", "main")
    assert done.status == 0
    assert done.out == "http://main.hello.localhost:8080/\n"
    assert "hello@main (de6b329) waits for an agent" in done.err


def test_start_shows_the_age_of_the_label_if_the_repository_is_away(api: Api, run: Run) -> None:
    api.refs.put_away("hello", "main", 720.0)
    done = run("start", "hello", "main")
    assert done.status == 0
    assert done.out == "http://main.hello.localhost:8080/\n"
    assert "cannot be read now. This is main as it was 12 min ago. It cannot be" in done.err
    api.refs.put_away("hello", "main", None)
    assert "This is main as it was at the last read." in run("start", "hello", "main").err


def test_a_branch_may_be_named_as_in_git(api: Api, run: Run) -> None:
    api.refs.put("hello", names.slug("feature/x"), SHA)
    assert run("start", "hello", "feature/x").status == 0
    assert api.bodies == [{"app": "hello", "label": names.slug("feature/x")}]


def test_an_unknown_branch_is_reported_by_the_given_name(run: Run) -> None:
    done = run("start", "hello", "feature/y")
    assert done.status == 1
    assert "'feature/y'" in done.err
    assert names.slug("feature/y") in done.err


def test_an_ambiguous_commit_is_reported_with_its_candidates(api: Api, run: Run) -> None:
    subjects = {SHA: "Be brief", OTHER_SHA: "Be loud"}
    candidates = [Meaning(sha, "commit", None, subject) for sha, subject in subjects.items()]
    api.refs.leads["hello", "de6b329"] = AmbiguousLabel("hello", "de6b329", candidates)
    done = run("start", "hello", "de6b329")
    assert done.status == 1
    assert f"{SHA[:12]} commit Be brief" in done.err
    assert f"{OTHER_SHA[:12]} commit Be loud" in done.err


def test_start_wait_ends_with_the_address_when_it_runs(api: Api, run: Run) -> None:
    api.put(State.QUEUED, reason="no agent has 2048 MB free; the most is 1536")
    api.previews.queue_places["hello", SHA] = 2
    log = "Step 1/2\n"

    def move_on() -> None:
        api.previews.queue_places["hello", SHA] = 1
        api.put(State.QUEUED)

    def lose() -> None:
        api.previews.queue_places.clear()
        lost = "Its last attempt was lost."
        api.put(State.QUEUED, reason=lost, retry_at=time.time() + 1000)

    api.script = [
        ("the most is 1536", move_on),
        ('"queue_place":1', lose),
        ("was lost", lambda: api.put(State.BUILDING, phase="building", log=log)),
        ("Step 1/2", lambda: api.put(State.RUNNING, log=log)),
    ]
    done = run("start", "hello", "main", "--wait")
    assert done.status == 0
    assert done.out == "http://main.hello.localhost:8080/\n"
    lines = done.err.splitlines()
    assert lines.pop(2).startswith("hello@main (de6b329) is tried again in 16 ")
    assert lines == [
        "hello@main (de6b329) is 2nd in the queue: no agent has 2048 MB free; the most is 1536",
        "hello@main (de6b329) is 1st in the queue",
        "hello@main (de6b329) builds the image",
        "hello@main (de6b329) runs at http://main.hello.localhost:8080/",
    ]


def test_start_wait_ends_with_the_reason_when_it_failed(api: Api, run: Run) -> None:
    steps = (Step("queued", 0.0), Step("starting", 1.0), Step("failed", 3.0))
    api.script = [("event: state", lambda: api.fail(steps=steps))]
    done = run("start", "hello", "main", "--wait")
    assert (done.status, done.out) == (1, "")
    assert "2.0 s until it failed" in done.err
    assert "failed: The app exited. (exit code 3)" in done.err
    assert "  oh no" in done.err.splitlines()
    assert "prevs retry hello main" in done.err


def test_start_of_a_failed_preview_fails_at_once(api: Api, run: Run) -> None:
    api.fail()
    done = run("start", "hello", "main", "--json")
    assert done.status == 1
    assert json.loads(done.out)["failure"]["cause"] == "app-exited"
    assert "exit code 3" in done.err


def test_mistakes_in_the_settings_of_a_commit_are_shown_line_by_line(api: Api, run: Run) -> None:
    mistakes = (Mistake(1, "prot is not known"), Mistake(4, "mem asks"))
    api.fail(failure=Failure(Cause.SETTINGS_INVALID, "2 mistakes.", None, mistakes))
    done = run("start", "hello", "main", "--wait")
    assert done.status == 1
    assert "  line 1: prot is not known" in done.err.splitlines()
    assert "  line 4: mem asks" in done.err.splitlines()
    shown = run("show", "hello", "main").out
    assert [line.split()[:2] for line in shown.splitlines() if line.startswith("line")] == [
        ["line", "1"],
        ["line", "4"],
    ]
    assert "prot is not known" in shown
    assert "0.1 CPUs, 128 MB, port 8080" in shown


def test_start_wait_fails_when_somebody_stops_it(api: Api, run: Run) -> None:
    api.script = [("event: state", lambda: api.put(State.STOPPED))]
    done = run("start", "hello", "main", "--wait")
    assert (done.status, done.out) == (1, "")
    assert "is stopped" in done.err


def test_previews_are_listed_and_filtered(api: Api, run: Run) -> None:
    api.put(State.RUNNING)
    api.fail(OTHER_SHA, labels=("old",))
    assert [line.split()[1] for line in run("ls").out.splitlines()] == ["LABEL", "main", "old"]
    found = json.loads(run("ls", "--app", "hello", "--state", "failed", "--json").out)
    assert [p["sha"] for p in found] == [OTHER_SHA]
    assert run("ls", "--state", "nonsense").status == 2


def test_a_list_shows_the_place_the_reason_and_the_pin(api: Api, run: Run) -> None:
    api.put(State.QUEUED, reason="no agent has room")
    api.previews.queue_places["hello", SHA] = 2
    api.put(State.RUNNING, OTHER_SHA, pinned=True, labels=("v1",))
    _, queued, pinned = run("ls").out.splitlines()
    assert queued.endswith("2nd in the queue: no agent has room")
    assert pinned.endswith("pinned")


def test_a_service_is_shown_and_opened_at_its_own_address(api: Api, run: Run) -> None:
    beside = (Companion("result", image="result:1", port=8081),)
    settings = CommitSettings(run=RunSettings(companions=beside))
    api.previews.put("hello", SHA, State.RUNNING, labels=("main",), settings=settings)
    assert "result http://result--main.hello.localhost:8080/" in run("show", "hello", "main").out
    opened = run("open", "hello", "main", "--service", "result")
    assert opened.out == "http://result--main.hello.localhost:8080/\n"
    other = run("open", "hello", "main", "--service", "nope")
    assert (other.status, other.out) == (1, "")
    assert "no service 'nope'" in other.err


def test_show_has_the_reason_of_a_running_preview_and_its_pin(api: Api, run: Run) -> None:
    reason = "Its agent does not answer; another one takes over in a minute."
    api.put(State.RUNNING, reason=reason, pinned=True)
    shown = run("show", "hello", "main").out
    assert reason in shown
    assert "pinned" in shown


def test_show_has_all_that_is_known(api: Api, run: Run) -> None:
    api.fail(agent_id="a-1", agent_host="127.0.0.2", host_port=31000)
    done = run("show", "hello", "main")
    assert done.status == 0
    for expected in (SHA, "127.0.0.2:31000", f"task-of-{SHA}", "exit code 3", "oh no"):
        assert expected in done.out
    assert json.loads(run("show", "hello", SHA, "--json").out)["host_port"] == 31000


def test_a_preview_whose_branch_is_gone_can_still_be_stopped(api: Api, run: Run) -> None:
    api.put(State.RUNNING, labels=("gone",))
    done = run("stop", "hello", "gone")
    assert done.status == 0
    assert api.previews.snapshot.preview("hello", SHA).state is State.STOPPED
    assert "is stopped" in done.err


def test_only_a_failed_preview_can_be_retried(api: Api, run: Run) -> None:
    api.fail()
    assert run("retry", "hello", "main").status == 0
    done = run("retry", "hello", "main")
    assert done.status == 1
    assert "only a failed preview" in done.err


def test_retry_waits_until_the_preview_runs(api: Api, run: Run) -> None:
    api.fail()
    api.script = [("event: state", lambda: api.put(State.RUNNING))]
    done = run("retry", "hello", "main", "--wait")
    assert (done.status, done.out) == (0, "http://main.hello.localhost:8080/\n"), done.err


def test_a_retry_that_fails_while_one_waits_says_why(api: Api, run: Run) -> None:
    api.fail()
    another = Failure(Cause.APP_EXITED, "The app exited.", 4)
    api.script = [("event: state", lambda: api.fail(failure=another))]
    done = run("retry", "hello", "main", "--wait")
    assert (done.status, done.out, api.script) == (1, "", [])
    assert "failed: The app exited. (exit code 4)" in done.err


def test_restart_ends_the_containers_and_waits_for_the_next(api: Api, run: Run) -> None:
    api.put(State.RUNNING)
    api.script = [("event: state", lambda: api.put(State.RUNNING))]
    done = run("restart", "hello", "main", "--wait")
    assert (done.status, done.out) == (0, "http://main.hello.localhost:8080/\n"), done.err
    assert "Somebody has restarted it." in done.err
    api.fail()
    done = run("restart", "hello", "main")
    assert done.status == 1
    assert "Retry one that has failed" in done.err


def test_logs_prints_all_of_the_log_as_it_is_however_it_is_cut(api: Api, run: Run) -> None:
    log = "Größe \x1b[31mrot\x1b[0m\n" * 100_000  # two answers of the API
    api.put(State.RUNNING, log=log)
    assert run("logs", "hello", "main").out == log
    assert len(api.requests) > 3


def test_logs_that_follow_go_on_where_the_connection_broke(api: Api, run: Run) -> None:
    api.put(State.RUNNING, log="one\n")
    api.script = [
        ("one", api.cut),
        ("event: state", lambda: api.put(State.STOPPED, log="one\ntwo\n")),
    ]
    done = run("logs", "hello", "main", "-f")
    assert done.status == 0
    assert done.out == "one\ntwo\n"
    assert api.resumed_after == [None, "4"]
    assert "Connecting again" in done.err
    assert "is stopped" in done.err


def test_logs_prints_only_the_end_of_a_log_with_tail(api: Api, run: Run) -> None:
    api.put(State.RUNNING, log="old\n" * 2000 + "new \x1b[2J\n")
    shown = run("logs", "hello", "main", "--tail").out
    assert shown.endswith("old\nnew \x1b[2J\n")
    assert len(shown) < 4200
    assert run("logs", "hello", "main", "--tail", "-f").status == 2


def test_show_has_why_a_preview_was_stopped_and_how_long_its_steps_took(api: Api, run: Run) -> None:
    api.previews.usual_seconds["hello"] = {"queued": 0.4}
    steps = (Step("queued", 0.0), Step("placed", 0.5), Step("running", 2.0))
    api.put(State.STOPPED, reason="Nobody used it for an hour.", steps=steps)
    shown = run("show", "hello", "main").out
    for part in ("Nobody used it", "0.5 s, usually 0.4 s", "placed  1.5 s"):
        assert part in shown


@pytest.fixture
def failed_update(api: Api) -> Api:
    """main ran at OTHER_SHA; SHA, its newest commit, has failed."""
    api.put(State.RUNNING, OTHER_SHA, log="the old one\n")
    api.fail(log="the new one\n")
    return api


OLD, NEW = names.short(OTHER_SHA), SHA[:7]


def test_after_a_failed_update_show_has_what_failed_and_what_is_served(
    failed_update: Api, run: Run
) -> None:
    done = run("show", "hello", "main")
    assert "The app exited" in done.out
    assert f"its address still serves {OLD}" in done.out
    served = run("show", "hello", OTHER_SHA).out
    assert f"{NEW} is newer at main, and has failed" in served


def test_after_a_failed_update_the_list_has_the_same(failed_update: Api, run: Run) -> None:
    listed = " ".join(run("ls").out.split())
    assert f"its address still serves {OLD}" in listed
    assert f"{NEW} is newer at main, and has failed" in listed


def test_after_a_failed_update_logs_name_their_commit(failed_update: Api, run: Run) -> None:
    done = run("logs", "hello", "main")
    assert done.out == "the new one\n"
    assert f"This is the log of {NEW}, the newest commit." in done.err
    assert f"main serves {OLD} meanwhile" in done.err
    assert f"prevs logs hello {OLD}" in done.err
    assert run("logs", "hello", OTHER_SHA).err == ""


def test_after_a_failed_update_stop_stops_what_answers_at_the_address(
    failed_update: Api, run: Run
) -> None:
    done = run("stop", "hello", "main")
    assert done.status == 0
    assert ("DELETE", f"/v1/previews/hello/{OTHER_SHA}") in failed_update.requests
    assert ("DELETE", f"/v1/previews/hello/{SHA}") not in failed_update.requests
    assert OLD in done.err.splitlines()[0]
    assert f"It served main. The newer commit {NEW} has failed." in done.err


def test_stop_ends_a_commit_on_its_way_together_with_what_answers(api: Api, run: Run) -> None:
    api.put(State.RUNNING, OTHER_SHA)
    api.put(State.BUILDING)
    assert run("stop", "hello", "main").status == 0
    stopped = [path for method, path in api.requests if method == "DELETE"]
    assert stopped == [f"/v1/previews/hello/{sha}" for sha in (SHA, OTHER_SHA)]


def test_the_commit_itself_is_what_is_stopped_where_it_is_named(
    failed_update: Api, run: Run
) -> None:
    run("stop", "hello", SHA)
    stopped = [path for method, path in failed_update.requests if method == "DELETE"]
    assert stopped == [f"/v1/previews/hello/{SHA}"]


def test_after_a_failed_update_retry_tries_the_newest_and_shows_what_is_served(
    failed_update: Api, run: Run
) -> None:
    done = run("retry", "hello", "main")
    assert ("POST", f"/v1/previews/hello/{SHA}/retry") in failed_update.requests
    assert f"main serves {OLD} until this one runs" in done.err


@pytest.fixture
def woken(api: Api) -> Api:
    """main runs for the third time: once it was stopped, then its build failed."""
    now = time.time()
    first = EndedAttempt(1, "t1", now - 700, now - 100, "S1", why="Nobody used it.")
    second = EndedAttempt(2, "t2", now - 60, now - 48, "S1", None, "", Cause.BUILD_FAILED, 7, "No.")
    api.put(State.RUNNING, log="the last one\n", attempts=(first, second))
    api.sandboxes.output |= {"t1": b"the first one\n", "t2": b"the second one\n"}
    api.kept_logs.add("t2")
    return api


def test_show_lists_earlier_attempts_and_how_they_ended(woken: Api, run: Run) -> None:
    done = run("show", "hello", "main")
    lines = [line for line in done.out.splitlines() if "attempt" in line]
    assert [line.split()[0] for line in lines] == ["earlier", "attempt"]
    # Seconds may pass before the command looks at its clock.
    assert re.search(r"attempt 2 failed (4[89]|5\d) s ago, after 12 s: No", lines[0])
    assert (
        "attempt 1 stopped 1 min ago, after 10 min: Nobody used it; its log is not kept" in lines[1]
    )
    shown = json.loads(run("show", "hello", "main", "--json").out)
    assert [one["number"] for one in shown["earlier"]] == [2, 1]


def test_logs_prints_the_log_of_an_earlier_attempt(woken: Api, run: Run) -> None:
    assert run("logs", "hello", "main").out == "the last one\n"
    assert run("logs", "hello", "main", "--attempt", "1").out == "the first one\n"
    assert run("logs", "hello", "main", "--attempt", "2", "--tail").out == "the second one\n"
    assert run("logs", "hello", "main", "--previous").out == "the second one\n"
    done = run("logs", "hello", "main", "--attempt", "9")
    assert done.status == 1
    assert "Attempt 9" in done.err
    assert "prevs show hello" in done.err


def test_the_attempt_before_is_that_of_whose_log_is_shown(woken: Api, run: Run) -> None:
    woken.put(
        State.QUEUED, task_id="t2", attempts=woken.previews.snapshot.preview("hello", SHA).attempts
    )
    assert run("logs", "hello", "main", "--previous").out == "the second one\n"
    woken.fail(task_id="t2", attempts=woken.previews.snapshot.preview("hello", SHA).attempts)
    assert run("logs", "hello", "main", "--previous").out == "the first one\n"


@pytest.mark.parametrize(
    "options", [("--attempt", "1", "--previous"), ("--previous", "-f"), ("--attempt", "1", "-f")]
)
def test_contradictory_options_are_wrong_use(woken: Api, run: Run, options: tuple[str]) -> None:
    assert run("logs", "hello", "main", *options).status == 2


def test_if_there_was_no_earlier_attempt_that_is_reported(api: Api, run: Run) -> None:
    api.put(State.RUNNING, log="the last one\n")
    done = run("logs", "hello", "main", "--previous")
    assert (done.status, done.out) == (1, "")
    assert "This preview has no earlier attempt." in done.err
    assert "earlier" not in run("show", "hello", "main").out


def test_an_older_framework_knows_of_no_attempts(woken: Api, run: Run) -> None:
    path = ("GET", f"/v1/previews/hello/{SHA}/attempts")
    woken.instead[path] = problems.answer_no_path()
    done = run("show", "hello", "main")
    assert done.status == 0
    assert "earlier" not in done.out
