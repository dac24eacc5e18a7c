"""Preemptible jobs give way to visitors when nothing else makes room, the youngest first."""

import math
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from framework.matching.agents import EXECUTOR_MEM, Space
from framework.matching.match import Demand
from framework.matching.preemption import Candidate, PreemptionPlan, Turn, UnmetDemand, plan
from framework.matching.refusals import Shortage
from prevs.job_settings import JobSettings
from prevs.records import AppRecord
from prevs.units import job_unit, preview_unit

APP = AppRecord("hello", "/srv/git", cpus=0.01)
AGENTS = ("agent-1", "agent-2")
FULL = [Space("agent-1", cpus=9, ports=9, starts=9)]
SIZES = st.sampled_from([64, 128, 256])


def preview(name: str, used: float, mem: int, agent: str = "agent-1", *, warm: bool) -> Candidate:
    app = AppRecord("hello", "/srv/git", cpus=0.01, mem=mem)
    turn = Turn.WARM if warm else Turn.IDLE
    return Candidate(turn, used, preview_unit("hello", name), agent, app, None)


def job(name: str, began: float, mem: int = 128, agent: str = "agent-1") -> Candidate:
    terms = JobSettings(("x",), mem=mem)
    return Candidate(Turn.JOB, -began, job_unit("hello", name), agent, APP, terms)


def visitor(mem: int = 128, lack: Shortage = Shortage.ROOM) -> UnmetDemand:
    return UnmetDemand(Demand(preview_unit("hello", "v"), cpus=0.01, mem=mem), lack)


def waiting(mem: int = 128, name: str = "w") -> UnmetDemand:
    demand = Demand(job_unit("hello", name), cpus=0.01, mem=mem, ports=0, rank=1)
    return UnmetDemand(demand, Shortage.ROOM)


def names(made: PreemptionPlan) -> list[str]:
    return [victim.unit.name for one in made.preemptions for victim in one.victims]


def test_the_youngest_job_gives_way_and_only_where_no_preview_is_idle() -> None:
    jobs = [job("old", 1.0), job("young", 2.0)]
    assert names(plan([visitor()], FULL, jobs)) == ["young"]
    for warm in (False, True):
        idle = preview("idle", 9.0, 128, warm=warm)
        assert names(plan([visitor()], FULL, [*jobs, idle])) == ["idle"]


def test_a_job_on_cpus_that_mesos_may_take_back_leaves_only_memory() -> None:
    tight = FULL[0]._replace(cpus=0.0)
    running = job("j", 1.0)
    for revocable, space, stops in (
        (False, tight, ["j"]),
        (True, tight, []),
        (True, FULL[0], ["j"]),
    ):
        candidate = running._replace(revocable=revocable)
        assert names(plan([visitor()], [space], [candidate])) == stops


def test_an_agent_to_be_avoided_makes_room_before_a_job_gives_way() -> None:
    wary = visitor()
    wary = wary._replace(demand=wary.demand._replace(avoid_agent="agent-1"))
    running = [preview("idle", 9.0, 128, warm=False), job("j", 2.0, agent="agent-2")]
    spaces = [*FULL, FULL[0]._replace(agent_id="agent-2")]
    assert names(plan([wary], spaces, running)) == ["idle"]
    assert names(plan([wary], spaces, running[1:])) == ["j"]


def test_a_job_leaves_no_place_in_a_limit_of_previews() -> None:
    spaces = [FULL[0]._replace(mem=999)]
    for lack in (Shortage.SLOT, Shortage.APP_SLOT):
        made = plan([visitor(lack=lack)], spaces, [job("j", 1.0)], draining=[job("d", 1.0)])
        assert made.impossible == (preview_unit("hello", "v"),)


def test_a_job_that_ends_already_makes_room() -> None:
    made = plan([visitor()], FULL, [job("j", 1.0)], draining=[job("d", 1.0)])
    assert made.pending == (preview_unit("hello", "v"),)


def test_nothing_stops_for_a_job_where_jobs_may_take_no_more() -> None:
    idle = [preview("idle", 1.0, 512, warm=False)]
    for room, stops in ((128 + EXECUTOR_MEM, ["idle"]), (128 + EXECUTOR_MEM - 1, [])):
        assert names(plan([waiting()], [FULL[0]._replace(job_mem=room)], idle)) == stops


