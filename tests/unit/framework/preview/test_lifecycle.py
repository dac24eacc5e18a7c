import importlib.util
import itertools
import pathlib

import pytest

from framework.preview.lifecycle import WITH_TASK, Event, IllegalTransition, step
from framework.preview.transitions import Failed, GivenUp, SettingsNotRead
from prevs.records import Failure
from prevs.states import ACTIVE, Cause, State

ROOT = pathlib.Path(__file__).parents[4]

# The whole matrix, by hand, apart from the table: a row per state, "." is illegal.
#   events in the order of Event: REQUESTED RETRIED STOP_REQUESTED READ UNREAD UNFIT LAUNCHED
#   NOT_LAUNCHED ALIVE BUILDING STARTING HEALTHY KILLING FAILED LOST CRASHED GIVEN_UP ENDED
#   ENDED_WANTED
LETTERS = {
    "Q": State.QUEUED,
    "P": State.PLACED,
    "B": State.BUILDING,
    "S": State.STARTING,
    "R": State.RUNNING,
    "D": State.DRAINING,
    "X": State.STOPPED,
    "F": State.FAILED,
}
MATRIX = {
    State.QUEUED: "Q.XQQFP.........F..",
    State.PLACED: "P.D....QPBSRDFQ.F..",
    State.BUILDING: "B.D.....BBSRDFQ.F..",
    State.STARTING: "S.D.....S.SRDFQ.F..",
    State.RUNNING: "R.D.....R..RDFQQF..",
    State.DRAINING: "D.D.....DDDDD....XQ",
    State.STOPPED: "Q.X................",
    State.FAILED: "FQF................",
}


@pytest.mark.parametrize(("state", "event"), list(itertools.product(State, Event)))
def test_every_state_and_event_match_the_matrix(state: State, event: Event) -> None:
    letter = MATRIX[state][list(Event).index(event)]
    if letter == ".":
        with pytest.raises(IllegalTransition):
            step(state, event)
    else:
        assert step(state, event) is LETTERS[letter]


def test_only_active_states_may_have_a_task() -> None:
    assert WITH_TASK < ACTIVE


def test_the_page_and_the_diagram_match_the_table() -> None:
    spec = importlib.util.spec_from_file_location("draw", ROOT / "docs/draw_lifecycle.py")
    assert spec is not None
    assert spec.loader is not None
    draw = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(draw)
    assert (ROOT / "docs/lifecycle.md").read_text(encoding="utf-8") == draw.page()
    assert (ROOT / "docs/lifecycle.svg").read_text(encoding="utf-8") == draw.picture()


def test_settings_that_never_came_are_given_up_and_those_that_came_are_refused() -> None:
    away = Failure(Cause.REPOSITORY_UNREACHABLE, "The repository cannot be read.")
    wrong = Failure(Cause.SETTINGS_INVALID, "Line 3 of .prevs.toml is wrong.")
    assert SettingsNotRead(GivenUp(away, 6)).event is Event.GIVEN_UP
    assert SettingsNotRead(Failed(wrong)).event is Event.UNFIT
