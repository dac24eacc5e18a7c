from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework.matching.agents import EXECUTOR_CPUS, EXECUTOR_MEM, Home, Space
from framework.matching.match import Demand
from framework.matching.preemption import (
    Candidate,
    PreemptionPlan,
    Turn,
    UnmetDemand,
    freed,
    plan,
)
from framework.matching.refusals import Shortage
from prevs.commit_settings import CommitSettings
from prevs.job_settings import JobSettings
from prevs.records import AppRecord
from prevs.units import job_unit, preview_unit

FULL = Space("agent-1", starts=9)


def need(
    sha: str = "n",
    mem: int = 128,
    lack: Shortage = Shortage.ROOM,
    app: str = "hello",
    **more: object,
) -> UnmetDemand:
    return UnmetDemand(Demand(preview_unit(app, sha), cpus=0.1, mem=mem, **more), lack)  # type: ignore[arg-type] # fields vary per test


def tenant(
    sha: str,
    used: float,
    *,
    agent: str = "agent-1",
    mem: int = 128,
    app: str = "other",
    warm: bool = False,
) -> Candidate:
    turn = Turn.WARM if warm else Turn.IDLE
    return Candidate(turn, used, preview_unit(app, sha), agent, size(app, 0.1, mem), None)


def size(app: str, cpus: float, mem: int) -> AppRecord:
    return AppRecord(app, "/srv/git", cpus=cpus, mem=mem)


def working(
    job: str, began: float, *, agent: str = "agent-1", mem: int = 128, app: str = "other"
) -> Candidate:
    terms = JobSettings(("x",), mem=mem)
    return Candidate(Turn.JOB, -began, job_unit(app, job), agent, size(app, 0.1, 16), terms)


def stopped(room: PreemptionPlan) -> list[list[str]]:
    return [[victim.unit.name for victim in plan.victims] for plan in room.preemptions]


def decide(
    needs: Sequence[UnmetDemand], idle: Sequence[Candidate], *spaces: Space
) -> PreemptionPlan:
    return plan(needs, spaces or [FULL], idle)


def test_taking_and_returning_resources_leaves_an_agent_as_it_was() -> None:
    space = Space("agent-1", 1.5, 512.0, 3, {"rack": "a"}, 2, True, 256.0)
    assert None not in space
    assert all(space[index] != Space("")[index] for index in range(len(space)))
    gone = freed(space, tenant("a", 1.0))
    assert gone == space._replace(cpus=gone.cpus, mem=gone.mem, ports=4)
    assert freed(gone, tenant("a", 1.0), -1) == space
    gone = freed(space, working("j", 1.0))
    assert gone == space._replace(cpus=gone.cpus, mem=gone.mem, job_mem=448.0)
    assert freed(gone, working("j", 1.0), -1) == space
    gone = freed(space, working("j", 1.0)._replace(revocable=True))
    assert (gone.cpus, gone.mem) == (space.cpus, space.mem + 128 + EXECUTOR_MEM)


def test_a_preview_in_its_warm_hours_stops_last() -> None:
    room = decide([need(), need("m")], [tenant("a", 1.0, warm=True), tenant("b", 2.0)])
    assert stopped(room) == [["b"], ["a"]]


def test_no_more_previews_stop_than_needed() -> None:
    idle = [tenant("a", 1.0, mem=10), tenant("b", 2.0, mem=100), tenant("c", 3.0, mem=500)]
    assert stopped(decide([need(mem=400)], idle)) == [["c"]]
    assert stopped(decide([need(mem=140)], idle)) == [["a", "b"]]
    idle = [tenant("a", 1.0, mem=50), tenant("b", 2.0, mem=50), tenant("c", 3.0, mem=100)]
    assert stopped(decide([need(mem=200)], idle)) == [["a", "c"]]


def test_the_resources_of_a_commit_become_free_with_its_preview() -> None:
    modest, large = tenant("a", 1.0, mem=100), tenant("b", 2.0, mem=100)
    resized = large._replace(settings=CommitSettings(mem=400))
    assert stopped(decide([need(mem=400)], [modest, resized])) == [["b"]]
    idle = [modest._replace(settings=CommitSettings(cpus=0.01)), large]
    assert stopped(decide([need(mem=100)], idle)) == [["b"]]


def test_nothing_stops_for_a_port_that_is_not_needed() -> None:
    space = Space("agent-1", cpus=9.0, mem=9e3, starts=9)
    assert stopped(decide([need("m")], [tenant("a", 1.0)], space)) == [["a"]]
    portless = decide([need("m"), need("n", ports=0)], [], space)
    assert portless.impossible == (preview_unit("hello", "m"),)
    assert portless.pending == (preview_unit("hello", "n"),)


