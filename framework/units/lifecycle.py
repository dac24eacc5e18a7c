"""The life of a unit, as one table with two ends: a preview serves, a job finishes.

A unit waits, has an attempt, or rests. An attempt is one task of Mesos on one agent.

- **It waits**, queued, and nothing of it exists. It goes on once an offer is taken for it. Or it
  never starts: nobody wants it any more, it may not start, or it has waited too long.
- **Its attempt is wanted**: placed, building, starting, running. The record says so before the task
  is sent, so the task may exist, and only Mesos, or a minute of its silence, says that it does not.
  Reports lead forward. They may skip states, as Mesos repeats the last one alone; none leads back,
  and the same one again changes nothing.
- **Its attempt is to end**, by order of a person, of the scheduler or of Mesos. The order may get
  lost, so the unit keeps its task until the end is reported: it never has two tasks at a time.
  Late reports and further orders change nothing. Afterwards it rests, or waits again if it is to
  start again.
- An attempt may also **end by itself**. It was lost, through nobody's fault, and the unit waits for
  another one until it is given up. Or it failed: what fails at every try rests at once.

Two things follow from what a unit is for. A preview **serves**, so no end of its attempt is a
success, and no rest is for good: a request starts a stopped preview. Only a retry starts a failed
one, as visitors keep coming and none of them can fix it. A job **finishes**, so the end of its
command counts even if it was just to be ended, and it never leaves a rest.

Every legal change of state is a row of TRANSITIONS; states change nowhere else. An event without a
row is illegal: it came late, or is a defect. What a state needs (a placement, a kill, a launch) is
not in the table: the service derives it from the records, and repeats it until it has succeeded.
docs/draw_lifecycle.py draws docs/lifecycle.md from the table. Nothing here does I/O.
"""

import enum
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import TypeVar, overload

from prevs.jobs import JobState
from prevs.states import State

_S = TypeVar("_S", State, JobState)


class Event(enum.Enum):
    """What can happen to a unit."""

    REQUESTED = "requested"
    RETRIED = "retry requested"
    STOP_REQUESTED = "stop requested"
    LEAVES = "must leave its agent"
    READ = "settings read"
    UNREAD = "settings not read"
    UNFIT = "may not start"
    LAUNCHED = "offer taken"
    NOT_LAUNCHED = "launch not sent"
    ALIVE = "task alive"
    BUILDING = "task builds"
    STARTING = "task starts"
    RUNS = "task runs"
    FINISHED = "command succeeded"
    FAILED = "attempt failed"
    TRIED_AGAIN = "attempt failed, tried again"
    LOST = "attempt lost"
    GIVEN_UP = "given up"
    ENDED = "attempt ended"
    ENDED_WANTED = "attempt ended, starts again"


class Stage(enum.Enum):
    """Where a unit of either kind is in its life."""

    QUEUED = "queued"
    PLACED = "placed"
    BUILDING = "building"
    STARTING = "starting"
    RUNNING = "running"
    ENDING = "ending"
    STOPPED = "stopped"
    FAILED = "failed"


PREVIEW: Mapping[Stage, State] = MappingProxyType(
    {
        Stage.QUEUED: State.QUEUED,
        Stage.PLACED: State.PLACED,
        Stage.BUILDING: State.BUILDING,
        Stage.STARTING: State.STARTING,
        Stage.RUNNING: State.RUNNING,
        Stage.ENDING: State.DRAINING,
        Stage.STOPPED: State.STOPPED,
        Stage.FAILED: State.FAILED,
    }
)
"""The states of a preview."""

JOB: Mapping[Stage, JobState] = MappingProxyType(
    {
        Stage.QUEUED: JobState.QUEUED,
        Stage.PLACED: JobState.PLACED,
        Stage.BUILDING: JobState.BUILDING,
        # Nobody waits for its container to answer: its command runs as soon as it has one.
        Stage.STARTING: JobState.BUILDING,
        Stage.RUNNING: JobState.RUNNING,
        Stage.ENDING: JobState.ENDING,
        Stage.STOPPED: JobState.CANCELLED,
        Stage.FAILED: JobState.FAILED,
    }
)
"""The states of a job; SUCCEEDED, the end that a preview does not have, is in its own rows."""

_STARTING = (Stage.PLACED, Stage.BUILDING, Stage.STARTING)
_WANTED = (*_STARTING, Stage.RUNNING)


def _while_wanted(stage: Stage) -> dict[tuple[Stage, Event], Stage]:
    """Return the rows that every stage with a wanted attempt has."""
    return {
        (stage, Event.ALIVE): stage,
        (stage, Event.RUNS): Stage.RUNNING,
        (stage, Event.STOP_REQUESTED): Stage.ENDING,
        (stage, Event.LEAVES): Stage.ENDING,
        (stage, Event.FAILED): Stage.FAILED,
        (stage, Event.LOST): Stage.QUEUED,
        (stage, Event.GIVEN_UP): Stage.FAILED,
    }


_IGNORED_WHILE_ENDING = (
    Event.ALIVE,
    Event.BUILDING,
    Event.STARTING,
    Event.RUNS,
    Event.STOP_REQUESTED,
    Event.LEAVES,
)

