"""What stops so that previews and jobs can be placed. Pure; times are seconds since the epoch.

Previews stop if they are builds ahead or idle: builds ahead first, then the least recently used,
those in their keep-warm hours last, and never more than needed. If several agents are possible, the
plan takes the agent whose victims were used longest ago, judged by the most recently used victim.

If that is not enough for a preview, jobs that are preemptible stop too, the youngest first. For a
job, no other job stops, and no preview in its keep-warm hours.
"""

import enum
import functools
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from operator import attrgetter
from typing import NamedTuple

from framework.apps import effective_settings
from framework.matching import constraints
from framework.matching.agents import EXECUTOR_CPUS, EXECUTOR_MEM, Space
from framework.matching.match import Demand
from framework.matching.refusals import Shortage
from framework.matching.resources import DIGITS
from prevs.commit_settings import CommitSettings
from prevs.job_settings import JobSettings
from prevs.jobs import JobRecord
from prevs.records import AppRecord
from prevs.units import Unit, UnitKind


class Turn(enum.IntEnum):
    """What stops before what; the lowest is the first."""

    IDLE = 0  # an idle preview, or one that is built ahead
    WARM = 1  # an idle preview in its keep-warm hours
    JOB = 2  # a job that is preemptible


_WARM, _JOB = Turn.WARM, Turn.JOB


class Candidate(NamedTuple):
    """A preview or job whose task may stop. Candidates sort in the order in which they stop.

    `age` orders those with the same turn: for a preview it is when it was last used, for a job the
    negative time at which its command began. `settings` are those of its commit, or the
    job. The resources are computed only when needed: there may be thousands of candidates. One
    that has `revocable` CPUs leaves none that others may have.
    """

    turn: Turn
    age: float
    unit: Unit
    agent_id: str
    app: AppRecord
    settings: CommitSettings | JobSettings | JobRecord | None
    revocable: bool = False

    def taken(self) -> tuple[float, float]:
        """Return the share of CPU and the MB of memory that the task and its executor leave."""
        cpus, mem = effective_settings.resources(self.app, self.settings)
        return 0.0 if self.revocable else round(cpus + EXECUTOR_CPUS, DIGITS), mem + EXECUTOR_MEM


class UnmetDemand(NamedTuple):
    """A preview or job that waits, and what it lacks."""

    demand: Demand
    shortage: Shortage


class Preemption(NamedTuple):
    """The victims that stop for a demand, and the agent on which they make room.

    `agent_id` is None if no room had to be made: a preview lacked only a place in a limit.
    """

    demand: Demand
    victims: tuple[Candidate, ...]
    agent_id: str | None


class PreemptionPlan(NamedTuple):
    """What stops for whom.

    The `pending` units wait for what stops already. For the `impossible` ones nothing that may stop
    is enough.
    """

    preemptions: tuple[Preemption, ...] = ()
    pending: tuple[Unit, ...] = ()
    impossible: tuple[Unit, ...] = ()


def plan(
    needs: Sequence[UnmetDemand],
    spaces: Iterable[Space],
    candidates: Iterable[Candidate],
    *,
    draining: Iterable[Candidate] = (),
    reserved: Collection[Unit] = (),
) -> PreemptionPlan:
    """Return what stops for `needs`, which are served in order.

    `spaces` is what is free on each agent that may be used; `candidates` may stop. What is
    `draining` stops already: if that is enough, nothing else stops. The `reserved` previews, none
    of `needs`, take the places in the limits that draining previews leave.
    """
    decision = _Decision(spaces, candidates)
    decision.expect(draining, reserved)
    return decision.decide(needs)


