"""Who is launched where, against a model that looks at everything, on three agents.

The model is written from docs/jobs.md ("What waits for what", the limits), docs/concepts.md
("Built ahead"), docs/operating/limits.md and decision 15: no agent is overbooked, no limit is
passed, and nobody waits whom an agent has room for when its turn comes.
"""

import dataclasses
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from framework.matching.limits import Limits
from framework.matching.match import Demand, InUse, Launch, Match, Rank, match
from framework.matching.quotas import Quotas
from prevs.job_settings import JobSettings
from prevs.jobs import JobRecord, JobState
from prevs.records import AppRecord, PreviewRecord
from prevs.states import State
from prevs.units import Unit, job_unit, preview_unit
from tests.fakes.offers import offer

AGENTS = ("agent-1", "agent-2", "agent-3")
CPUS, MEM = 1, 64
"""What an executor takes beside its unit: hundredths of a CPU, MB."""
AHEAD_PER_APP, AHEAD_IN_ALL = 2, 10
NOW = 5000.0


class Waiting(NamedTuple):
    """What waits: `kind` is preview, job or ahead."""

    name: str
    app: str
    kind: str
    cpus: int
    mem: int
    gpu: bool

    @property
    def is_job(self) -> bool:
        return self.kind == "job"


@dataclasses.dataclass
class Room:
    """What an agent still offers, and what may still begin there."""

    cpus: int
    mem: int
    ports: int
    gpu: bool
    leaving: bool
    starts: int
    for_jobs: int
    builds_ahead: bool = False


@dataclasses.dataclass
class World:
    """Three agents, and what has a task or starts, by app; the limits of each app, and of all."""

    rooms: list[Room]
    most: dict[str, tuple[int, int]]
    limits: Limits
    previews: Counter[str]
    starting: Counter[str]
    ahead: Counter[str]
    jobs: Counter[str]

    def may_start(self, one: Waiting) -> bool:
        """Return whether no limit is passed if it starts."""
        previews, jobs = self.most[one.app]
        if one.is_job:
            return self.jobs[one.app] < jobs and self.jobs.total() < self.limits.jobs
        left_free = 1 if one.kind == "ahead" else 0
        return (
            self.previews[one.app] + left_free < previews
            and self.previews.total() + left_free < self.limits.previews
            and self.starting[one.app] < self.limits.starts_per_app
            and (not left_free or self.ahead[one.app] < AHEAD_PER_APP)
            and (not left_free or self.ahead.total() < AHEAD_IN_ALL)
        )

    def fits(self, one: Waiting, room: Room) -> bool:
        """Return whether an agent takes it: also one more like it, if it is built ahead."""
        times = 2 if one.kind == "ahead" else 1
        return (
            not room.leaving
            and room.starts > 0
            and (not one.gpu or room.gpu)
            and room.cpus >= times * (one.cpus + CPUS)
            and room.mem >= times * (one.mem + MEM)
            and (one.is_job or room.ports >= times)
            and (not one.is_job or room.for_jobs >= one.mem + MEM)
            and not (one.kind == "ahead" and room.builds_ahead)
        )

    def start(self, one: Waiting, room: Room) -> None:
        room.cpus -= one.cpus + CPUS
        room.mem -= one.mem + MEM
        if one.is_job:
            room.for_jobs -= one.mem + MEM
            room.starts -= 1
            self.jobs[one.app] += 1
            return
        room.ports -= 1
        self.previews[one.app] += 1
        if one.kind == "ahead":
            room.builds_ahead = True
            self.ahead[one.app] += 1
        else:
            room.starts -= 1
            self.starting[one.app] += 1


class Running(NamedTuple):
    """What has a task already."""

    name: str
    app: str
    agent: str
    state: str  # running, starting, ahead, job, new job


def unit(one: Waiting) -> Unit:
    return job_unit(one.app, one.name) if one.is_job else preview_unit(one.app, one.name)


def demand(one: Waiting) -> Demand:
    ranks = {"preview": int(Rank.AWAITED), "job": 3, "ahead": int(Rank.AHEAD)}
    return Demand(
        unit(one),
        cpus=one.cpus / 100,
        mem=one.mem,
        ports=0 if one.is_job else 1,
        rank=Rank.AHEAD if one.kind == "ahead" else ranks[one.kind],
        constraints=("gpu",) if one.gpu else (),
    )


