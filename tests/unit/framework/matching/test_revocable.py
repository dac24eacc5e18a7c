"""Preemptible jobs take CPUs that Mesos may take back; nothing else does."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework.matching import resources
from framework.matching.agents import EXECUTOR_CPUS
from framework.matching.match import Demand, InUse, Launch, Match
from framework.matching.match import match as decide
from framework.matching.resources import Offer
from prevs.units import job_unit, preview_unit
from tests.fakes.offers import offer, quotas

NOW = 5000.0
PREVIEW = Demand(preview_unit("hello", "a" * 40), cpus=1.0, mem=128)


def job(name: str = "j1", *, cpus: float = 1.0, preemptible: bool = True, **more: Any) -> Demand:
    unit = job_unit("hello", name)
    return Demand(unit, cpus, 128, ports=0, rank=1, preemptible=preemptible, **more)


def match(waiting: Sequence[Demand], offers: Sequence[Offer]) -> Match:
    return decide(waiting, offers, InUse(), quotas=quotas(max_jobs=99), now=NOW)


def kinds(launch: Launch) -> set[tuple[str, bool]]:
    """Return which resources a launch takes, and whether these are revocable."""
    taken = (*launch.task_resources, *launch.executor_resources)
    return {(resource.name, "revocable" in resource.terms) for resource in taken}


def test_a_preemptible_job_takes_revocable_cpus_for_its_executor_too_and_lasting_memory() -> None:
    (launch,) = match([job()], [offer(revocable=2)]).launches
    assert launch.revocable
    assert kinds(launch) == {("cpus", True), ("mem", False)}
    assert resources.total(launch.task_resources, "cpus") == 1
    assert resources.total(launch.executor_resources, "cpus") == EXECUTOR_CPUS


@pytest.mark.parametrize("demand", [PREVIEW, job(preemptible=False)], ids=["preview", "job"])
def test_nothing_else_takes_them_even_if_nothing_else_is_there(demand: Demand) -> None:
    assert match([demand], [offer(cpus=0.5, revocable=2)]).refusals[demand.unit].reason == (
        "No agent has 1 CPUs free; the most is 0.49."
    )
    (launch,) = match([demand], [offer(revocable=2)]).launches
    assert not launch.revocable
    assert ("cpus", True) not in kinds(launch)


def test_without_enough_of_them_it_takes_others_and_mixes_none() -> None:
    (launch,) = match([job()], [offer(cpus=2, revocable=1)]).launches
    assert not launch.revocable
    assert kinds(launch) == {("cpus", False), ("mem", False)}
    assert match([job()], [offer(cpus=0.6, revocable=0.6)]).launches == ()


def test_an_agent_that_has_some_is_preferred() -> None:
    offers = [offer("o1", mem=300), offer("o2", agent="agent-2", revocable=2)]
    (launch,) = match([job(previous_agents=frozenset({"agent-1"}))], offers).launches
    assert launch.agent_id == "agent-2"


def test_what_is_taken_back_some_day_is_no_room_for_others() -> None:
    made = match([job()], [offer(cpus=4, revocable=2)])
    assert (made.agents["agent-1"].cpus, made.agents["agent-1"].space(1).cpus) == (4, 4)
    assert made.agents["agent-1"].revocable_cpus == 2 - 1 - EXECUTOR_CPUS


SIZES = st.sampled_from([0.1, 0.5, 1.0])


@given(
    st.lists(st.tuples(st.integers(1, 3), SIZES, st.sampled_from([0.0, 0.2, 2.0])), max_size=5),
    st.lists(st.tuples(st.booleans(), SIZES), max_size=6),
)
def test_cpus_are_never_mixed_and_never_taken_twice(
    offered: list[tuple[int, float, float]], wanted: list[tuple[bool, float]]
) -> None:
    offers = [
        offer(f"o{n}", agent=f"agent-{a}", host=f"127.0.0.{a}", cpus=cpus, revocable=revocable)
        for n, (a, cpus, revocable) in enumerate(offered)
    ]
    demands = [job(f"j{n}", cpus=cpus, preemptible=gives) for n, (gives, cpus) in enumerate(wanted)]
    made = match(demands, offers)
    left = dict.fromkeys(made.agents, 0.0), dict.fromkeys(made.agents, 0.0)
    for one in offers:
        left[False][one.agent_id] += resources.total(one.resources, "cpus")
        left[True][one.agent_id] += resources.total(one.revocable, "cpus")
    for launch in made.launches:
        of_cpus = {revocable for name, revocable in kinds(launch) if name == "cpus"}
        assert of_cpus == {launch.revocable}
        assert launch.demand.preemptible or not launch.revocable
        left[launch.revocable][launch.agent_id] -= launch.demand.cpus + EXECUTOR_CPUS
    for agent in made.agents.values():
        assert abs(agent.cpus - left[False][agent.id]) < 0.001
        assert abs(agent.revocable_cpus - left[True][agent.id]) < 0.001
