"""Which waiting preview goes to which agent, and why one goes to none.

A function of values: the previews that wait, the offers at hand, the ports that are in use.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from framework import resources
from framework.resources import Resource

EXECUTOR_CPUS = 0.01
EXECUTOR_MEM = 32
"""What an executor itself takes; below these Mesos warns that it does not count it."""

Key = tuple[str, str]
"""A preview: (app, sha)."""


class Offer(NamedTuple):
    """What an agent offers. `host` is the address at which its containers are reached.

    `attributes` are the agent's, as text; the agent goes into maintenance at `unavailable_from`
    (seconds since the epoch), or is not known to.
    """

    id: str
    agent_id: str
    host: str
    resources: tuple[Resource, ...]
    attributes: Mapping[str, str] = MappingProxyType({})
    unavailable_from: float | None = None


class Demand(NamedTuple):
    """A preview that waits. `cpus` is a share, `mem` in MB.

    `home` is the agent that has the image, `known` those where this app was built before.
    A patient one waits for its home rather than go elsewhere.
    """

    app: str
    sha: str
    cpus: float
    mem: int
    home: str | None = None
    known: frozenset[str] = frozenset()
    patient: bool = False

    @property
    def key(self) -> Key:
        """Which preview it is."""
        return (self.app, self.sha)


class Launch(NamedTuple):
    """A preview that goes to an agent, with what it takes of the agent's offers."""

    demand: Demand
    agent_id: str
    host: str
    port: int
    task_resources: tuple[Resource, ...]
    executor_resources: tuple[Resource, ...]


class Refusal(NamedTuple):
    """Why a preview goes nowhere now. `holds_out` asks to keep the offers a moment longer."""

    reason: str
    holds_out: bool = False


class Match(NamedTuple):
    """The decision: launches in order, and a refusal for every preview that is left."""

    launches: tuple[Launch, ...]
    refusals: Mapping[Key, Refusal]


class _Agent(NamedTuple):
    """All that one agent offers, in however many offers."""

    id: str
    host: str
    resources: Sequence[Resource]

    @property
    def cpus(self) -> float:
        return round(max(0.0, resources.total(self.resources, "cpus") - EXECUTOR_CPUS), 3)

    @property
    def mem(self) -> float:
        return max(0.0, resources.total(self.resources, "mem") - EXECUTOR_MEM)

    def port(self, used: Iterable[tuple[str, int]]) -> int | None:
        """Return the lowest offered port that nothing uses."""
        taken = {port for host, port in used if host == self.host}
        spans = resources.free_ports(self.resources)
        return min((p for span in spans for p in span if p not in taken), default=None)


def match(
    waiting: Sequence[Demand], offers: Sequence[Offer], used: Iterable[tuple[str, int]]
) -> Match:
    """Return what to launch where. `waiting` is served in order; `used` are (host, port) pairs.

    An agent that has the image is preferred, then one that has built the app, then the one with
    the least memory left, so that big ones still find room.
    """
    agents = _agents([offer for offer in offers if offer.unavailable_from is None])
    in_use = set(used)
    launches: list[Launch] = []
    refusals: dict[Key, Refusal] = {}
    for demand in waiting:
        chosen = _choose(demand, agents.values(), in_use)
        if isinstance(chosen, Refusal):
            refusals[demand.key] = chosen
            continue
        launch, left = _take(demand, *chosen)
        agents[launch.agent_id] = left
        in_use.add((launch.host, launch.port))
        launches.append(launch)
    return Match(tuple(launches), refusals)


def _agents(offers: Sequence[Offer]) -> dict[str, _Agent]:
    agents: dict[str, _Agent] = {}
    for offer in offers:
        before = agents[offer.agent_id].resources if offer.agent_id in agents else ()
        agents[offer.agent_id] = _Agent(offer.agent_id, offer.host, (*before, *offer.resources))
    return agents


def _choose(
    demand: Demand, agents: Iterable[_Agent], used: set[tuple[str, int]]
) -> tuple[_Agent, int] | Refusal:
    agents = list(agents)
    fitting = [
        (agent, port)
        for agent in agents
        if agent.cpus >= demand.cpus
        and agent.mem >= demand.mem
        and (port := agent.port(used)) is not None
    ]
    if demand.patient and demand.home and all(a.id != demand.home for a in agents):
        return Refusal("It waits a moment for the agent that has its image.", holds_out=True)
    if not fitting:
        return Refusal(_why_not(demand, agents))
    return min(
        fitting,
        key=lambda fit: (fit[0].id != demand.home, fit[0].id not in demand.known, fit[0].mem),
    )


def _why_not(demand: Demand, agents: Sequence[_Agent]) -> str:
    if not agents:
        return "No agent offers anything now."
    most_mem = max(agent.mem for agent in agents)
    if most_mem < demand.mem:
        return f"No agent has {demand.mem} MB free; the most is {math.floor(most_mem)}."
    most_cpus = max(agent.cpus for agent in agents)
    if most_cpus < demand.cpus:
        return f"No agent has {demand.cpus:g} CPUs free; the most is {most_cpus:g}."
    if not any(a.mem >= demand.mem and a.cpus >= demand.cpus for a in agents):
        return f"No agent has {demand.cpus:g} CPUs and {demand.mem} MB free at once."
    return "No agent with enough CPUs and memory has a free port."


def _take(demand: Demand, agent: _Agent, port: int) -> tuple[Launch, _Agent]:
    cpus, left = resources.take(agent.resources, "cpus", demand.cpus)
    mem, left = resources.take(left, "mem", demand.mem)
    ports, left = resources.take_port(left, port)
    executor_cpus, left = resources.take(left, "cpus", EXECUTOR_CPUS)
    executor_mem, left = resources.take(left, "mem", EXECUTOR_MEM)
    launch = Launch(
        demand=demand,
        agent_id=agent.id,
        host=agent.host,
        port=port,
        task_resources=(*cpus, *mem, *ports),
        executor_resources=(*executor_cpus, *executor_mem),
    )
    return launch, agent._replace(resources=left)
