"""`prevs events`, as a list and followed, against an API on a real socket."""

import json

import pytest

from framework.preview.history import History
from prevs.records import Failure
from prevs.states import Cause, State
from tests.fakes.answers import problem
from tests.fakes.api import Api
from tests.integration.cli.command_runs import Done, Run

pytestmark = pytest.mark.integration

REQUESTED, BUILT, RUNS = (
    f"main of hello (de6b329) {what}" for what in ("was requested", "is being built", "runs")
)
STATES = (State.QUEUED, State.BUILDING, State.RUNNING)


@pytest.fixture
def api(api: Api) -> Api:
    """There are no events yet."""
    api.previews.look()
    api.previews.past = History("era")
    return api


def happen(api: Api, *states: State) -> None:
    for state in states:
        api.put(state)
        api.previews.look()


def end(api: Api) -> None:
    """Refuse further calls for events, and break the stream off."""
    api.instead["GET", "/v1/events"] = problem("unauthorized", 401, "No more.")
    api.cut()


def sentences(done: Done) -> list[str]:
    return [line.partition("  ")[2] for line in done.out.splitlines()]


def test_events_are_listed_with_the_latest_last(api: Api, run: Run) -> None:
    happen(api, *STATES)
    assert sentences(run("events")) == [REQUESTED, BUILT, RUNS]
    printed = json.loads(run("events", "--json").out)
    assert printed == api.call("GET", "/v1/events").json()["events"]
    short = run("events", "--limit", "1")
    assert sentences(short) == [RUNS]
    assert "--limit 4" in short.err


def test_without_events_the_output_shows_how_to_wait_for_some(run: Run) -> None:
    done = run("events")
    assert (done.status, done.out) == (0, "")
    assert "prevs events -f" in done.err


def test_events_are_followed_over_connections_that_break(api: Api, run: Run) -> None:
    happen(api, State.QUEUED)

    def break_off() -> None:
        api.previews.past = History("another")  # as of a framework that leads since then
        api.cut()

    def fail() -> None:
        api.fail(failure=Failure(Cause.APP_EXITED, "\x1b]0;x\x07It ended."))

    api.script = [
        ("from here on", lambda: happen(api, State.BUILDING)),
        ("is being built", break_off),
        ("reset", fail),
        ("failed", lambda: end(api)),
    ]
    done = run("events", "-f")
    assert sentences(done) == [REQUESTED, BUILT, "main of hello (de6b329) failed: It ended"]
    assert api.resumed_after == ["era-1", "era-2"]
    assert "Events are missing here" in done.err
    assert done.status == 1


def test_each_event_is_a_line_of_json(api: Api, run: Run) -> None:
    happen(api, State.QUEUED)
    api.script = [("from here on", lambda: happen(api, *STATES[1:])), (RUNS, lambda: end(api))]
    printed = [json.loads(line) for line in run("events", "-f", "--json").out.splitlines()]
    assert printed == api.call("GET", "/v1/events").json()["events"][::-1]
