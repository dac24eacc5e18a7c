"""Why a preview waits or ends: a kind that programs decide by, and a sentence for people. Pure."""

import dataclasses
import enum
from typing import NamedTuple

from prevs.records import PreviewRecord


class ReasonKind(enum.StrEnum):
    """What sort of reason it is. Stored: a value never gets another meaning."""

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
    MAINTENANCE = "maintenance"
    STOPPED = "stopped"
    IDLE = "idle"
    EVICTED = "evicted"
    UNREFERENCED = "unreferenced"


class Reason(NamedTuple):
    """A reason; `text` is a sentence or more."""

    kind: ReasonKind
    text: str


NONE = Reason(ReasonKind.NONE, "")


def give(preview: PreviewRecord, reason: Reason) -> PreviewRecord:
    """Return the preview with another reason."""
    return dataclasses.replace(preview, reason=reason.text, reason_kind=reason.kind.value)
