"""Which waiting preview goes to which agent, and why the others go to none.

A function of values: the waiting previews, the offers, what is in use. The work for one preview
does not grow with the number of agents, except for the first refusal of each kind of demand.
"""

import enum
from bisect import bisect_left, insort
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from operator import attrgetter
from types import MappingProxyType
from typing import NamedTuple

from framework.matching import constraints, idle_executors, refusals
from framework.matching.agents import EXECUTOR_CPUS, EXECUTOR_MEM, Agent, Home
from framework.matching.idle_executors import IdleExecutor, Sharing
from framework.matching.quotas import Quotas
from framework.matching.refusals import Refusal, Shortage
from framework.matching.resources import DIGITS, Offer, Resource
from prevs.units import Unit, UnitKind

LEAVING_SECONDS = 3600.0
"""An agent that goes into maintenance within this time gets no new previews."""
CLAIM_SECONDS = 10.0
"""How long a preview that somebody waits for comes first in the offers to the role of jobs too.

Jobs leave there what it needs: declined, that is offered to the role of previews a second later. If
it is not, as that role is at a limit of its own in Mesos, jobs need not wait for ever.
"""

_JOB = UnitKind.JOB
_OF_APP = frozenset({Shortage.APP_SLOT, Shortage.APP_TURN})
_OF_FEW = frozenset({Shortage.JOB_SLOT, Shortage.JOB_ROOM, Shortage.HOME})
"""What previews with room elsewhere do not lack."""
_ALL = ""


class Rank(enum.IntEnum):
    """Who is served before whom, whoever came first; the lowest is the first."""

    AWAITED = 0  # somebody waits for it; jobs come after it (framework/jobs/ranks.py)
    AHEAD = 9  # it is built ahead: nobody waits for it, and nothing stops for it


_AHEAD = Rank.AHEAD
"""To look a member up in its class is a call of Python, here one for each demand and agent."""


class Demand(NamedTuple):
    """A waiting unit. `cpus` is a share, `mem` in MB, `ports` the number of ports that it needs.

    It could first be placed at `since`.
    `image_agent` is the agent that has its image; `previous_agents` have built this app before. A
    unit that `waits_for_image` waits for `image_agent` instead of going elsewhere. It goes to
    `avoid_agent` only if no other agent fits. One that is `preemptible` takes revocable CPUs where
    an agent has enough of them, else others. With `sharing` it goes to an idle executor if it can.
    With a `home` it goes nowhere else.
    """

    unit: Unit
    cpus: float
    mem: int
    ports: int = 1
    rank: int = Rank.AWAITED
    image_agent: str | None = None
    previous_agents: frozenset[str] = frozenset()
    waits_for_image: bool = False
    constraints: tuple[str, ...] = ()
    avoid_agent: str | None = None
    since: float = 0.0
    preemptible: bool = False
    sharing: Sharing | None = None
    home: Home | None = None


class Launch(NamedTuple):
    """A unit that goes to an agent, with the resources that it takes from the agent's offers.

    Its CPUs, and those of its executor, may be `revocable`. `executor_id` is the idle executor that
    takes it, with resources of its own; "" if it gets a new one.
    """

    demand: Demand
    agent_id: str
    host: str
    ports: tuple[int, ...]
    task_resources: tuple[Resource, ...]
    executor_resources: tuple[Resource, ...]
    revocable: bool = False
    executor_id: str = ""


class Match(NamedTuple):
    """The decision: launches in order, and a refusal for every other unit.

    `agents` have what their offers have left after the launches. `unmet` are the refused demands,
    in order.
    """

    launches: tuple[Launch, ...]
    refusals: Mapping[Unit, Refusal]
    agents: Mapping[str, Agent]
    unmet: tuple[Demand, ...] = ()


class InUse(NamedTuple):
    """What cannot be used: (host, port) pairs, and agents that are `reserved` for one preview.

    `unfit` are the agents where nothing may be tried now, with the reason. `job_room` are the MB of
    memory that jobs may still take on an agent. Executors that are `idle` may take a job.
    """

    ports: Iterable[tuple[str, int]] = ()
    reserved: Mapping[Unit, str] = MappingProxyType({})
    unfit: Mapping[str, str] = MappingProxyType({})
    job_room: Mapping[str, float] = MappingProxyType({})
    idle: Sequence[IdleExecutor] = ()


