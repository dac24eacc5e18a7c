import importlib.util
import itertools
import pathlib

import pytest

from framework.units.lifecycle import (
    JOB_STARTING,
    JOB_WITH_TASK,
    OF_ALL,
    OF_JOBS,
    OF_PREVIEWS,
    STARTING,
    TRANSITIONS,
    WITH_TASK,
    Event,
    IllegalTransition,
    step,
)
from prevs.jobs import ENDED, JobState
from prevs.states import ACTIVE, State

ROOT = pathlib.Path(__file__).parents[4]

# The whole matrix, by hand, apart from the table: a row per state, "." is illegal.
#   events in the order of Event: REQUESTED RETRIED STOP_REQUESTED LEAVES READ UNREAD UNFIT LAUNCHED
#   NOT_LAUNCHED ALIVE BUILDING STARTING RUNS FINISHED FAILED TRIED_AGAIN LOST GIVEN_UP ENDED
#   ENDED_WANTED
LETTERS: dict[str, State | JobState] = {
    "Q": State.QUEUED,
    "P": State.PLACED,
    "B": State.BUILDING,
    "S": State.STARTING,
    "R": State.RUNNING,
    "D": State.DRAINING,
    "X": State.STOPPED,
    "F": State.FAILED,
}
JOB_LETTERS: dict[str, State | JobState] = {
    "q": JobState.QUEUED,
    "p": JobState.PLACED,
    "b": JobState.BUILDING,
    "r": JobState.RUNNING,
    "e": JobState.ENDING,
    "s": JobState.SUCCEEDED,
    "f": JobState.FAILED,
    "c": JobState.CANCELLED,
}
MATRIX: dict[State | JobState, str] = {
    State.QUEUED: "Q.X.QQFP.........F..",
    State.PLACED: "P.DD....QPBSR.F.QF..",
    State.BUILDING: "B.DD.....BBSR.F.QF..",
    State.STARTING: "S.DD.....S.SR.F.QF..",
    State.RUNNING: "R.DD.....R..R.FQQF..",
    State.DRAINING: "D.DD.....DDDD.....XQ",
    State.STOPPED: "Q.X.................",
    State.FAILED: "FQF.................",
    JobState.QUEUED: "..c...fp.........f..",
    JobState.PLACED: "..ee....qpbbrsfqqf..",
    JobState.BUILDING: "..ee.....bbbrsfqqf..",
    JobState.RUNNING: "..ee.....r..rsfqqf..",
    JobState.ENDING: "..ee.....eeeesf...cq",
    JobState.SUCCEEDED: "." * 20,
    JobState.FAILED: "." * 20,
    JobState.CANCELLED: "." * 20,
}


@pytest.mark.parametrize(("state", "event"), list(itertools.product(MATRIX, Event)))
def test_every_state_and_event_match_the_matrix(state: State | JobState, event: Event) -> None:
    letter = MATRIX[state][list(Event).index(event)]
    if letter == ".":
        with pytest.raises(IllegalTransition):
            step(state, event)
    else:
        assert step(state, event) is (LETTERS | JOB_LETTERS)[letter]


def test_the_matrix_has_every_state() -> None:
    assert [*MATRIX] == [*State, *JobState]


def test_a_row_stands_once() -> None:
    """Those of one kind replace none that both have; a job's building stands for two stages."""
    of_jobs = {event for state, event in TRANSITIONS if state is JobState.BUILDING}
    twice = {Event.ALIVE, Event.RUNS, Event.STOP_REQUESTED, Event.LEAVES, Event.STARTING}
    twice |= {Event.FAILED, Event.LOST, Event.GIVEN_UP}
    assert twice < of_jobs
    assert len(TRANSITIONS) == 2 * len(OF_ALL) - len(twice) + len(OF_PREVIEWS) + len(OF_JOBS)


def test_only_active_states_may_have_a_task() -> None:
    assert STARTING < WITH_TASK < ACTIVE


def test_each_job_is_queued_has_a_task_or_has_ended() -> None:
    assert {JobState.QUEUED} | JOB_WITH_TASK | ENDED == set(JobState)
    assert not ENDED & JOB_WITH_TASK
    assert JOB_STARTING < JOB_WITH_TASK


def test_the_page_and_the_diagram_match_the_table() -> None:
    spec = importlib.util.spec_from_file_location("draw", ROOT / "docs/draw_lifecycle.py")
    assert spec is not None
    assert spec.loader is not None
    draw = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(draw)
    assert (ROOT / "docs/lifecycle.md").read_text(encoding="utf-8") == draw.page()
    assert (ROOT / "docs/lifecycle.svg").read_text(encoding="utf-8") == draw.picture()