def decide(world: World, waiting: Sequence[Waiting], running: Sequence[Running]) -> Match:
    """Let the framework decide, and count in the world what runs."""
    apps = {
        app: AppRecord(app, "/srv/git", max_previews=previews, max_jobs=jobs)
        for app, (previews, jobs) in world.most.items()
    }
    previews, jobs = [], []
    for one in running:
        room = world.rooms[AGENTS.index(one.agent)]
        if one.state in ("job", "new job"):
            state = JobState.RUNNING if one.state == "job" else JobState.BUILDING
            terms = JobSettings(("x",))
            jobs.append(JobRecord(one.app, one.name, "a", "main", terms, state, agent_id=one.agent))
            world.jobs[one.app] += 1
            room.starts -= one.state == "new job"
            continue
        state_of = State.RUNNING if one.state == "running" else State.BUILDING
        is_ahead = one.state == "ahead"
        previews.append(
            PreviewRecord(one.app, one.name, state_of, agent_id=one.agent, ahead=is_ahead)
        )
        world.previews[one.app] += 1
        if is_ahead:
            world.ahead[one.app] += 1
            room.builds_ahead = True
        elif one.state == "starting":
            world.starting[one.app] += 1
            room.starts -= 1
    quotas = Quotas(
        apps,
        with_task=previews,
        starting=[preview for preview in previews if preview.state is State.BUILDING],
        limits=world.limits,
        jobs=jobs,
    )
    offers = [
        offer(
            f"o{at}",
            agent=AGENTS[at],
            host=f"10.0.0.{at}",
            cpus=room.cpus / 100,
            mem=room.mem,
            begin=31001,
            end=31000 + room.ports,
            attributes={"gpu": "1"} if room.gpu else {},
            away=NOW + 60 if room.leaving else None,
        )
        for at, room in enumerate(world.rooms)
    ]
    room_for_jobs = {AGENTS[at]: float(room.for_jobs) for at, room in enumerate(world.rooms)}
    in_use = InUse(job_room=room_for_jobs)
    return match(map(demand, waiting), offers, in_use, quotas=quotas, now=NOW)


def follow(world: World, one: Waiting, launch: Launch | None, short: set[str]) -> str:
    """Let one be launched or not; return what is wrong with that, "" if nothing is.

    `short` are the apps whose visitors wait, "" if visitors of all apps do.
    """
    is_last = one.kind == "ahead" and (one.app in short or "" in short)
    may_start = world.may_start(one) and not is_last
    if launch is None:
        if may_start and any(world.fits(one, room) for room in world.rooms):
            return f"{one} waits in vain"
        if one.kind == "preview":
            of_app = world.previews[one.app] >= world.most[one.app][0]
            in_all = world.previews.total() >= world.limits.previews
            turn = world.starting[one.app] >= world.limits.starts_per_app
            short.add(one.app if of_app or (turn and not in_all) else "")
        return ""
    if not may_start:
        return f"{one} passes a limit"
    room = world.rooms[AGENTS.index(launch.agent_id)]
    if not world.fits(one, room):
        return f"{one} overbooks {launch.agent_id}: {room}"
    world.start(one, room)
    return ""


APPS = st.sampled_from(["hello", "shop"])
ROOMS = st.lists(
    st.builds(
        Room,
        cpus=st.sampled_from([10, 50, 100, 400]),
        mem=st.sampled_from([64, 128, 192, 256, 512]),
        ports=st.sampled_from([1, 2, 9]),
        gpu=st.booleans(),
        leaving=st.sampled_from([False, False, False, True]),
        starts=st.just(0),
        for_jobs=st.sampled_from([0, 128, 256, 1024]),
    ),
    min_size=3,
    max_size=3,
)
STATES = st.sampled_from(["running", "starting", "ahead", "job", "new job"])
RUNNING = st.lists(st.tuples(APPS, st.sampled_from(AGENTS), STATES), max_size=4).map(
    lambda rows: [Running(f"r{n}", *row) for n, row in enumerate(rows)]
)
WANTED = st.tuples(APPS, st.sampled_from([9, 49]), st.sampled_from([64, 128, 192]), st.booleans())


@st.composite
def lists_of_waiting(draw: st.DrawFn) -> list[Waiting]:
    """Return what waits in its order: visitors, jobs, builds ahead."""
    kinds = [kind for kind in ("preview", "job", "ahead") for _ in range(draw(st.integers(0, 3)))]
    found = []
    for number, kind in enumerate(kinds):
        app, cpus, mem, gpu = draw(WANTED)
        found.append(Waiting(f"w{number}", app, kind, cpus, mem, gpu))
    return found


MOST = st.tuples(st.integers(1, 4), st.integers(1, 3))
LIMITS = st.builds(
    Limits,
    previews=st.integers(1, 6),
    starts_per_agent=st.integers(1, 3),
    starts_per_app=st.integers(1, 3),
    jobs=st.integers(1, 4),
)


@given(lists_of_waiting(), ROOMS, RUNNING, MOST, MOST, LIMITS)
def test_no_agent_is_overbooked_no_limit_is_passed_and_nobody_waits_whom_an_agent_would_take(
    waiting: list[Waiting],
    rooms: list[Room],
    running: list[Running],
    of_hello: tuple[int, int],
    of_shop: tuple[int, int],
    limits: Limits,
) -> None:
    for room in rooms:
        room.starts = limits.starts_per_agent
    most = {"hello": of_hello, "shop": of_shop}
    world = World(rooms, most, limits, Counter(), Counter(), Counter(), Counter())
    made = decide(world, waiting, running)
    launches = {launch.demand.unit: launch for launch in made.launches}
    short: set[str] = set()
    wrong = [follow(world, one, launches.get(unit(one)), short) for one in waiting]
    assert not any(wrong), wrong
    assert {*launches, *made.refusals} == set(map(unit, waiting))
    ports = [(launch.host, port) for launch in made.launches for port in launch.ports]
    assert len(set(ports)) == len(ports)