def match(
    waiting: Iterable[Demand],
    offers: Sequence[Offer],
    in_use: InUse,
    *,
    quotas: Quotas,
    now: float,
    refuse: Callable[[Demand], object] = lambda _: None,
    jobs_role: str = "",
) -> Match:
    """Return what to launch where at `now` (seconds since the epoch); counts launches in `quotas`.

    `waiting` may depend on what was decided before: `refuse` is called with each refused demand.

    Waiting units are served in order. A unit prefers the agent that is reserved for it, then the
    one that has its image, then one that has built its app, then the one with the least free
    memory, so that large units still find room. Builds ahead get only what leaves room for one more
    like each of them, and nothing while a visitor before them in `waiting` waits for it.

    With a `jobs_role`, its offers are for jobs, and all others for previews.
    """
    choice, jobs_choice = _choices(offers, in_use, quotas, now=now, jobs_role=jobs_role)
    is_split = jobs_choice is not choice
    launches: list[Launch] = []
    refused: dict[Unit, Refusal] = {}
    unmet: list[Demand] = []
    short: set[str] = set()
    for demand in waiting:
        own = jobs_choice if demand.unit.kind is _JOB else choice
        chosen = _refuse(demand, quotas, short) or own.choose(demand)
        if isinstance(chosen, Refusal):
            refused[demand.unit] = chosen
            unmet.append(demand)
            refuse(demand)
            if own is choice and demand.rank is not _AHEAD and chosen.shortage not in _OF_FEW:
                short.add(demand.unit.app if chosen.shortage in _OF_APP else _ALL)
            if is_split and _has_claim(demand, chosen, now):
                jobs_choice.set_aside(demand)
            continue
        launches.append(own.launch(demand, chosen))
        quotas.reserve(demand.unit, chosen.id, ahead=demand.rank is _AHEAD)
        if is_split:
            (jobs_choice if own is choice else choice).note_start(chosen.id)
    if is_split:
        _join(choice.agents, jobs_choice)
    return Match(tuple(launches), refused, choice.agents, tuple(unmet))


def _choices(
    offers: Sequence[Offer], in_use: InUse, quotas: Quotas, *, now: float, jobs_role: str
) -> tuple["_Choice", "_Choice"]:
    """Return the choice for previews, and that for jobs: the same one unless they have a role."""

    def choose_among(offered: Sequence[Offer], role: str = "") -> _Choice:
        return _Choice(_agents(offered, in_use, quotas, now), in_use.reserved, quotas, role)

    if not jobs_role:
        choice = choose_among(offers)
        return choice, choice
    of_jobs = [offer for offer in offers if offer.role == jobs_role]
    others = [offer for offer in offers if offer.role != jobs_role]
    return choose_among(others), choose_among(of_jobs, jobs_role)


def _has_claim(demand: Demand, refusal: Refusal, now: float) -> bool:
    """Return whether jobs leave what a refused demand needs in the offers to their role."""
    return (
        demand.unit.kind is not _JOB
        and demand.rank is not _AHEAD
        and refusal.shortage is Shortage.ROOM
        and not refusal.hold_offers
        and now - demand.since < CLAIM_SECONDS
    )


def _join(agents: dict[str, Agent], jobs_choice: "_Choice") -> None:
    """Add to `agents` what the offers to the role of jobs have left."""
    for agent in jobs_choice.leave():
        if agent.id in agents:
            agents[agent.id].add(agent.resources)
        else:
            agents[agent.id] = agent


def _refuse(demand: Demand, quotas: Quotas, short: Collection[str]) -> Refusal | None:
    """Return why no agent is looked for; `short` are the apps whose visitors wait, or _ALL."""
    if demand.rank is not _AHEAD:
        return quotas.refusal(demand.unit)
    if _ALL in short or demand.unit.app in short:
        return refusals.VISITORS_WAIT
    return quotas.refusal_ahead(demand.unit)


