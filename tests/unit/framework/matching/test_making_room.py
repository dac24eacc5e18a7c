"""What stops for whom, against a model that tries everything, on three agents with four units.

The model is written from docs/concepts.md ("When it stops"), docs/jobs.md ("What waits for what")
and decisions 15 and 94, with an arithmetic of its own: of all sets of what may stop, the one that
lasts least.
"""

import dataclasses
import itertools
from collections.abc import Collection, Iterator, Sequence

from hypothesis import given
from hypothesis import strategies as st

from framework.matching.agents import Home, Space
from framework.matching.match import Demand
from framework.matching.preemption import Candidate, PreemptionPlan, Turn, UnmetDemand, plan
from framework.matching.refusals import Shortage
from prevs.job_settings import JobSettings
from prevs.records import AppRecord
from prevs.units import Unit, job_unit, preview_unit

AGENTS = ("agent-1", "agent-2", "agent-3")
CPUS, MEM = 0.01, 64
"""What an executor takes beside its unit."""


@dataclasses.dataclass(frozen=True)
class Room:
    """An agent: what is free there in hundredths of a CPU, MB and ports.

    `gpu` is None if it is not known whether it has one. `for_jobs` are the MB left to jobs.
    """

    cpus: int
    mem: int
    ports: int
    gpu: bool | None
    starts: int
    leaving: bool
    for_jobs: int


@dataclasses.dataclass(frozen=True)
class Tenant:
    """What runs, or stops already: `used` is its last use, or when its command began."""

    name: str
    app: str
    agent: str
    cpus: int
    mem: int
    used: int
    kind: str  # cold, warm, job, revocable

    @property
    def is_job(self) -> bool:
        return self.kind in ("job", "revocable")

    @property
    def order(self) -> tuple[int, int, str, str]:
        """The lowest stops first: idle previews, those kept warm, then jobs, the youngest first."""
        place = {"cold": 0, "warm": 1}.get(self.kind, 2)
        return place, -self.used if self.is_job else self.used, self.app, self.name


@dataclasses.dataclass(frozen=True)
class Waiting:
    """What waits: for room, or for a place in the limit of all or of its app too."""

    name: str
    app: str
    cpus: int
    mem: int
    lack: Shortage
    is_job: bool
    gpu: bool
    home: str | None


@dataclasses.dataclass(frozen=True)
class World:
    """The agents, what runs, and how many places are left in the limits."""

    rooms: tuple[Room, ...]
    running: tuple[Tenant, ...]
    places: tuple[tuple[str, int], ...] = ()

    def left(self, of: str) -> int:
        return dict(self.places).get(of, 0)

    def count(self, limits: Collection[str], times: int) -> "World":
        """Count places in the limits of apps, and in that of all, ""."""
        places = {**dict(self.places), **{of: self.left(of) + times for of in limits}}
        return dataclasses.replace(self, places=tuple(sorted(places.items())))

    def stop(self, one: Tenant) -> "World":
        at = AGENTS.index(one.agent)
        room = self.rooms[at]
        cpus = 0 if one.kind == "revocable" else one.cpus + 1
        after = dataclasses.replace(
            room,
            cpus=room.cpus + cpus,
            mem=room.mem + one.mem + MEM,
            ports=room.ports + (not one.is_job),
            for_jobs=room.for_jobs + (one.mem + MEM if one.is_job else 0),
        )
        rooms = (*self.rooms[:at], after, *self.rooms[at + 1 :])
        running = tuple(other for other in self.running if other != one)
        world = dataclasses.replace(self, rooms=rooms, running=running)
        return world if one.is_job else world.count({"", one.app}, 1)

    def start(self, one: Waiting, at: int) -> "World":
        room = self.rooms[at]
        after = dataclasses.replace(
            room,
            cpus=room.cpus - one.cpus - 1,
            mem=room.mem - one.mem - MEM,
            ports=room.ports - (not one.is_job),
            starts=room.starts - 1,
            for_jobs=room.for_jobs - (one.mem + MEM if one.is_job else 0),
        )
        rooms = (*self.rooms[:at], after, *self.rooms[at + 1 :])
        world = dataclasses.replace(self, rooms=rooms)
        if one.lack is Shortage.ROOM:
            return world
        # What lacks a place among all has one in the limit of its app.
        return world.count({"", one.app} if one.lack is Shortage.APP_SLOT else {""}, -1)

    def places_for(self, one: Waiting) -> list[int]:
        """Return the agents that would take what waits now."""
        lacks = {Shortage.SLOT: [""], Shortage.APP_SLOT: ["", one.app]}.get(one.lack, [])
        if any(self.left(of) < 1 for of in lacks):
            return []
        return [at for at, room in enumerate(self.rooms) if takes(room, one, AGENTS[at])]


def takes(room: Room, one: Waiting, agent: str) -> bool:
    return (
        not room.leaving
        and room.starts > 0
        and one.home in (None, agent)
        and (not one.gpu or room.gpu is True)
        and room.cpus >= one.cpus + 1
        and room.mem >= one.mem + MEM
        and (one.is_job or room.ports > 0)
        and (not one.is_job or room.for_jobs >= one.mem + MEM)
    )


def sets_that_may_stop(world: World, one: Waiting) -> Iterator[tuple[Tenant, ...]]:
    may = [t for t in world.running if not one.is_job or t.kind == "cold"]
    for number in range(len(may) + 1):
        yield from itertools.combinations(sorted(may, key=lambda t: t.order), number)


