"""The life of one job, as a table.

Every legal change of state is a row of TRANSITIONS; states change nowhere else. As for previews,
the actions that a state needs are not in the table: the service derives them from the records.
"""

import enum
from collections.abc import Mapping

from prevs.jobs import JobState


class JobEvent(enum.Enum):
    """What can happen to a job."""

    UNFIT = "may not start"
    EXPIRED = "not started in time"
    LAUNCHED = "offer taken"
    NOT_LAUNCHED = "launch not sent"
    ALIVE = "task alive"
    BUILDING = "task builds or starts"
    RUNNING = "command runs"
    FINISHED = "command succeeded"
    FAILED = "task failed"
    TRIED_AGAIN = "task failed, tries left"
    LOST = "task lost"
    GIVEN_UP = "lost too often"
    CANCEL_REQUESTED = "cancel requested"
    STOP_REQUESTED = "stop requested, starts again"
    ENDED = "task ended"
    ENDED_WANTED = "task ended, starts again"


class IllegalJobTransition(Exception):
    """An event is not legal in the state of its job; nothing has changed."""

    def __init__(self, state: JobState, event: JobEvent) -> None:
        super().__init__(f"{event.value} while {state.value}")
        self.state = state
        self.event = event


_SAME_WHILE_ENDING = (
    JobEvent.ALIVE,
    JobEvent.BUILDING,
    JobEvent.RUNNING,
    JobEvent.CANCEL_REQUESTED,
    JobEvent.STOP_REQUESTED,
)


def _with_task(state: JobState) -> dict[tuple[JobState, JobEvent], JobState]:
    """Return the rows that every state with a wanted task has in common."""
    return {
        (state, JobEvent.ALIVE): state,
        (state, JobEvent.RUNNING): JobState.RUNNING,
        (state, JobEvent.FINISHED): JobState.SUCCEEDED,
        (state, JobEvent.FAILED): JobState.FAILED,
        (state, JobEvent.TRIED_AGAIN): JobState.QUEUED,
        (state, JobEvent.LOST): JobState.QUEUED,
        (state, JobEvent.GIVEN_UP): JobState.FAILED,
        (state, JobEvent.CANCEL_REQUESTED): JobState.ENDING,
        (state, JobEvent.STOP_REQUESTED): JobState.ENDING,
    }


TRANSITIONS: Mapping[tuple[JobState, JobEvent], JobState] = {
    (JobState.QUEUED, JobEvent.UNFIT): JobState.FAILED,
    (JobState.QUEUED, JobEvent.EXPIRED): JobState.FAILED,
    (JobState.QUEUED, JobEvent.CANCEL_REQUESTED): JobState.CANCELLED,
    (JobState.QUEUED, JobEvent.LAUNCHED): JobState.PLACED,
    **_with_task(JobState.PLACED),
    (JobState.PLACED, JobEvent.NOT_LAUNCHED): JobState.QUEUED,
    (JobState.PLACED, JobEvent.BUILDING): JobState.BUILDING,
    **_with_task(JobState.BUILDING),
    (JobState.BUILDING, JobEvent.BUILDING): JobState.BUILDING,
    **_with_task(JobState.RUNNING),
    **{(JobState.ENDING, event): JobState.ENDING for event in _SAME_WHILE_ENDING},
    # The command was done before the kill arrived: its result counts.
    (JobState.ENDING, JobEvent.FINISHED): JobState.SUCCEEDED,
    (JobState.ENDING, JobEvent.FAILED): JobState.FAILED,
    (JobState.ENDING, JobEvent.ENDED): JobState.CANCELLED,
    (JobState.ENDING, JobEvent.ENDED_WANTED): JobState.QUEUED,
}

WITH_TASK = frozenset({JobState.PLACED, JobState.BUILDING, JobState.RUNNING, JobState.ENDING})
"""The states in which the current attempt's task may exist."""

STARTING = frozenset({JobState.PLACED, JobState.BUILDING})
"""The states between an accepted offer and the command."""


def step(state: JobState, event: JobEvent) -> JobState:
    """Return the state after `event`. Raises IllegalJobTransition without a row for it."""
    try:
        return TRANSITIONS[state, event]
    except KeyError:
        raise IllegalJobTransition(state, event) from None
