"""Why a unit waits or ends: a kind for programs, and a sentence for people. Pure."""

import dataclasses
import enum
from typing import NamedTuple, TypeVar

from prevs.jobs import JobRecord
from prevs.records import PreviewRecord

_Unit = TypeVar("_Unit", PreviewRecord, JobRecord)


class ReasonKind(enum.StrEnum):
    """The kind of a reason. Stored: the meaning of a value never changes."""

    NONE = ""
    WAITS = "waits"
    NO_OFFER = "no-offer"
    MAKING_ROOM = "making-room"
    NOTHING_IDLE = "nothing-idle"
    NOT_SENT = "not-sent"
    RETRY = "retry"
    AGENT_AWAY = "agent-away"
    REFUSES_CONNECTIONS = "refuses-connections"
    KILLED_BY_MESOS = "killed-by-mesos"
    ENDS_LATE = "ends-late"
    MAINTENANCE = "maintenance"
    STOPPED = "stopped"
    IDLE = "idle"
    EVICTED = "evicted"
    UNREFERENCED = "unreferenced"
    NOT_APPROVED = "not-approved"
    OTHER_REPOSITORY = "other-repository"
    AHEAD = "ahead"
    SUPERSEDED = "superseded"
    SKIPPED = "skipped"
    DATA = "data"
    RESTARTED = "restarted"


class Reason(NamedTuple):
    """A reason; `text` is a sentence or more."""

    kind: ReasonKind
    text: str


NONE = Reason(ReasonKind.NONE, "")
AHEAD = Reason(
    ReasonKind.AHEAD, "It is built ahead of its first visit, after all that visitors wait for."
)


def give(unit: _Unit, reason: Reason) -> _Unit:
    """Return the unit with this reason instead of its own."""
    if (unit.reason, unit.reason_kind) == (reason.text, reason.kind.value):
        return unit
    return dataclasses.replace(unit, reason=reason.text, reason_kind=reason.kind.value)
