"""What previews and builds reach at agents, as their executors tell with each report.

Owned by the service's thread. A framework that begins to lead knows of no agent before something
starts there: what Mesos says again of a task has nothing of an executor's in it.
"""

import dataclasses
from collections.abc import Mapping
from types import MappingProxyType

import structlog

from prevs.messages import Isolation

log = structlog.get_logger(__name__)

_LOOKED = ("open", "builds_open", "builds_unlimited")


class Isolations:
    """Remembers it. `known` is replaced, never changed: any thread may look at it."""

    def __init__(self) -> None:
        self.known: Mapping[str, Isolation] = MappingProxyType({})

    def reported(self, agent_id: str | None, found: Isolation | None) -> None:
        """Take what an executor says; what it has not looked at stays as others have found it."""
        if agent_id is None or found is None:
            return
        before = self.known.get(agent_id)
        if before is not None:
            missing = {
                name: getattr(before, name) for name in _LOOKED if getattr(found, name) is None
            }
            found = dataclasses.replace(found, **missing)
        if found == before:
            return
        self.known = {**self.known, agent_id: found}
        if found.open and (before is None or before.open != found.open):
            log.warning("an agent does not keep previews apart", agent=agent_id, why=found.open)

    def forget(self, agent_id: str | None) -> None:
        """Forget an agent that has left: who comes back may have other settings."""
        if agent_id in self.known:
            self.known = {agent: one for agent, one in self.known.items() if agent != agent_id}
