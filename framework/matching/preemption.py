"""Which previews stop so that others find room. Pure; times are seconds since the epoch.

Only what is idle stops, the least recently used first, what is in its keep-warm hours last, and
never more than is needed. Where several agents could make room, it is made where the most
recently used of those that stop was used longest ago.
"""

import functools
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from framework.apps import effective_settings
from framework.matching import constraints
from framework.matching.agents import EXECUTOR_CPUS, EXECUTOR_MEM, Space
from framework.matching.match import Demand, Key
from framework.matching.refusals import Shortage
from prevs.records import AppRecord, PreviewRecord


class Candidate(NamedTuple):
    """A preview that has a task. They sort in the order in which they are stopped.

    What it takes of an agent is not in it: there may be thousands, of which few are looked at.
    """

    warm: bool
    used: float
    key: Key
    agent_id: str
    app: AppRecord
    preview: PreviewRecord

    def taken(self) -> tuple[float, float]:
        """Return the share of CPU and the MB that it takes with its executor, as asked for now."""
        cpus, mem = effective_settings.resources(self.app, self.preview.settings)
        return round(cpus + EXECUTOR_CPUS, 3), mem + EXECUTOR_MEM


class UnmetDemand(NamedTuple):
    """A preview that waits for room, and what it is in want of."""

    demand: Demand
    lack: Shortage


class Preemption(NamedTuple):
    """What stops for a preview, and the agent at which that makes room, if it was wanted."""

    demand: Demand
    victims: tuple[Candidate, ...]
    agent_id: str | None


class PreemptionPlan(NamedTuple):
    """What stops; of the others, who waits for what stops already, and for whom nothing can."""

    plans: tuple[Preemption, ...] = ()
    coming: tuple[Key, ...] = ()
    hopeless: tuple[Key, ...] = ()


def plan(
    needs: Sequence[UnmetDemand],
    spaces: Iterable[Space],
    idle: Iterable[Candidate],
    *,
    draining: Iterable[Candidate] = (),
    promised: Collection[Key] = (),
) -> PreemptionPlan:
    """Return what stops for `needs`, which are served in order.

    `spaces` are what is free of each agent at which room may be made, `idle` what may stop.
    `draining` is stopping already: where that is enough, nothing more stops. `promised` are the
    previews, none of `needs`, that get the place of one of those in the limits.
    """
    decision = _Decision(spaces, idle)
    decision.expect(draining, promised)
    return decision.decide(needs)