class _Decision:
    def __init__(self, spaces: Iterable[Space], candidates: Iterable[Candidate]) -> None:
        self._spaces = {space.agent_id: space for space in spaces if not space.leaving}
        self._all = sorted(candidates)
        self._previews = self._before(_JOB)
        self._gone: set[Unit] = set()
        self._slots: Counter[str] = Counter()
        self._all_slots = 0
        self._impossible: list[UnmetDemand] = []

    def _before(self, turn: Turn) -> list[Candidate]:
        """Return the candidates of earlier turns."""
        return self._all[: bisect_left(self._all, turn, key=attrgetter("turn"))]

    @functools.cached_property
    def _cold(self) -> list[Candidate]:
        return self._before(_WARM)

    def expect(self, draining: Iterable[Candidate], reserved: Collection[Unit]) -> None:
        for candidate in draining:
            self._count_slots((candidate.unit,), 1)
            self._free(candidate)
        self._count_slots(reserved, -1)

    def decide(self, needs: Sequence[UnmetDemand]) -> PreemptionPlan:
        preemptions: list[Preemption] = []
        pending: list[Unit] = []
        for need in needs:
            preemption = None if self._is_impossible(need) else self._preempt(need)
            if preemption is None:
                self._impossible.append(need)
            elif preemption.victims:
                preemptions.append(preemption)
            else:
                pending.append(need.demand.unit)
        return PreemptionPlan(
            tuple(preemptions), tuple(pending), tuple(n.demand.unit for n in self._impossible)
        )

    def _is_impossible(self, need: UnmetDemand) -> bool:
        """Return whether nothing was found for a demand that needs no more than this one."""
        return any(
            other.shortage is need.shortage
            and other.demand.unit.kind is need.demand.unit.kind
            and (
                need.shortage is not Shortage.APP_SLOT
                or other.demand.unit.app == need.demand.unit.app
            )
            and other.demand.constraints == need.demand.constraints
            and other.demand.home == need.demand.home
            and other.demand.cpus <= need.demand.cpus
            and other.demand.mem <= need.demand.mem
            and other.demand.ports <= need.demand.ports
            for other in self._impossible
        )

    def _preempt(self, need: UnmetDemand) -> Preemption | None:
        """Return whom to stop for one demand; None if nobody's end is enough.

        There are no victims if enough is stopping already.
        """
        lack = self._find_lack(need)
        victims = self._oldest_slot(need, lack)
        if lack is not Shortage.ROOM and not victims:
            return None
        self._stop(victims)
        agent_id = self._free_place(need.demand)
        if agent_id is None:
            agent_id, more = self._find_victims(need.demand)
            if agent_id is None:
                self._spare(victims)
                return None
            self._stop(more)
            victims = sorted((*victims, *more))
        victims = self._needed(need, lack, agent_id, victims)
        self._take(need, agent_id, victims)
        made = any(victim.agent_id == agent_id for victim in victims)
        return Preemption(need.demand, tuple(victims), agent_id if made else None)

    def _find_lack(self, need: UnmetDemand) -> Shortage:
        """Return what a demand lacks besides the places that others leave; ROOM if no place.

        One at the limit of its app needs a place among all too: the same preview leaves both, but
        another one may have taken one of them.
        """
        if need.shortage is Shortage.APP_SLOT and self._slots[need.demand.unit.app] <= 0:
            return Shortage.APP_SLOT
        if need.shortage is Shortage.ROOM or self._all_slots > 0:
            return Shortage.ROOM
        return Shortage.SLOT

    def _oldest_slot(self, need: UnmetDemand, lack: Shortage) -> list[Candidate]:
        """Return the first candidate that leaves the place that a demand lacks, none for none."""
        candidates: Iterable[Candidate] = self._previews if lack is Shortage.SLOT else ()
        if lack is Shortage.APP_SLOT:
            candidates = self._by_app.get(need.demand.unit.app, ())
        return next(([one] for one in candidates if one.unit not in self._gone), [])

    @functools.cached_property
    def _by_app(self) -> Mapping[str, Sequence[Candidate]]:
        found: defaultdict[str, list[Candidate]] = defaultdict(list)
        for candidate in self._previews:
            found[candidate.unit.app].append(candidate)
        return found

    def _free_place(self, demand: Demand) -> str | None:
        size = _size(demand)
        for space in self._spaces.values():
            if _is_enough(space, *size) and _may_run(demand, space):
                return space.agent_id
        return None

    def _find_victims(self, demand: Demand) -> tuple[str | None, Sequence[Candidate]]:
        """Return the agent that gets enough space, and what stops there; jobs only if they must."""
        if demand.unit.kind is UnitKind.JOB:
            return self._oldest_set(demand, self._cold)
        found = self._oldest_set(demand, self._previews)
        if found[0] is None and self._all != self._previews:
            found = self._oldest_set(demand, self._all)
        return found

    def _oldest_set(
        self, demand: Demand, candidates: Iterable[Candidate]
    ) -> tuple[str | None, Sequence[Candidate]]:
        """Return the agent that is the first with enough space, and what stops there.

        Candidates stop in their order, on all agents at once, until one agent has enough.
        """
        size, spared = _size(demand), demand.home.preview if demand.home else None
        for avoid in dict.fromkeys((demand.avoid_agent, None)):
            spaces: dict[str, Space | None] = {avoid: None} if avoid else {}
            stopping: defaultdict[str, list[Candidate]] = defaultdict(list)
            for candidate in candidates:
                agent_id = candidate.agent_id
                if agent_id not in spaces:
                    space = self._spaces.get(agent_id)
                    spaces[agent_id] = space if space and _may_run(demand, space) else None
                if (space := spaces[agent_id]) is None or candidate.unit in self._gone:
                    continue
                if candidate.unit == spared:
                    continue  # a job does not stop what it is to be beside
                stopping[agent_id].append(candidate)
                spaces[agent_id] = space = freed(space, candidate)
                if _is_enough(space, *size):
                    return agent_id, stopping[agent_id]
        return None, ()

    def _needed(
        self, need: UnmetDemand, lack: Shortage, agent_id: str, victims: list[Candidate]
    ) -> list[Candidate]:
        """Return the victims that must stop; spare the last in their order first."""
        size = _size(need.demand)
        needed = list(victims)
        for victim in reversed(victims):
            self._spare((victim,))
            others = [other for other in needed if other is not victim]
            has_slot = lack is Shortage.ROOM or any(
                _leaves_slot(need, lack, other) for other in others
            )
            if has_slot and _is_enough(self._spaces[agent_id], *size):
                needed = others
            else:
                self._stop((victim,))
        return needed

    def _stop(self, victims: Iterable[Candidate]) -> None:
        for victim in victims:
            self._gone.add(victim.unit)
            self._free(victim)

    def _spare(self, victims: Iterable[Candidate]) -> None:
        for victim in victims:
            self._gone.discard(victim.unit)
            if space := self._spaces.get(victim.agent_id):
                self._spaces[victim.agent_id] = freed(space, victim, -1)

    def _free(self, candidate: Candidate) -> None:
        if space := self._spaces.get(candidate.agent_id):
            self._spaces[candidate.agent_id] = freed(space, candidate)

    def _take(self, need: UnmetDemand, agent_id: str, victims: Iterable[Candidate]) -> None:
        cpus, mem, ports = _size(need.demand)
        space = self._spaces[agent_id]
        of_job = mem if need.demand.unit.kind is UnitKind.JOB else 0
        self._spaces[agent_id] = space._replace(
            job_mem=space.job_mem - of_job,
            cpus=round(space.cpus - cpus, DIGITS),
            mem=space.mem - mem,
            ports=space.ports - ports,
            starts=space.starts - 1,
        )
        self._count_slots((victim.unit for victim in victims), 1)
        self._all_slots -= need.shortage is not Shortage.ROOM
        self._slots[need.demand.unit.app] -= need.shortage is Shortage.APP_SLOT

    def _count_slots(self, units: Iterable[Unit], times: int) -> None:
        """Count the places in the limits of previews that `units` leave, or take with -1."""
        for unit in units:
            if unit.kind is UnitKind.JOB:
                continue
            self._slots[unit.app] += times
            self._all_slots += times


