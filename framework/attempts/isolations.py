"""What previews and builds can reach on each agent, from the reports of executors.

Owned by the service's thread. A new leader knows nothing about an agent before something starts
there: when Mesos repeats a status, it leaves out what the executor reported.
"""

import dataclasses
from collections.abc import Mapping
from types import MappingProxyType

import structlog

from prevs.messages import Isolation

log = structlog.get_logger(__name__)

_FINDINGS = ("open", "builds_open", "builds_unlimited", "builds_privileged", "ports_open")


class Isolations:
    """The findings by agent. `known` is replaced, never changed: any thread may read it."""

    def __init__(self) -> None:
        self.known: Mapping[str, Isolation] = MappingProxyType({})

    def reported(self, agent_id: str | None, found: Isolation | None) -> None:
        """Take an executor's report; what it has not checked stays as it was found earlier."""
        if agent_id is None or found is None:
            return
        before = self.known.get(agent_id)
        if before is not None:
            missing = {
                name: getattr(before, name) for name in _FINDINGS if getattr(found, name) is None
            }
            found = dataclasses.replace(found, **missing)
        if found == before:
            return
        self.known = {**self.known, agent_id: found}
        if found.open and (before is None or before.open != found.open):
            log.warning("an agent does not keep previews apart", agent=agent_id, why=found.open)

    def forget(self, agent_id: str | None) -> None:
        """Forget an agent that has left: it may come back with other settings."""
        if agent_id in self.known:
            self.known = {agent: one for agent, one in self.known.items() if agent != agent_id}
