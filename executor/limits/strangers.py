"""What an agent must keep closed before it runs the code of a stranger: an approved fork. Pure."""

from __future__ import annotations

from typing import Optional

from executor.errors import ExecutorError
from executor.limits.confinement import Confinement
from prevs.states import Cause


class AgentOpen(ExecutorError):
    """This agent runs no strangers' code, as that could reach too much; `why` is what is open."""

    cause = Cause.AGENT_OPEN

    def __init__(self, why: str) -> None:
        super().__init__(
            "This commit comes from a fork, and runs only on agents that isolate previews and "
            f"builds from everything private. This one does not: {why}."
        )
        self.why = why


def find_opening(confined: Confinement) -> Optional[str]:
    """Return which setting of an agent opens it too far for strangers; None if none does."""
    if confined.allowed:
        return "its operator lets previews reach private networks (PREVS_ALLOW)"
    if not confined.builds:
        return "its operator does not isolate builds (PREVS_ISOLATION_BUILDS)"
    return None
