"""With a role of their own, jobs use its offers alone, and previews only the others."""

from collections.abc import Sequence
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from framework.matching import resources
from framework.matching.agents import EXECUTOR_CPUS, EXECUTOR_MEM
from framework.matching.limits import Limits
from framework.matching.match import CLAIM_SECONDS, Demand, InUse, Match, Rank
from framework.matching.match import match as decide
from framework.matching.resources import Offer
from prevs.units import UnitKind, job_unit, preview_unit
from tests.fakes.offers import offer, quotas

NOW = 5000.0
ROLE = "prevs-jobs"
PREVIEW, JOB = preview_unit("hello", "a" * 40), job_unit("hello", "j1")


def preview(sha: str = "a" * 40, mem: int = 128, **more: Any) -> Demand:
    return Demand(preview_unit("hello", sha), cpus=0.1, mem=mem, **{"since": NOW, **more})


def job(name: str = "j1", mem: int = 128) -> Demand:
    return Demand(job_unit("hello", name), cpus=0.1, mem=mem, ports=0, rank=1, since=NOW)


def match(
    waiting: Sequence[Demand], offers: Sequence[Offer], limits: Limits | None = None
) -> Match:
    left = quotas(limits=limits, max_jobs=1000)
    return decide(waiting, offers, InUse(), quotas=left, now=NOW, jobs_role=ROLE)


def roles(made: Match) -> dict[str, set[str]]:
    """Return the roles of what each launched unit and its executor take."""
    return {
        launch.demand.unit.name: {
            resource.terms["allocation_info"]["role"]
            for resource in (*launch.task_resources, *launch.executor_resources)
        }
        for launch in made.launches
    }


def test_each_takes_resources_of_its_role_also_on_one_agent() -> None:
    made = match([preview(), job()], [offer("o1"), offer("o2", role=ROLE)])
    assert roles(made) == {"a" * 40: {"prevs"}, "j1": {ROLE}}


def test_no_job_uses_an_offer_to_the_role_of_previews_and_its_reason_names_the_role() -> None:
    made = match([job()], [offer()])
    assert made.launches == ()
    assert made.refusals[JOB].reason == (
        "No agent offers anything now. Jobs get only what Mesos offers to the role prevs-jobs; an "
        "operator can raise its quota."
    )


def test_no_preview_uses_an_offer_to_the_role_of_jobs() -> None:
    made = match([preview()], [offer(role=ROLE)])
    assert made.launches == ()
    assert made.refusals[PREVIEW].reason == "No agent offers anything now."


def test_both_share_the_starts_of_an_agent() -> None:
    limits = Limits(starts_per_agent=2, starts_per_app=9)
    offers = [offer("o1"), offer("o2", role=ROLE)]
    made = match([preview(), job("j1"), job("j2")], offers, limits)
    assert set(roles(made)) == {"a" * 40, "j1"}
    assert "is starting others now" in made.refusals[job_unit("hello", "j2")].reason


def test_jobs_leave_what_a_visitor_waits_for_but_not_for_long() -> None:
    room = 128 + EXECUTOR_MEM
    one, two = offer(mem=room, role=ROLE), offer(mem=2 * room, role=ROLE)
    assert not match([preview(), job()], [one]).launches
    assert set(roles(match([preview(), job()], [two]))) == {"j1"}
    for old in (preview(since=NOW - CLAIM_SECONDS), preview(rank=Rank.AHEAD), preview(mem=4096)):
        waiting = sorted([old, job()], key=lambda demand: demand.rank)
        assert set(roles(match(waiting, [one]))) == {"j1"}


def test_a_job_that_waits_for_its_quota_holds_up_no_build_ahead() -> None:
    made = match([job(mem=4000), preview(rank=Rank.AHEAD)], [offer()])
    assert set(roles(made)) == {"a" * 40}


def test_what_jobs_leave_counts_as_free() -> None:
    """Else something would stop for the visitor whose room it is."""
    made = match([preview()], [offer(mem=500, role=ROLE)])
    assert made.agents["agent-1"].mem == 500
    assert made.agents["agent-1"].cpus == 4


SIZES = st.sampled_from([64, 128, 256, 700])
OFFERS = st.lists(
    st.tuples(st.sampled_from(["prevs", ROLE]), st.integers(1, 3), SIZES, st.sampled_from([1, 9])),
    max_size=6,
)
WAITING = st.lists(st.tuples(st.booleans(), SIZES), max_size=8)


@given(OFFERS, WAITING)
def test_nothing_is_taken_twice_and_nothing_of_the_other_role(
    offered: list[tuple[str, int, int, int]], wanted: list[tuple[bool, int]]
) -> None:
    offers = [
        offer(f"o{n}", agent=f"agent-{a}", host=f"127.0.0.{a}", mem=mem, cpus=cpus, role=role)
        for n, (role, a, mem, cpus) in enumerate(offered)
    ]
    previews = [preview(f"{n:040x}", mem) for n, (is_job, mem) in enumerate(wanted) if not is_job]
    jobs = [job(f"j{n}", mem) for n, (is_job, mem) in enumerate(wanted) if is_job]
    made = match([*previews, *jobs], offers, Limits(starts_per_agent=9, starts_per_app=9))
    assert len(made.launches) + len(made.refusals) == len(wanted)
    for launch in made.launches:
        role = ROLE if launch.demand.unit.kind is UnitKind.JOB else "prevs"
        assert roles(made)[launch.demand.unit.name] == {role}
    for agent in {one.agent_id for one in offers}:
        taken = [launch for launch in made.launches if launch.agent_id == agent]
        for name, of_executor in (("mem", EXECUTOR_MEM), ("cpus", EXECUTOR_CPUS)):
            had = sum(resources.total(o.resources, name) for o in offers if o.agent_id == agent)
            used = sum(resources.total(launch.task_resources, name) for launch in taken)
            left = getattr(made.agents[agent], name)
            assert abs(had - used - len(taken) * of_executor - left) < 0.001