def after(world: World, victims: Sequence[Tenant]) -> World:
    for victim in victims:
        world = world.stop(victim)
    return world


def keeps_promises(world: World, one: Waiting, victims: Sequence[Tenant] | None) -> list[World]:
    """Return what may have become of the world, none if a promise is broken.

    Without `victims` the unit waits for nothing; with none of them it waits for what stops already.
    """
    enough = [some for some in sets_that_may_stop(world, one) if after(world, some).places_for(one)]
    if victims is None:
        return [] if enough else [world]
    least = min((max((t.order for t in some), default=()) for some in enough), default=None)
    needed = tuple(sorted(victims, key=lambda t: t.order))
    in_vain = any(set(some) < set(needed) for some in enough)
    if needed not in enough or in_vain or max((t.order for t in needed), default=()) != least:
        return []
    then = after(world, needed)
    return [then.start(one, at) for at in then.places_for(one)]


def explain(world: World, needs: Sequence[Waiting], made: PreemptionPlan) -> str:
    """Return what of the plan no promise explains; "" if all is well."""
    by_name = {tenant.name: tenant for tenant in world.running}
    stops = {
        planned.demand.unit: [by_name[victim.unit.name] for victim in planned.victims]
        for planned in made.preemptions
    }
    worlds = [world]
    for one in needs:
        victims = None if unit(one) in made.impossible else stops.get(unit(one), [])
        worlds = [after for before in worlds for after in keeps_promises(before, one, victims)]
        if not worlds:
            return f"{one.name} stops {victims}"
    return ""


def unit(one: Waiting | Tenant) -> Unit:
    return job_unit(one.app, one.name) if one.is_job else preview_unit(one.app, one.name)


def as_demand(one: Waiting) -> UnmetDemand:
    demand = Demand(
        unit(one),
        cpus=one.cpus / 100,
        mem=one.mem,
        ports=0 if one.is_job else 1,
        constraints=("gpu",) if one.gpu else (),
        home=Home(one.home, one.home) if one.home else None,
    )
    return UnmetDemand(demand, one.lack)


def as_candidate(one: Tenant) -> Candidate:
    app = AppRecord(one.app, "/srv/git", cpus=one.cpus / 100, mem=one.mem)
    if not one.is_job:
        turn = Turn.WARM if one.kind == "warm" else Turn.IDLE
        return Candidate(turn, one.used, unit(one), one.agent, app, None)
    terms = JobSettings(("x",), cpus=one.cpus / 100, mem=one.mem)
    is_revocable = one.kind == "revocable"
    return Candidate(Turn.JOB, -one.used, unit(one), one.agent, app, terms, is_revocable)


def as_space(room: Room, agent: str) -> Space:
    gpu = None if room.gpu is None else ({"gpu": "1"} if room.gpu else {})
    size = (room.cpus / 100, float(room.mem), room.ports)
    return Space(agent, *size, gpu, room.starts, room.leaving, float(room.for_jobs))


APPS = st.sampled_from(["hello", "shop"])
CPU = st.sampled_from([9, 49])
SIZE = st.sampled_from([64, 128, 192])
ROOMS = st.tuples(
    *[
        st.builds(
            Room,
            cpus=st.sampled_from([0, 10, 50, 200]),
            mem=st.sampled_from([0, 64, 128, 192, 256]),
            ports=st.sampled_from([0, 1, 9]),
            gpu=st.sampled_from([True, False, None]),
            starts=st.sampled_from([0, 1, 9, 9]),
            leaving=st.sampled_from([False, False, False, True]),
            for_jobs=st.sampled_from([0, 128, 256, 1024]),
        )
    ]
    * len(AGENTS)
)
KINDS = st.sampled_from(["cold", "cold", "warm", "job", "revocable"])


def tenants(prefix: str, most: int) -> st.SearchStrategy[tuple[Tenant, ...]]:
    rows = st.tuples(APPS, st.sampled_from(AGENTS), CPU, SIZE, st.integers(0, 4), KINDS)
    return st.lists(rows, max_size=most).map(
        lambda found: tuple(Tenant(f"{prefix}{n}", *row) for n, row in enumerate(found))
    )


LACKS = st.sampled_from([Shortage.ROOM, Shortage.SLOT, Shortage.APP_SLOT])
HOMES = st.sampled_from([None, None, None, *AGENTS])
PREVIEWS = st.tuples(APPS, CPU, SIZE, LACKS, st.just(value=False), st.booleans(), HOMES)
JOBS = st.tuples(
    APPS, CPU, SIZE, st.just(Shortage.ROOM), st.just(value=True), st.booleans(), st.none()
)
# Visitors come before jobs.
NEEDS = st.tuples(st.lists(PREVIEWS, max_size=3), st.lists(JOBS, max_size=2)).map(
    lambda both: [Waiting(f"n{n}", *row) for n, row in enumerate((*both[0], *both[1]))]
)


@given(NEEDS, ROOMS, tenants("t", 4), tenants("d", 1))
def test_nobody_stops_in_vain_and_nobody_waits_while_what_may_stop_is_enough(
    needs: list[Waiting],
    rooms: tuple[Room, ...],
    running: tuple[Tenant, ...],
    ending: tuple[Tenant, ...],
) -> None:
    made = plan(
        list(map(as_demand, needs)),
        list(map(as_space, rooms, AGENTS)),
        list(map(as_candidate, running)),
        draining=list(map(as_candidate, ending)),
    )
    world = World(rooms, (*running, *ending))
    assert explain(after(world, ending), needs, made) == ""