def test_nothing_stops_for_a_second_job_where_the_first_takes_what_jobs_may_have() -> None:
    idle = [preview("a", 1.0, 128, warm=False), preview("b", 2.0, 128, warm=False)]
    needs = [waiting(name="w1"), waiting(name="w2")]
    each = 128 + EXECUTOR_MEM
    for room, stops in ((2 * each, ["a", "b"]), (2 * each - 1, ["a"])):
        made = plan(needs, [FULL[0]._replace(job_mem=room)], idle)
        assert names(made) == stops
        assert [unit.name for unit in made.impossible] == ["w1", "w2"][len(stops) :]


def test_a_preview_takes_nothing_of_what_jobs_may_have() -> None:
    idle = [preview("a", 1.0, 512, warm=False), preview("b", 2.0, 128, warm=False)]
    space = FULL[0]._replace(job_mem=128 + EXECUTOR_MEM)
    assert names(plan([visitor(512), waiting()], [space], idle)) == ["a", "b"]


previews = st.lists(
    st.tuples(st.integers(0, 5), SIZES, st.sampled_from(AGENTS), st.booleans()), max_size=5
).map(lambda rows: [preview(f"p{n}", *row[:3], warm=row[3]) for n, row in enumerate(rows)])
jobs = st.lists(st.tuples(st.integers(0, 5), SIZES, st.sampled_from(AGENTS)), max_size=5).map(
    lambda rows: [job(f"j{n}", *row) for n, row in enumerate(rows)]
)
spaces = st.tuples(SIZES, SIZES, st.integers(0, 9)).map(
    lambda row: [
        Space(agent, cpus=9, mem=mem - 64, ports=row[2], starts=9)
        for agent, mem in zip(AGENTS, row, strict=False)
    ]
)


def suffices(need: UnmetDemand, free: Sequence[Space], victims: Sequence[Candidate]) -> bool:
    """Return whether an agent has room once some have stopped."""
    for space in free:
        there = [one for one in victims if one.agent_id == space.agent_id]
        ports = space.ports + sum(one.turn is not Turn.JOB for one in there)
        mem = space.mem + sum(one.taken()[1] for one in there)
        if mem >= need.demand.mem + EXECUTOR_MEM and ports >= need.demand.ports:
            return True
    return False


@given(SIZES, spaces, previews, jobs)
def test_a_visitor_waits_only_if_all_that_may_stop_is_not_enough(
    mem: int, free: list[Space], idle: list[Candidate], running: list[Candidate]
) -> None:
    need = visitor(mem)
    made = plan([need], free, [*running, *idle])
    assert bool(made.impossible) is not suffices(need, free, [*idle, *running])
    assert bool(made.pending) is suffices(need, free, ())
    victims = [victim for one in made.preemptions for victim in one.victims]
    if any(victim.turn is Turn.JOB for victim in victims):
        assert not suffices(need, free, idle)
    for victim in victims:
        assert not suffices(need, free, [one for one in victims if one is not victim])
        younger = [one for one in running if one < victim]
        if victim is max(victims) and victim.turn is Turn.JOB:
            assert not suffices(need, free, [*idle, *younger])


@given(SIZES, spaces, previews, jobs, st.sampled_from([0, 100, 200, 300, math.inf]))
def test_for_a_job_only_previews_stop_that_are_not_kept_warm(
    mem: int, free: list[Space], idle: list[Candidate], running: list[Candidate], room: float
) -> None:
    need, free = waiting(mem), [space._replace(job_mem=room) for space in free]
    made = plan([need], free, [*running, *idle])
    cold = [one for one in idle if one.turn is Turn.IDLE]
    victims = [victim for one in made.preemptions for victim in one.victims]
    assert all(victim in cold for victim in victims)
    may = room >= mem + EXECUTOR_MEM
    assert bool(made.impossible) is not (may and suffices(need, free, cold))


@given(SIZES, spaces, previews, jobs)
def test_visitors_come_to_what_a_waiting_job_cannot_have(
    mem: int, free: list[Space], idle: list[Candidate], running: list[Candidate]
) -> None:
    """What was impossible for a job is not taken to be impossible for a visitor."""
    everything = [*running, *idle]
    alone = plan([visitor(mem)], free, everything)
    both = plan([waiting(mem), visitor(mem)], free, everything)
    if both.impossible and both.impossible[0] == waiting().demand.unit:
        assert (visitor().demand.unit in both.impossible) is bool(alone.impossible)
