"""Jobs go to idle executors of their app, which have resources of their own."""

from collections.abc import Sequence
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from framework.matching import resources
from framework.matching.agents import EXECUTOR_CPUS, EXECUTOR_MEM
from framework.matching.idle_executors import IdleExecutor, Sharing
from framework.matching.match import Demand, InUse, Match
from framework.matching.match import match as decide
from framework.matching.resources import Offer
from prevs.units import job_unit, preview_unit
from tests.fakes.offers import offer, quotas

HELLO = Sharing("hello", 1.0, stranger=False)
STRANGER = HELLO._replace(stranger=True)


def job(name: str = "j1", sharing: Sharing | None = HELLO, **more: Any) -> Demand:
    return Demand(job_unit("hello", name), 1.0, 128, ports=0, rank=1, sharing=sharing, **more)


def idle(name: str = "e1", agent: str = "agent-1", sharing: Sharing = HELLO) -> IdleExecutor:
    return IdleExecutor(name, agent, sharing)


def match(
    waiting: Sequence[Demand], offers: Sequence[Offer], *executors: IdleExecutor, **in_use: Any
) -> Match:
    found = InUse(idle=executors, **in_use)
    return decide(waiting, offers, found, quotas=quotas(max_jobs=99), now=5000.0)


def test_a_job_that_fits_only_without_an_executor_goes_to_an_idle_one() -> None:
    offers = [offer(cpus=1.0, mem=128)]
    assert match([job()], offers).launches == ()
    (launch,) = match([job()], offers, idle()).launches
    assert (launch.executor_id, launch.executor_resources) == ("e1", ())
    assert resources.totals(launch.task_resources) == (1.0, 128)


def test_each_executor_takes_one_the_last_that_became_idle_first() -> None:
    waiting = [job(name) for name in ("j1", "j2", "j3")]
    launches = match(waiting, [offer(cpus=3.02)], idle("e1"), idle("e2")).launches
    assert [launch.executor_id for launch in launches] == ["e2", "e1", ""]
    assert [bool(launch.executor_resources) for launch in launches] == [False, False, True]


def test_a_stranger_and_others_never_share_an_executor() -> None:
    offers = [offer(cpus=1.0)]
    assert match([job(sharing=STRANGER)], offers, idle()).launches == ()
    assert match([job()], offers, idle(sharing=STRANGER)).launches == ()
    assert match([job(sharing=None)], offers, idle()).launches == ()
    assert match([job(sharing=HELLO._replace(created=2.0))], offers, idle()).launches == ()


def test_what_is_refused_for_one_app_is_not_refused_for_another() -> None:
    other = HELLO._replace(app="other")
    launches = match([job("j1", other), job("j2")], [offer(cpus=1.0)], idle()).launches
    assert [launch.demand.unit.name for launch in launches] == ["j2"]


def test_the_agent_with_an_idle_executor_is_preferred() -> None:
    offers = [offer("o1", agent="agent-1", mem=1024), offer("o2", agent="agent-2", mem=4096)]
    (launch,) = match([job()], offers, idle(agent="agent-2")).launches
    assert (launch.agent_id, launch.executor_id) == ("agent-2", "e1")
    (launch,) = match([job(avoid_agent="agent-2")], offers, idle(agent="agent-2")).launches
    assert (launch.agent_id, launch.executor_id) == ("agent-1", "")


def test_an_agent_where_nothing_may_start_gets_none_for_its_idle_executor_either() -> None:
    assert match([job()], [offer()], idle(), unfit={"agent-1": "Docker"}).launches == ()
    assert match([job()], [offer(away=5001.0)], idle()).launches == ()


def test_a_job_on_revocable_cpus_gets_an_executor_on_such() -> None:
    (launch,) = match([job(preemptible=True)], [offer(revocable=2)], idle()).launches
    assert (launch.revocable, launch.executor_id) == (True, "")


def test_a_preemptible_job_without_memory_for_an_executor_goes_to_an_idle_one() -> None:
    offers = [offer(cpus=1.0, mem=128, revocable=2)]
    (launch,) = match([job(preemptible=True)], offers, idle()).launches
    assert (launch.revocable, launch.executor_id) == (False, "e1")


def test_a_preview_takes_no_executor() -> None:
    preview = Demand(preview_unit("hello", "a" * 40), cpus=1.0, mem=128)
    assert match([preview], [offer(cpus=1.0)], idle()).launches == ()


@given(
    st.lists(st.tuples(st.sampled_from([HELLO, STRANGER, None]), st.booleans()), max_size=8),
    st.lists(st.tuples(st.integers(1, 3), st.sampled_from([HELLO, STRANGER])), max_size=6),
    st.lists(st.integers(100, 400), min_size=3, max_size=3),
)
def test_no_executor_is_taken_twice_and_no_more_is_taken_than_offered(
    waiting: list[tuple[Sharing | None, bool]],
    executors: list[tuple[int, Sharing]],
    cpus: list[int],
) -> None:
    demands = [
        job(f"j{number}", sharing, preemptible=preemptible)
        for number, (sharing, preemptible) in enumerate(waiting)
    ]
    known = {f"e{n}": idle(f"e{n}", f"agent-{a}", s) for n, (a, s) in enumerate(executors)}
    offers = [
        offer(f"o{n}", agent=f"agent-{n}", cpus=each / 100, mem=600)
        for n, each in enumerate(cpus, 1)
    ]
    launches = match(demands, offers, *known.values()).launches
    taken = [launch.executor_id for launch in launches if launch.executor_id]
    assert len(taken) == len(set(taken))
    for launch in launches:
        found = known.get(launch.executor_id)
        expected: tuple[float, float] = (0, 0) if found else (EXECUTOR_CPUS, EXECUTOR_MEM)
        assert resources.totals(launch.executor_resources) == expected
        if found:
            assert (found.agent_id, found.sharing) == (launch.agent_id, launch.demand.sharing)
    for number, each in enumerate(cpus, 1):
        there = [launch for launch in launches if launch.agent_id == f"agent-{number}"]
        parts = [r for one in there for r in (*one.task_resources, *one.executor_resources)]
        assert resources.total(parts, "cpus") <= each / 100
        assert resources.total(parts, "mem") <= 600