def test_each_waiting_preview_gets_room_of_its_own() -> None:
    room = decide([need("m"), need("n")], [tenant("a", 1.0), tenant("b", 2.0)])
    assert stopped(room) == [["a"], ["b"]]


def test_a_preview_for_which_nothing_can_stop_waits_and_the_next_is_served() -> None:
    room = decide([need("m", mem=9999), need("n")], [tenant("a", 1.0)])
    assert stopped(room) == [["a"]]
    assert room.impossible == (preview_unit("hello", "m"),)


@pytest.mark.parametrize(
    "plenty",
    [{"cpus": 9.0, "mem": 9e3}, {"cpus": 9.0, "ports": 9}, {"mem": 9e3, "ports": 9}],
    ids=["ports are scarce", "memory is scarce", "CPUs are scarce"],
)
def test_a_preview_that_is_already_stopping_makes_room_for_only_one(plenty: dict[str, Any]) -> None:
    space, draining = FULL._replace(**plenty), [tenant("d", 0.0)]
    room = plan([need("m"), need("n")], [space], [tenant("a", 1.0)], draining=draining)
    assert room.pending == (preview_unit("hello", "m"),)
    assert stopped(room) == [["a"]]


def test_nothing_stops_where_the_waiting_preview_may_not_run() -> None:
    wanted = need(constraints=("zone=a",))
    idle = [tenant("a", 1.0), tenant("b", 2.0, agent="agent-2")]
    spaces = [
        Space("agent-1", attributes={"zone": "b"}),
        Space("agent-2", attributes={"zone": "a"}),
    ]
    assert stopped(decide([wanted], idle, *spaces)) == [["b"]]
    assert decide([wanted], idle[:1]).impossible
    assert decide([need()], idle[:1], Space("agent-9")).impossible


def test_what_was_impossible_elsewhere_is_tried_where_another_preview_may_run() -> None:
    """Nothing is idle where there is a GPU. That says nothing of previews that need none."""
    spaces = [Space("agent-1", attributes={}), Space("agent-2", attributes={"gpu": "1"})]
    for first, then in ((("gpu",), ()), (("gpu",), ("gpu!=1",))):
        needs = [need("m", constraints=first), need("n", constraints=then)]
        room = decide(needs, [tenant("a", 1.0)], *spaces)
        assert room.impossible == (preview_unit("hello", "m"),)
        assert stopped(room) == [["a"]]
    at_home = need("m", home=Home("agent-2", "10.0.0.2"))
    room = decide([at_home, need("n")], [tenant("a", 1.0)], *spaces)
    assert room.impossible == (preview_unit("hello", "m"),)
    assert stopped(room) == [["a"]]


def test_an_agent_that_lost_the_preview_makes_room_only_where_no_other_can() -> None:
    wary = need(avoid_agent="agent-1")
    idle = [tenant("a", 1.0), tenant("b", 2.0, agent="agent-2")]
    assert stopped(decide([wary], idle, FULL, Space("agent-2"))) == [["b"]]
    assert stopped(decide([wary], idle[:1])) == [["a"]]


def test_at_the_limit_of_an_app_one_of_its_previews_stops() -> None:
    idle = [tenant("a", 1.0), tenant("b", 2.0, app="hello"), tenant("c", 3.0, app="hello")]
    wanted = need(lack=Shortage.APP_SLOT)
    assert stopped(decide([wanted], idle)) == [["b"]]
    roomy = Space("agent-2", cpus=4, mem=4096, ports=9)
    room = decide([wanted], idle, roomy, FULL)
    assert stopped(room) == [["b"]]
    assert room.preemptions[0].agent_id is None
    assert decide([wanted], idle[:1], roomy).impossible


def test_a_slot_about_to_be_free_is_waited_for_unless_it_is_reserved() -> None:
    roomy = Space("agent-2", cpus=4, mem=4096, ports=9)
    for lack, app in ((Shortage.APP_SLOT, "hello"), (Shortage.SLOT, "other")):
        draining = [tenant("d", 0.0, app=app)]
        idle = [tenant("a", 1.0, app="hello")]
        wanted = [need(lack=lack)]
        assert plan(wanted, [FULL, roomy], idle, draining=draining).pending
        reserved = [preview_unit("hello", "z")]
        room = plan(wanted, [FULL, roomy], idle, draining=draining, reserved=reserved)
        assert stopped(room) == [["a"]]


