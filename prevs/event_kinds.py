"""The kinds of events: what may happen to an app, and what its receivers choose from.

Each is declared once. The API's events and orders, the option of the command line and the
documentation follow from KINDS.
"""

from typing import NamedTuple

from prevs.states import State


class EventKind(NamedTuple):
    """A kind of event: its name, and `when` there is such an event, as one clause in Markdown."""

    name: str
    when: str
    subject: str = ""
    """What such an event has in the field with the kind's name, if it has such a field."""


_STATES = {
    State.QUEUED: "a preview waits for its start",
    State.PLACED: "a preview is sent to an agent",
    State.BUILDING: "a preview is being built",
    State.STARTING: "the container of a preview starts",
    State.RUNNING: "a preview runs",
    State.DRAINING: "a preview is being stopped",
    State.STOPPED: "a preview has stopped",
    State.FAILED: "a preview has failed",
}
FORGOTTEN = EventKind("forgotten", "a preview is removed, because nothing leads to it any more")
PIN = EventKind("pin", "a preview is pinned, or no longer")
APP = EventKind("app", "the settings of the app change")
JOB = EventKind(
    "job",
    "jobs are requested, fail or are cancelled, not when they run or succeed; several at once are "
    "one event, which names one of them",
    "The id of the job",
)
SCHEDULE = EventKind(
    "schedule",
    "a schedule makes no job at a time; the same reason again is no event",
    "The name of the schedule",
)
GATE = EventKind(
    "gate",
    "a gate leads elsewhere, waits with a change, stays as it is because a change has failed, or "
    "is removed",
    "The name of the gate",
)
STACK = EventKind(
    "stack",
    "a stack is written or removed, or opens, changes or closes a variant; the app of such an "
    "event is that of the stack's entry",
    "The name of the stack",
)
CALLBACK = EventKind(
    "callback", "a job ends that names this receiver: it is told whatever its kinds are"
)
"""No event has this kind: a receiver of it alone is sent only what jobs name it for."""

PREVIEW = "preview"
"""The type of the events whose kind is a state, FORGOTTEN or PIN."""
TYPES = (APP, JOB, SCHEDULE, GATE, STACK)
"""The kinds that are the types of events, too."""
KINDS = (
    *(EventKind(state.value, _STATES[state]) for state in State),
    FORGOTTEN,
    PIN,
    *TYPES,
    CALLBACK,
)

NAMES = tuple(kind.name for kind in KINDS)