def _leaves_slot(need: UnmetDemand, lack: Shortage, victim: Candidate) -> bool:
    """Return whether a victim leaves its place in the limit to which a preview has come."""
    if victim.turn is _JOB:
        return False
    return lack is Shortage.SLOT or victim.unit.app == need.demand.unit.app


def _size(demand: Demand) -> tuple[float, float, int]:
    return round(demand.cpus + EXECUTOR_CPUS, DIGITS), demand.mem + EXECUTOR_MEM, demand.ports


def _is_enough(space: Space, cpus: float, mem: float, ports: int) -> bool:
    return space.cpus >= cpus and space.mem >= mem and space.ports >= ports and space.starts > 0


def _may_run(demand: Demand, space: Space) -> bool:
    if demand.home is not None and space.agent_id != demand.home.agent_id:
        return False
    if demand.unit.kind is UnitKind.JOB and space.job_mem < demand.mem + EXECUTOR_MEM:
        return False
    if space.attributes is None:
        return not demand.constraints
    return constraints.hold(demand.constraints, space.attributes)


def freed(space: Space, candidate: Candidate, times: int = 1) -> Space:
    """Return what is free after a candidate has stopped; with -1, after it has come back."""
    cpus, mem = candidate.taken()
    is_job = candidate.turn is _JOB
    ports = 0 if is_job else effective_settings.count_ports(candidate.settings)
    # Runs for every idle preview if nothing is enough; `_replace` takes three times as long.
    return Space(
        space.agent_id,
        round(space.cpus + times * cpus, DIGITS),
        space.mem + times * mem,
        space.ports + times * ports,
        space.attributes,
        space.starts,
        space.leaving,
        space.job_mem + times * mem if is_job else space.job_mem,
    )