class _Decision:
    def __init__(self, spaces: Iterable[Space], idle: Iterable[Candidate]) -> None:
        self._spaces = {space.agent_id: space for space in spaces if not space.leaving}
        self._idle = sorted(idle)
        self._gone: set[Key] = set()
        self._slots: Counter[str] = Counter()
        self._all_slots = 0
        self._hopeless: list[UnmetDemand] = []

    def expect(self, draining: Iterable[Candidate], promised: Collection[Key]) -> None:
        for tenant in draining:
            self._count_slots((tenant.key,), 1)
            self._free(tenant)
        self._count_slots(promised, -1)

    def decide(self, needs: Sequence[UnmetDemand]) -> PreemptionPlan:
        plans: list[Preemption] = []
        coming: list[Key] = []
        for need in needs:
            plan = None if self._is_hopeless(need) else self._plan(need)
            if plan is None:
                self._hopeless.append(need)
            elif plan.victims:
                plans.append(plan)
            else:
                coming.append(need.demand.key)
        return PreemptionPlan(
            tuple(plans), tuple(coming), tuple(n.demand.key for n in self._hopeless)
        )

    def _is_hopeless(self, need: UnmetDemand) -> bool:
        """Tell whether nothing was found for another that needs no more than this one."""
        return any(
            other.lack is need.lack
            and (need.lack is not Shortage.APP_SLOT or other.demand.app == need.demand.app)
            and other.demand.constraints == need.demand.constraints
            and other.demand.cpus <= need.demand.cpus
            and other.demand.mem <= need.demand.mem
            for other in self._hopeless
        )

    def _plan(self, need: UnmetDemand) -> Preemption | None:
        """Return what stops for one: nothing where enough stops already, None in vain."""
        wants_slot = need.lack is not Shortage.ROOM and not self._slot_comes(need)
        victims = self._oldest_slot(need) if wants_slot else []
        if wants_slot and not victims:
            return None
        self._stop(victims)
        agent_id = self._free_place(need.demand)
        if agent_id is None:
            agent_id, more = self._oldest_set(need.demand)
            if agent_id is None:
                self._spare(victims)
                return None
            self._stop(more)
            victims = sorted((*victims, *more))
        victims = self._needed(need, agent_id, victims, wants_slot=wants_slot)
        self._take(need, agent_id, victims)
        made = any(victim.agent_id == agent_id for victim in victims)
        return Preemption(need.demand, tuple(victims), agent_id if made else None)

    def _slot_comes(self, need: UnmetDemand) -> bool:
        app_wide = need.lack is Shortage.APP_SLOT
        return (self._slots[need.demand.app] if app_wide else self._all_slots) > 0

    def _oldest_slot(self, need: UnmetDemand) -> list[Candidate]:
        tenants: Iterable[Candidate] = self._idle
        if need.lack is Shortage.APP_SLOT:
            tenants = self._by_app.get(need.demand.app, ())
        return next(([tenant] for tenant in tenants if tenant.key not in self._gone), [])

    @functools.cached_property
    def _by_app(self) -> Mapping[str, Sequence[Candidate]]:
        found: defaultdict[str, list[Candidate]] = defaultdict(list)
        for tenant in self._idle:
            found[tenant.key[0]].append(tenant)
        return found

    def _free_place(self, demand: Demand) -> str | None:
        size = _size(demand)
        for space in self._spaces.values():
            if _is_enough(space, *size) and _may_run(demand, space):
                return space.agent_id
        return None

    def _oldest_set(self, demand: Demand) -> tuple[str | None, Sequence[Candidate]]:
        """Return the agent that has room first when what is idle stops in its order, and what."""
        size = _size(demand)
        for avoid in dict.fromkeys((demand.avoid_agent, None)):
            room: dict[str, Space | None] = {avoid: None} if avoid else {}
            stopping: defaultdict[str, list[Candidate]] = defaultdict(list)
            for tenant in self._idle:
                agent_id = tenant.agent_id
                if agent_id not in room:
                    space = self._spaces.get(agent_id)
                    room[agent_id] = space if space and _may_run(demand, space) else None
                if (space := room[agent_id]) is None or tenant.key in self._gone:
                    continue
                stopping[agent_id].append(tenant)
                room[agent_id] = space = without(space, tenant)
                if _is_enough(space, *size):
                    return agent_id, stopping[agent_id]
        return None, ()

    def _needed(
        self, need: UnmetDemand, agent_id: str, victims: list[Candidate], *, wants_slot: bool
    ) -> list[Candidate]:
        """Return those of some victims that have to stop, sparing the most recently used first."""
        size = _size(need.demand)
        kept = list(victims)
        for tenant in reversed(victims):
            self._spare((tenant,))
            others = [other for other in kept if other is not tenant]
            has_slot = not wants_slot or any(
                need.lack is not Shortage.APP_SLOT or other.key[0] == need.demand.app
                for other in others
            )
            if has_slot and _is_enough(self._spaces[agent_id], *size):
                kept = others
            else:
                self._stop((tenant,))
        return kept

    def _stop(self, victims: Iterable[Candidate]) -> None:
        for victim in victims:
            self._gone.add(victim.key)
            self._free(victim)

    def _spare(self, victims: Iterable[Candidate]) -> None:
        for victim in victims:
            self._gone.discard(victim.key)
            if space := self._spaces.get(victim.agent_id):
                self._spaces[victim.agent_id] = without(space, victim, -1)

    def _free(self, tenant: Candidate) -> None:
        if space := self._spaces.get(tenant.agent_id):
            self._spaces[tenant.agent_id] = without(space, tenant)

    def _take(self, need: UnmetDemand, agent_id: str, victims: Iterable[Candidate]) -> None:
        cpus, mem = _size(need.demand)
        space = self._spaces[agent_id]
        self._spaces[agent_id] = space._replace(
            cpus=round(space.cpus - cpus, 3),
            mem=space.mem - mem,
            ports=space.ports - 1,
            starts=space.starts - 1,
        )
        self._count_slots((victim.key for victim in victims), 1)
        if need.lack is not Shortage.ROOM:
            self._count_slots((need.demand.key,), -1)

    def _count_slots(self, keys: Iterable[Key], times: int) -> None:
        for app, _ in keys:
            self._slots[app] += times
            self._all_slots += times


def _size(demand: Demand) -> tuple[float, float]:
    return round(demand.cpus + EXECUTOR_CPUS, 3), demand.mem + EXECUTOR_MEM


def _is_enough(space: Space, cpus: float, mem: float) -> bool:
    return space.cpus >= cpus and space.mem >= mem and space.ports > 0 and space.starts > 0


def _may_run(demand: Demand, space: Space) -> bool:
    if space.attributes is None:
        return not demand.constraints
    return constraints.hold(demand.constraints, space.attributes)


def without(space: Space, tenant: Candidate, times: int = 1) -> Space:
    """Return what is free when a tenant goes, or with -1 when it comes back."""
    cpus, mem = tenant.taken()
    # Done for every idle preview where nothing is enough; `_replace` takes thrice as long.
    return Space(
        space.agent_id,
        round(space.cpus + times * cpus, 3),
        space.mem + times * mem,
        space.ports + times,
        space.attributes,
        space.starts,
        space.leaving,
    )
