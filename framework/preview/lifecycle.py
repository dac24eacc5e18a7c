"""The life of one preview, as a table.

Every legal change of state is a row of TRANSITIONS; states change nowhere else. Nothing here does
I/O. The actions that a state needs (a placement, a kill, a launch) are not in the table: the
service derives them from the records, and repeats them until they have succeeded.
docs/draw_lifecycle.py draws docs/lifecycle.md from the table.
"""

import enum
from collections.abc import Mapping

from prevs.states import State


class Event(enum.Enum):
    """What can happen to a preview."""

    REQUESTED = "requested"
    RETRIED = "retry requested"
    STOP_REQUESTED = "stop requested"
    READ = "settings read"
    UNREAD = "settings not read"
    UNFIT = "settings refused"
    LAUNCHED = "offer taken"
    NOT_LAUNCHED = "launch not sent"
    ALIVE = "task alive"
    BUILDING = "task builds"
    STARTING = "task starts"
    HEALTHY = "health check passed"
    KILLING = "task being killed"
    FAILED = "task failed"
    LOST = "task lost"
    CRASHED = "application failed after it ran"
    GIVEN_UP = "tried too often"
    ENDED = "task ended"
    ENDED_WANTED = "task ended, requested again"


class IllegalTransition(Exception):
    """An event is not legal in the state of its preview; nothing has changed."""

    def __init__(self, state: State, event: Event) -> None:
        super().__init__(f"{event.value} while {state.value}")
        self.state = state
        self.event = event


_SAME_WHILE_DRAINING = (
    Event.REQUESTED,
    Event.STOP_REQUESTED,
    Event.ALIVE,
    Event.BUILDING,
    Event.STARTING,
    Event.HEALTHY,
    Event.KILLING,
)


def _with_task(state: State) -> dict[tuple[State, Event], State]:
    """Return the rows that every state with a wanted task has in common."""
    return {
        (state, Event.REQUESTED): state,
        (state, Event.STOP_REQUESTED): State.DRAINING,
        (state, Event.ALIVE): state,
        (state, Event.HEALTHY): State.RUNNING,
        # Mesos kills the task, for example on an agent that drains: it starts again elsewhere.
        (state, Event.KILLING): State.DRAINING,
        (state, Event.FAILED): State.FAILED,
        (state, Event.LOST): State.QUEUED,
        (state, Event.GIVEN_UP): State.FAILED,
    }


TRANSITIONS: Mapping[tuple[State, Event], State] = {
    (State.QUEUED, Event.REQUESTED): State.QUEUED,
    (State.QUEUED, Event.STOP_REQUESTED): State.STOPPED,
    (State.QUEUED, Event.READ): State.QUEUED,
    (State.QUEUED, Event.UNREAD): State.QUEUED,
    (State.QUEUED, Event.UNFIT): State.FAILED,
    (State.QUEUED, Event.GIVEN_UP): State.FAILED,
    (State.QUEUED, Event.LAUNCHED): State.PLACED,
    **_with_task(State.PLACED),
    (State.PLACED, Event.NOT_LAUNCHED): State.QUEUED,
    (State.PLACED, Event.BUILDING): State.BUILDING,
    (State.PLACED, Event.STARTING): State.STARTING,
    **_with_task(State.BUILDING),
    (State.BUILDING, Event.BUILDING): State.BUILDING,
    (State.BUILDING, Event.STARTING): State.STARTING,
    **_with_task(State.STARTING),
    (State.STARTING, Event.STARTING): State.STARTING,
    **_with_task(State.RUNNING),
    (State.RUNNING, Event.CRASHED): State.QUEUED,
    **{(State.DRAINING, event): State.DRAINING for event in _SAME_WHILE_DRAINING},
    (State.DRAINING, Event.ENDED): State.STOPPED,
    (State.DRAINING, Event.ENDED_WANTED): State.QUEUED,
    (State.STOPPED, Event.REQUESTED): State.QUEUED,
    (State.STOPPED, Event.STOP_REQUESTED): State.STOPPED,
    # A failed preview stays failed: visitors keep coming, and none of them can fix it.
    (State.FAILED, Event.REQUESTED): State.FAILED,
    (State.FAILED, Event.STOP_REQUESTED): State.FAILED,
    (State.FAILED, Event.RETRIED): State.QUEUED,
}

WITH_TASK = frozenset({State.PLACED, State.BUILDING, State.STARTING, State.RUNNING, State.DRAINING})
"""The states in which the current attempt's task may exist."""

STARTING = frozenset({State.PLACED, State.BUILDING, State.STARTING})
"""The states between an accepted offer and running."""


def step(state: State, event: Event) -> State:
    """Return the state after `event`. Raises IllegalTransition if the table has no such row."""
    try:
        return TRANSITIONS[state, event]
    except KeyError:
        raise IllegalTransition(state, event) from None
