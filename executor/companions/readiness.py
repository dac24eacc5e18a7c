"""When a companion is ready, and how people are told what is waited for. Pure."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from executor.attempt.attempt import describe_command
from prevs.companions import Companion


class Look(NamedTuple):
    """What one look at a companion has found. `problem` is why it is not ready yet.

    `output` is the last that its command `ready` has printed.
    """

    is_ready: bool
    problem: str = ""
    output: bytes = b""


class Readiness(Protocol):
    """Looks whether companions are ready."""

    def look(self, container: str, companion: Companion) -> Look:
        """Look once, at the running container of that name. Blocks for a second or so at most.

        Raises DockerUnavailable, Stopped.
        """
        ...


def has_check(companion: Companion) -> bool:
    """Return whether a companion has to do more than run to be ready."""
    return bool(companion.once or companion.ready or companion.listens_on)


def goal(companion: Companion) -> str:
    """Return what is waited for."""
    if companion.once:
        return f"{companion.name} (its end)"
    if companion.ready:
        return f"{companion.name} ({describe_command(companion.ready)})"
    return f"{companion.name} (port {companion.listens_on})"