def test_whoever_makes_room_leaves_a_place_too_whatever_its_app_is() -> None:
    """The oldest one, on another agent, would leave a place alone, and stop in vain."""
    idle = [tenant("a", 1.0, agent="agent-2"), tenant("b", 2.0, mem=400)]
    wanted = need(mem=300, lack=Shortage.SLOT)
    assert stopped(decide([wanted], idle, FULL, Space("agent-2"))) == [["b"]]


ROOMY = Space("agent-2", cpus=4, mem=4096, ports=9, starts=9)


def test_a_preview_that_stops_for_room_gives_its_slot_to_others() -> None:
    idle = [tenant("a", 1.0, mem=64), tenant("b", 2.0, mem=64), tenant("c", 3.0)]
    big = need("m", constraints=("gpu",))
    full = FULL._replace(attributes={"gpu": ""})
    room = decide([big, need("n", lack=Shortage.SLOT)], idle, full, ROOMY)
    assert stopped(room) == [["a", "b"]]
    assert room.pending == (preview_unit("hello", "n"),)


def test_a_place_among_all_is_none_in_the_limit_of_the_app_that_takes_it() -> None:
    """One of another app leaves it; so the next victim's place of its app is still free."""
    full = FULL._replace(attributes={"gpu": ""})
    idle = [tenant("a", 1.0, app="hello"), tenant("b", 2.0, app="hello", agent="agent-2")]
    needs = [
        need("m", lack=Shortage.SLOT),
        need("n", constraints=("gpu",)),
        need("o", lack=Shortage.APP_SLOT),
    ]
    room = plan(needs, [full, ROOMY], idle, draining=[tenant("d", 0.0, agent="agent-9")])
    assert stopped(room) == [["a"]]
    assert [unit.name for unit in room.pending] == ["m", "o"]


def test_each_reserved_preview_takes_one_of_the_slots_about_to_be_free() -> None:
    draining = [tenant("d", 0.0), tenant("e", 0.0)]
    reserved = [preview_unit("other", "z")]
    wanted = [need("m", lack=Shortage.SLOT), need("n", lack=Shortage.SLOT)]
    room = plan(wanted, [ROOMY], [tenant("a", 1.0)], draining=draining, reserved=reserved)
    assert room.pending == (preview_unit("hello", "m"),)
    assert stopped(room) == [["a"]]


@pytest.mark.parametrize(
    ("first", "then"),
    [
        ({"lack": Shortage.APP_SLOT}, {"lack": Shortage.APP_SLOT, "app": "shop"}),
        ({"lack": Shortage.APP_SLOT}, {"lack": Shortage.SLOT}),
        ({"mem": 9999}, {"mem": 128}),
        ({"ports": 9}, {"ports": 1}),
        ({"cpus": 9.0}, {"cpus": 0.1}),
    ],
)
def test_what_was_impossible_for_one_is_tried_for_a_preview_that_lacks_something_else(
    first: dict[str, Any], then: dict[str, Any]
) -> None:
    def lacking(sha: str, cpus: float = 0.1, **more: Any) -> UnmetDemand:
        found = need(sha, **more)
        return found._replace(demand=found.demand._replace(cpus=cpus))

    room = decide([lacking("m", **first), lacking("n", **then)], [tenant("a", 1.0, app="shop")])
    assert room.impossible == (preview_unit("hello", "m"),)
    assert stopped(room) == [["a"]]


def test_a_free_slot_is_for_only_one_preview() -> None:
    wanted = [need("m", lack=Shortage.SLOT), need("n", lack=Shortage.SLOT)]
    room = plan(wanted, [FULL, ROOMY], [tenant("a", 1.0)], draining=[tenant("d", 0.0)])
    assert room.pending == (preview_unit("hello", "m"),)
    assert stopped(room) == [["a"]]


def test_a_preview_that_could_not_help_one_may_stop_for_another() -> None:
    wanted = [need("m", mem=9999, lack=Shortage.APP_SLOT), need("n")]
    room = decide(wanted, [tenant("a", 1.0, app="hello")])
    assert room.impossible == (preview_unit("hello", "m"),)
    assert stopped(room) == [["a"]]


def test_no_more_room_is_made_on_an_agent_than_can_start_there() -> None:
    room = decide([need("m"), need("n")], [tenant("a", 1.0), tenant("b", 2.0)], Space("agent-1"))
    assert stopped(room) == [["a"]]
    assert room.impossible == (preview_unit("hello", "n"),)


AGENTS = ("agent-1", "agent-2", "agent-3")
APPS = ("hello", "other")
sizes = st.tuples(
    st.integers(1, 40).map(lambda n: n / 10), st.integers(1, 30).map(lambda n: n * 16)
)