OF_ALL: Mapping[tuple[Stage, Event], Stage] = {
    (Stage.QUEUED, Event.STOP_REQUESTED): Stage.STOPPED,
    (Stage.QUEUED, Event.UNFIT): Stage.FAILED,
    (Stage.QUEUED, Event.GIVEN_UP): Stage.FAILED,
    (Stage.QUEUED, Event.LAUNCHED): Stage.PLACED,
    **_while_wanted(Stage.PLACED),
    (Stage.PLACED, Event.NOT_LAUNCHED): Stage.QUEUED,
    (Stage.PLACED, Event.BUILDING): Stage.BUILDING,
    (Stage.PLACED, Event.STARTING): Stage.STARTING,
    **_while_wanted(Stage.BUILDING),
    (Stage.BUILDING, Event.BUILDING): Stage.BUILDING,
    (Stage.BUILDING, Event.STARTING): Stage.STARTING,
    **_while_wanted(Stage.STARTING),
    (Stage.STARTING, Event.STARTING): Stage.STARTING,
    **_while_wanted(Stage.RUNNING),
    **{(Stage.ENDING, event): Stage.ENDING for event in _IGNORED_WHILE_ENDING},
    (Stage.ENDING, Event.ENDED): Stage.STOPPED,
    (Stage.ENDING, Event.ENDED_WANTED): Stage.QUEUED,
}
"""The rows that previews and jobs have in common."""

OF_PREVIEWS: Mapping[tuple[State, Event], State] = {
    # Its settings are those of the app now, so they are read at each start. A job has its own.
    (State.QUEUED, Event.READ): State.QUEUED,
    (State.QUEUED, Event.UNREAD): State.QUEUED,
    # An application that has run is tried again; one that never did would fail again.
    (State.RUNNING, Event.TRIED_AGAIN): State.QUEUED,
    # It serves whoever comes, at any time.
    **{(PREVIEW[stage], Event.REQUESTED): PREVIEW[stage] for stage in (Stage.QUEUED, *_WANTED)},
    (State.DRAINING, Event.REQUESTED): State.DRAINING,
    (State.STOPPED, Event.REQUESTED): State.QUEUED,
    (State.STOPPED, Event.STOP_REQUESTED): State.STOPPED,
    (State.FAILED, Event.REQUESTED): State.FAILED,
    (State.FAILED, Event.STOP_REQUESTED): State.FAILED,
    (State.FAILED, Event.RETRIED): State.QUEUED,
}
"""The rows of previews alone: what follows from serving."""

OF_JOBS: Mapping[tuple[JobState, Event], JobState] = {
    **{(JOB[stage], Event.FINISHED): JobState.SUCCEEDED for stage in _WANTED},
    # Its own retries: a command may fail before it succeeds.
    **{(JOB[stage], Event.TRIED_AGAIN): JobState.QUEUED for stage in _WANTED},
    # The command was done before the kill arrived, or may not begin twice.
    (JobState.ENDING, Event.FINISHED): JobState.SUCCEEDED,
    (JobState.ENDING, Event.FAILED): JobState.FAILED,
}
"""The rows of jobs alone: what follows from finishing."""


def _of_kind(states: Mapping[Stage, _S]) -> dict[tuple[_S, Event], _S]:
    """Return the common rows in the states of a kind."""
    return {(states[stage], event): states[after] for (stage, event), after in OF_ALL.items()}


_ROWS: Iterable[tuple[tuple[State | JobState, Event], State | JobState]] = (
    *_of_kind(PREVIEW).items(),
    *OF_PREVIEWS.items(),
    *_of_kind(JOB).items(),
    *OF_JOBS.items(),
)
TRANSITIONS = dict(_ROWS)
"""The whole table."""

STARTING = frozenset(PREVIEW[stage] for stage in _STARTING)
"""The states of a preview between an accepted offer and running."""
WITH_TASK = STARTING | {State.RUNNING, State.DRAINING}
"""The states of a preview in which the current attempt's task may exist."""

JOB_STARTING = frozenset(JOB[stage] for stage in _STARTING)
"""The states of a job between an accepted offer and its command."""
JOB_WITH_TASK = JOB_STARTING | {JobState.RUNNING, JobState.ENDING}
"""The states of a job in which the current attempt's task may exist."""


class IllegalTransition(Exception):
    """An event is not legal in the state of its unit; nothing has changed."""

    def __init__(self, state: State | JobState, event: Event) -> None:
        super().__init__(f"{event.value} while {state.value}")
        self.state = state
        self.event = event


@overload
def step(state: State, event: Event) -> State: ...
@overload
def step(state: JobState, event: Event) -> JobState: ...
def step(state: State | JobState, event: Event) -> State | JobState:
    """Return the state after `event`. Raises IllegalTransition if the table has no such row."""
    try:
        return TRANSITIONS[state, event]
    except KeyError:
        raise IllegalTransition(state, event) from None


def is_legal(state: State | JobState, event: Event) -> bool:
    """Return whether the table has a row for an event in a state."""
    return (state, event) in TRANSITIONS


def has_task(state: State | JobState) -> bool:
    """Return whether the task of a unit's current attempt may exist."""
    return state in WITH_TASK or state in JOB_WITH_TASK


def is_ending(state: State | JobState) -> bool:
    """Return whether a unit's current attempt is to end."""
    return state is State.DRAINING or state is JobState.ENDING
