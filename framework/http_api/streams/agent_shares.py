"""The agents that Mesos reports, with the previews that use them."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import anyio
import anyio.to_thread

from framework.apps import effective_settings
from framework.http_api.models import agent_models as models
from framework.matching.agents import EXECUTOR_CPUS, EXECUTOR_MEM, Unfit
from framework.ports import Agents
from framework.ports.mesos_agents import MesosAgent
from framework.service.service_client import ServiceClient
from framework.units.lifecycle import WITH_TASK
from prevs.messages import Isolation
from prevs.records import AppRecord, PreviewRecord

_AT_A_TIME = 4
"""How many threads may wait for the master; further calls wait for one of them."""


class Shares(NamedTuple):
    """The agents by host, as Mesos reported them at `as_of` (epoch seconds)."""

    agents: Sequence[models.MesosAgent]
    as_of: float


class AgentShares:
    """The agents with their previews. Belongs to the event loop's thread."""

    def __init__(self, previews: ServiceClient, agents: Agents) -> None:
        self._previews = previews
        self._agents = agents
        self._limit = anyio.CapacityLimiter(_AT_A_TIME)

    async def read(self) -> Shares:
        """Return every agent, as it was within the last seconds. Raises Unavailable."""
        listed = await anyio.to_thread.run_sync(self._agents.read, limiter=self._limit)
        snapshot = self._previews.snapshot
        apps = snapshot.apps
        there: dict[str, list[PreviewRecord]] = {}
        for preview in snapshot.list_previews():
            if preview.state in WITH_TASK and preview.agent_id and preview.app in apps:
                there.setdefault(preview.agent_id, []).append(preview)
        agents = sorted(listed.agents, key=lambda agent: (agent.host, agent.id))
        shown = [
            show(
                one,
                there.get(one.id, ()),
                apps,
                unfit=snapshot.unfit.get(one.id),
                isolation=snapshot.isolations.get(one.id),
            )
            for one in agents
        ]
        return Shares(shown, listed.as_of)


def show(
    agent: MesosAgent,
    there: Sequence[PreviewRecord],
    apps: Mapping[str, AppRecord],
    *,
    unfit: Unfit | None = None,
    isolation: Isolation | None = None,
) -> models.MesosAgent:
    """Return an agent with its previews, as the API shows it."""
    previews = [_show_preview(preview, apps[preview.app]) for preview in there]
    cpus = agent.used.cpus - sum(one.cpus + EXECUTOR_CPUS for one in previews)
    mem = agent.used.mem - sum(one.mem + EXECUTOR_MEM for one in previews)
    return models.MesosAgent(
        id=agent.id,
        host=agent.host,
        active=agent.active,
        draining=agent.draining,
        maintenance=agent.maintenance,
        unfit=unfit and models.Unfit(reason=unfit.reason, since=unfit.since, until=unfit.until),
        isolation=models.Isolation(**dataclasses.asdict(isolation)) if isolation else None,
        attributes=dict(agent.attributes),
        total=models.Amount(**agent.total._asdict()),
        used=models.Amount(**agent.used._asdict()),
        # A preview may have been placed, or have ended, since Mesos answered.
        others=models.Amount(cpus=max(0.0, round(cpus, 3)), mem=max(0.0, round(mem, 3))),
        previews=previews,
    )


def _show_preview(preview: PreviewRecord, app: AppRecord) -> models.AgentPreview:
    wanted = effective_settings.resolve(app, preview.settings)
    return models.AgentPreview(
        app=preview.app,
        sha=preview.sha,
        commit=preview.commit,
        label=preview.labels[-1] if preview.labels else None,
        state=preview.state,
        cpus=wanted.cpus,
        mem=wanted.mem,
    )