def _agents(offers: Sequence[Offer], in_use: InUse, quotas: Quotas, now: float) -> dict[str, Agent]:
    agents: dict[str, Agent] = {}
    idle = idle_executors.by_agent(in_use.idle)
    taken: dict[str, set[int]] = {offer.host: set() for offer in offers}
    if offers:
        for host, port in in_use.ports:
            if host in taken:
                taken[host].add(port)
    for offer in offers:
        agent = agents.get(offer.agent_id)
        if agent is None:
            agent = agents[offer.agent_id] = Agent(offer.agent_id, offer.host, offer.attributes)
            agent.taken = taken[offer.host]
            agent.starts = quotas.start_slots_left(agent.id)
            agent.idle = idle.get(agent.id, agent.idle)
            if in_use.job_room:
                agent.job_mem = in_use.job_room.get(agent.id, agent.job_mem)
            if in_use.unfit:
                agent.unfit = in_use.unfit.get(agent.id, "")
        agent.add(offer.resources, offer.revocable)
        away = offer.unavailable_from
        agent.leaving = agent.leaving or (away is not None and away < now + LEAVING_SECONDS)
    return agents


class _Choice:
    """The agents that may still be chosen, ordered by free memory.

    `role` is that of the offers, if it is one for jobs alone.
    """

    def __init__(
        self,
        agents: dict[str, Agent],
        reserved: Mapping[Unit, str],
        quotas: Quotas,
        role: str = "",
    ) -> None:
        self.agents = agents
        self._role = role
        self._has_revocable = any(map(attrgetter("revocable"), agents.values()))
        self._idle = [agent for agent in agents.values() if agent.idle]
        self._aside: list[Launch] = []
        self._quotas = quotas
        self._reserved_for = reserved
        self._reserved = frozenset(reserved.values())
        self._order = sorted((a.mem, a.id) for a in agents.values() if a.is_open)
        self._refused: dict[tuple[object, ...], Refusal] = {}
        self._surveys: dict[tuple[object, ...], refusals.Survey | Refusal] = {}

    def choose(self, demand: Demand) -> Agent | Refusal:
        if demand.home is not None:
            return self._choose_home(demand, demand.home)
        if demand.waits_for_image and demand.image_agent and demand.image_agent not in self.agents:
            return Refusal("It waits a moment for the agent that has its image.", hold_offers=True)
        own = self._reserved_for.get(demand.unit)
        # Free resources only shrink: a demand like one that was refused is refused too.
        ahead, job = demand.rank is _AHEAD, demand.unit.kind is _JOB
        wants_revocable = demand.preemptible and self._has_revocable
        size = (demand.cpus, demand.mem, demand.ports)
        sharing = demand.sharing if self._idle else None
        kind = (size, demand.constraints, own, ahead, job, wants_revocable, sharing)
        if kind in self._refused:
            return self._refused[kind]
        for revocable in (True, False) if wants_revocable else (False,):
            fits = self._fitting(demand, own, revocable=revocable)
            found = self._preferred(demand, own, fits) or self._fullest(demand, fits)
            if found is not None:
                return found
        if ahead:
            return self._refused.setdefault(kind, refusals.NO_ROOM_AHEAD)
        if job and refusals.is_share_used(self.agents.values(), demand.cpus, demand.mem):
            return self._refused.setdefault(kind, refusals.SHARE_USED)
        survey = self._survey(demand.constraints, own)
        if isinstance(survey, refusals.Survey):
            survey = refusals.explain(demand.cpus, demand.mem, demand.ports, survey)
        refusal = refusals.name_role(survey, self._role) if self._role else survey
        return self._refused.setdefault(kind, refusal)

    def _choose_home(self, demand: Demand, home: Home) -> Agent | Refusal:
        agent = self.agents.get(home.agent_id)
        own = self._reserved_for.get(demand.unit)
        if agent is not None and self._fitting(demand, own, revocable=False)(agent):
            return agent
        return refusals.explain_home(home, agent, demand.cpus, demand.mem)

    def _survey(self, wanted: tuple[str, ...], own: str | None) -> refusals.Survey | Refusal:
        """Return what was free at the first refusal; few launches have followed since."""
        if (wanted, own) not in self._surveys:
            agents = [a for a in self.agents.values() if a.id not in self._reserved or a.id == own]
            self._surveys[wanted, own] = refusals.survey(wanted, agents)
        return self._surveys[wanted, own]

    def _fitting(
        self, demand: Demand, own: str | None, *, revocable: bool
    ) -> Callable[[Agent], bool]:
        cpus, mem, ports, wanted = demand.cpus, demand.mem, demand.ports, demand.constraints
        ahead, may_build_ahead = demand.rank is _AHEAD, self._quotas.may_build_ahead
        job = demand.unit.kind is _JOB
        sharing = demand.sharing if self._idle else None
        if ahead:
            cpus, mem = round(2 * cpus + EXECUTOR_CPUS, DIGITS), 2 * mem + EXECUTOR_MEM
            ports *= 2

        def fits(agent: Agent) -> bool:
            return (
                (
                    agent.fits_revocable(cpus, mem)
                    if revocable
                    else (agent.task_mem >= mem and agent.task_cpus >= cpus)
                    or (sharing is not None and agent.fits_idle(sharing, cpus, mem))
                )
                and agent.is_open
                and (agent.id not in self._reserved or agent.id == own)
                and constraints.hold(wanted, agent.attributes)
                and agent.find_ports(ports) is not None
                and (not ahead or may_build_ahead(agent.id))
                and (not job or agent.job_mem >= mem + EXECUTOR_MEM)
            )

        return fits

    def _preferred(
        self, demand: Demand, own: str | None, fits: Callable[[Agent], bool]
    ) -> Agent | None:
        for name in (own, demand.image_agent):
            agent = self.agents.get(name or "")
            if agent is not None and agent.id != demand.avoid_agent and fits(agent):
                return agent
        idle = [agent.id for agent in self._idle if agent.idle.get(demand.sharing)]
        wanted = (name for name in idle or demand.previous_agents if name != demand.avoid_agent)
        there = map(self.agents.get, wanted)
        known = [agent for agent in there if agent is not None and fits(agent)]
        return min(known, key=lambda agent: (agent.mem, agent.id), default=None)

    def _fullest(self, demand: Demand, fits: Callable[[Agent], bool]) -> Agent | None:
        for place in range(bisect_left(self._order, (demand.mem, "")), len(self._order)):
            agent = self.agents[self._order[place][1]]
            if agent.id != demand.avoid_agent and fits(agent):
                return agent
        avoided = self.agents.get(demand.avoid_agent or "")
        return avoided if avoided is not None and fits(avoided) else None

    def set_aside(self, demand: Demand) -> None:
        """Leave what a demand needs to others, on the agent that it would go to."""
        chosen = self.choose(demand)
        if isinstance(chosen, Agent):
            # Without ports: those are taken from a host, whatever the role of its offers.
            self._aside.append(self.launch(demand._replace(ports=0), chosen))

    def leave(self) -> Iterable[Agent]:
        """Return the agents with what is left, and what was set aside. Nothing is chosen then."""
        for launch in self._aside:
            aside = (*launch.task_resources, *launch.executor_resources)
            self.agents[launch.agent_id].add(aside)
        return self.agents.values()

    def note_start(self, agent_id: str) -> None:
        """Count what starts on an agent by the offers to another role."""
        if agent := self.agents.get(agent_id):
            agent.starts -= 1

    def launch(self, demand: Demand, agent: Agent) -> Launch:
        ports = agent.find_ports(demand.ports)
        if ports is None:
            raise ValueError(f"agent {agent.id} has too few ports")
        del self._order[bisect_left(self._order, (agent.mem, agent.id))]
        revocable = demand.preemptible and agent.fits_revocable(demand.cpus, demand.mem)
        idle = "" if revocable else agent.take_idle(demand.sharing)
        share = (demand.cpus, demand.mem, ports)
        task, executor = agent.take(*share, revocable=revocable, executor=not idle)
        if demand.rank is _AHEAD:  # takes no turn from visitors, as in Quotas
            agent.starts += 1
        if demand.unit.kind is _JOB:
            agent.job_mem -= demand.mem + EXECUTOR_MEM
        if agent.starts > 0:
            insort(self._order, (agent.mem, agent.id))
        resources = tuple(task), tuple(executor)
        return Launch(demand, agent.id, agent.host, ports, *resources, revocable, idle)
