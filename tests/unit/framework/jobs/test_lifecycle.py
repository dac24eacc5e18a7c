import itertools

import pytest

from framework.jobs.lifecycle import (
    STARTING,
    WITH_TASK,
    IllegalJobTransition,
    JobEvent,
    step,
)
from prevs.jobs import ENDED, JobState

# The whole matrix, by hand, apart from the table: a row per state, "." is illegal.
#   events in the order of JobEvent: UNFIT EXPIRED LAUNCHED NOT_LAUNCHED ALIVE BUILDING RUNNING
#   FINISHED FAILED TRIED_AGAIN LOST GIVEN_UP CANCEL_REQUESTED STOP_REQUESTED ENDED ENDED_WANTED
LETTERS = {
    "Q": JobState.QUEUED,
    "P": JobState.PLACED,
    "B": JobState.BUILDING,
    "R": JobState.RUNNING,
    "E": JobState.ENDING,
    "S": JobState.SUCCEEDED,
    "F": JobState.FAILED,
    "C": JobState.CANCELLED,
}
MATRIX = {
    JobState.QUEUED: "FFP.........C...",
    JobState.PLACED: "...QPBRSFQQFEE..",
    JobState.BUILDING: "....BBRSFQQFEE..",
    JobState.RUNNING: "....R.RSFQQFEE..",
    JobState.ENDING: "....EEESF...EECQ",
    JobState.SUCCEEDED: "." * 16,
    JobState.FAILED: "." * 16,
    JobState.CANCELLED: "." * 16,
}


@pytest.mark.parametrize(("state", "event"), list(itertools.product(JobState, JobEvent)))
def test_every_state_and_event_match_the_matrix(state: JobState, event: JobEvent) -> None:
    letter = MATRIX[state][list(JobEvent).index(event)]
    if letter == ".":
        with pytest.raises(IllegalJobTransition):
            step(state, event)
    else:
        assert step(state, event) is LETTERS[letter]


def test_each_job_is_queued_has_a_task_or_has_ended() -> None:
    assert {JobState.QUEUED} | WITH_TASK | ENDED == set(JobState)
    assert not ENDED & WITH_TASK
    assert STARTING < WITH_TASK