@st.composite
def tenants(draw: st.DrawFn, prefix: str) -> list[Candidate]:
    keys = [(draw(st.sampled_from(APPS)), f"{prefix}{n}") for n in range(draw(st.integers(0, 8)))]
    return [
        Candidate(
            draw(st.sampled_from([Turn.IDLE, Turn.WARM])),
            draw(st.integers(0, 5)),
            preview_unit(*key),
            draw(st.sampled_from(AGENTS)),
            size(key[0], *draw(sizes)),
            None,
        )
        for key in keys
    ]


@st.composite
def all_needs(draw: st.DrawFn) -> list[UnmetDemand]:
    return [
        UnmetDemand(
            Demand(preview_unit(draw(st.sampled_from(APPS)), f"n{n}"), *draw(sizes)),
            draw(st.sampled_from([Shortage.ROOM, Shortage.SLOT, Shortage.APP_SLOT])),
        )
        for n in range(draw(st.integers(1, 4)))
    ]


spaces = st.tuples(
    *(
        st.builds(
            Space,
            st.just(agent),
            cpus=st.integers(0, 20).map(lambda n: n / 10),
            mem=st.integers(0, 20).map(lambda n: n * 16),
            ports=st.integers(0, 2),
            attributes=st.just({}),
            starts=st.integers(0, 3),
            leaving=st.booleans(),
        )
        for agent in AGENTS
    )
)


def fits(demand: Demand, space: Space, victims: Sequence[Candidate]) -> bool:
    there = [victim for victim in victims if victim.agent_id == space.agent_id]
    return (
        not space.leaving
        and space.starts > 0
        and space.ports + len(there) > 0
        and round(space.cpus + sum(v.taken()[0] for v in there), 3)
        >= round(demand.cpus + EXECUTOR_CPUS, 3)
        and space.mem + sum(v.taken()[1] for v in there) >= demand.mem + EXECUTOR_MEM
    )


def suffices(one: UnmetDemand, free: Sequence[Space], victims: Sequence[Candidate]) -> bool:
    slot = one.shortage is Shortage.ROOM or any(
        one.shortage is Shortage.SLOT or victim.unit.app == one.demand.unit.app
        for victim in victims
    )
    return slot and any(fits(one.demand, space, victims) for space in free)


@given(all_needs(), spaces, tenants("i"), tenants("d"))
def test_only_idle_previews_stop_and_each_once_and_all_reservations_fit_at_the_same_time(
    needs: list[UnmetDemand],
    free: tuple[Space, ...],
    idle: list[Candidate],
    draining: list[Candidate],
) -> None:
    room = plan(needs, free, idle, draining=draining)
    victims = [victim for plan in room.preemptions for victim in plan.victims]
    assert all(victim in idle for victim in victims)
    assert len({victim.unit for victim in victims}) == len(victims)
    answered = [*room.pending, *room.impossible, *(plan.demand.unit for plan in room.preemptions)]
    assert sorted(answered) == sorted(each.demand.unit for each in needs)
    sizes = {need.demand.unit: need.demand for need in needs}
    served = [sizes[k] for k in room.pending] + [plan.demand for plan in room.preemptions]
    mem = sum(s.mem for s in free) + sum(t.taken()[1] for t in (*victims, *draining))
    assert sum(demand.mem + EXECUTOR_MEM for demand in served) <= mem
    for space in free:
        on_it = [p.demand for p in room.preemptions if p.agent_id == space.agent_id]
        there = [t for t in (*victims, *draining) if t.agent_id == space.agent_id]
        free_mem = space.mem + sum(t.taken()[1] for t in there)
        assert sum(d.mem + EXECUTOR_MEM for d in on_it) <= free_mem
        assert len(on_it) <= space.ports + len(there)
        assert len(on_it) <= space.starts


@given(all_needs(), spaces, tenants("i"))
def test_exactly_enough_previews_stop_and_none_that_was_used_later_than_necessary(
    needs: list[UnmetDemand], free: tuple[Space, ...], idle: list[Candidate]
) -> None:
    one = needs[0]
    room = plan([one], free, idle)
    if room.pending:
        assert suffices(one, free, ())
    for each in room.preemptions:
        assert not suffices(one, free, ())
        assert suffices(one, free, each.victims)
        for victim in each.victims:
            assert not suffices(one, free, [v for v in each.victims if v is not victim])
        older = [tenant for tenant in idle if tenant < max(each.victims)]
        assert not suffices(one, free, older)
    if room.impossible:
        assert not suffices(one, free, idle)
