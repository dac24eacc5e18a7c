"""Jobs come in order, however they are kept; framework/jobs/queued_jobs.py has the lanes."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework.jobs.queued_jobs import QueuedJobs, find_lane
from framework.jobs.ranks import STEP_SECONDS
from framework.matching.idle_executors import Sharing
from framework.matching.job_queue import JobQueue, find_sharing, list_waiting
from prevs.job_settings import JobSettings
from prevs.jobs import JobRecord
from prevs.records import AppRecord
from prevs.units import job_unit

APPS = {name: AppRecord(name, "/srv/git") for name in ("hello", "shop")}
NOW = 10 * STEP_SECONDS


@st.composite
def all_jobs(draw: st.DrawFn, exclusive: Sequence[str] = ("",)) -> list[JobRecord]:
    return [
        JobRecord(
            draw(st.sampled_from(sorted(APPS))),
            f"{number}",
            "a" * 40,
            "main",
            JobSettings(
                ("x",),
                mem=draw(st.sampled_from([64, 128])),
                priority=draw(st.integers(0, 2)),
                exclusive=draw(st.sampled_from(exclusive)),
                expires=draw(st.sampled_from([0.0, 600.0])),
            ),
            created=draw(st.integers(0, 10)) * STEP_SECONDS / 2,
            retry_at=draw(st.sampled_from([0.0, NOW - 1, NOW + 1])),
        )
        for number in range(draw(st.integers(0, 12)))
    ]


def keep(jobs: Sequence[JobRecord]) -> QueuedJobs:
    queued = QueuedJobs()
    for job in jobs:
        queued.put(job)
    return queued


def queue(queued: QueuedJobs, reserved: Sequence[JobRecord] = ()) -> JobQueue:
    return JobQueue(APPS, queued.lanes(NOW), with_task=(), reserved=reserved, now=NOW)


@given(all_jobs(), st.data())
def test_jobs_that_are_placed_come_in_the_order_of_their_ranks(
    jobs: list[JobRecord], data: st.DataObject
) -> None:
    reserved = [job for job in jobs if job.retry_at <= NOW and data.draw(st.booleans())][:2]
    come = [demand.unit.name for demand in queue(keep(jobs), reserved)]
    assert come == [job.id for job in list_waiting(jobs, NOW)]


@given(all_jobs(), st.sets(st.integers(0, 12)), st.sets(st.integers(0, 12), max_size=3))
def test_after_a_refusal_only_reserved_jobs_come_and_those_that_want_something_else(
    jobs: list[JobRecord], refused: set[int], reserved: set[int]
) -> None:
    waiting = list_waiting(jobs, NOW)
    wanted = queue(keep(jobs), [job for job in waiting if int(job.id) in reserved])
    come = []
    for demand in wanted:
        come.append(demand.unit.name)
        if int(demand.unit.name) in refused:
            wanted.refuse(demand)
    expected, closed = [], set()
    for job in waiting:
        if int(job.id) in reserved:
            expected.append(job.id)  # on its own agent: a refusal there says nothing of others
        elif find_lane(job) not in closed:
            expected.append(job.id)
            if int(job.id) in refused:
                closed.add(find_lane(job))
    assert come == expected


@given(all_jobs(exclusive=("", "db")), st.booleans())
def test_of_a_group_one_comes_and_each_lane_says_so(jobs: list[JobRecord], runs: bool) -> None:
    running = JobRecord("hello", "r", "a" * 40, "main", JobSettings(("x",), exclusive="db"))
    lanes = keep(jobs).lanes(NOW)
    wanted = JobQueue(APPS, lanes, with_task=[running] if runs else [], now=NOW)
    come = [demand.unit for demand in wanted]
    known = {job_unit(job.app, job.id): job for job in jobs}
    for app in APPS:
        group = [unit for unit in come if unit.app == app and known[unit].terms.exclusive]
        waits = [one for one in list_waiting(jobs, NOW) if one.app == app and one.terms.exclusive]
        assert len(group) == min(len(waits), 0 if runs and app == "hello" else 1)
    assert all("'db'" in why for why in wanted.held_back.values())
    assert not set(come) & wanted.held_back.keys()


@given(all_jobs(), st.lists(st.tuples(st.integers(0, 11), st.booleans()), max_size=12))
def test_what_was_dropped_or_replaced_is_nowhere_else(
    jobs: list[JobRecord], story: list[tuple[int, bool]]
) -> None:
    queued, left = keep(jobs), {int(job.id): job for job in jobs}
    for number, is_replaced in story:
        if number not in left:
            continue
        queued.drop(left[number])
        if is_replaced:
            left[number] = dataclasses.replace(left[number], reason="x", retry_at=0.0)
            queued.put(left[number])
        else:
            del left[number]
    come = [demand.unit.name for demand in queue(queued)]
    assert come == [job.id for job in list_waiting(left.values(), NOW)]
    kept = [job for app in queued.apps for job in queued.of_app(app)]
    assert sorted(kept, key=lambda job: int(job.id)) == [left[n] for n in sorted(left)]
    late = [job for job in left.values() if job.terms.expires and job.created + 600.0 <= NOW]
    for _ in range(2):  # until they are dropped
        assert sorted(job.id for job in queued.expired(NOW)) == sorted(job.id for job in late)


def job(name: str = "j1", app: str = "hello", **terms: Any) -> JobRecord:
    return JobRecord(app, name, "a" * 40, "main", JobSettings(("x",), **terms), created=NOW)


def test_a_demand_of_a_job_has_its_terms_and_otherwise_those_of_its_app() -> None:
    app = AppRecord("hello", "/srv/git", cpus=0.5, mem=256, constraints=("gpu",))
    plain = dataclasses.replace(
        job(), agent_id="agent-1", avoid_agent="agent-2", changed=NOW - 9, retry_at=NOW - 5
    )
    own = job("j2", cpus=0.25, mem=64, preemptible=True)
    one, two = JobQueue({"hello": app}, keep([plain, own]).lanes(NOW), with_task=(), now=NOW)
    assert (one.cpus, one.mem, one.ports) == (0.5, 256, 0)
    assert (two.cpus, two.mem, two.ports) == (0.25, 64, 0)
    assert (one.preemptible, two.preemptible) == (False, True)
    assert (one.image_agent, one.avoid_agent) == ("agent-1", "agent-2")
    assert (one.constraints, one.since, one.rank) == (("gpu",), NOW - 5, 3)
    assert one.sharing == Sharing("hello", app.created, stranger=False)


@pytest.mark.parametrize(
    ("terms", "shares"), [({}, True), ({"once": True}, False), ({"exclusive": "db"}, False)]
)
def test_a_job_that_may_not_run_twice_shares_no_executor(
    terms: dict[str, Any], shares: bool
) -> None:
    assert (find_sharing(APPS["hello"], job(**terms)) is not None) is shares


def test_a_job_whose_app_cannot_be_read_is_held_back_with_a_reason() -> None:
    wanted = queue(keep([job(app="gone")]))
    assert list(wanted) == []
    assert wanted.held_back == {job_unit("gone", "j1"): "The settings of its app cannot be read."}


def test_a_refused_job_leaves_its_group_to_the_next_that_fits() -> None:
    large, small = job("j1", exclusive="db", mem=128), job("j2", exclusive="db", mem=64)
    wanted = queue(keep([large, small]))
    come = []
    for demand in wanted:
        come.append(demand.unit.name)
        if demand.mem == 128:
            wanted.refuse(demand)
    assert come == ["j1", "j2"]
    assert wanted.held_back == {}


def test_a_job_of_a_schedule_waits_for_the_one_before_by_its_name() -> None:
    of_schedule = dataclasses.replace(job("j2", exclusive="schedule:nightly"), schedule="nightly")
    for waits, why in (
        (of_schedule, "A job of its schedule 'nightly' runs; it starts after that, as they run "
         "one at a time."),
        (job("j2", exclusive="db"), "Another job of its group 'db' runs; it starts after that."),
    ):  # fmt: skip
        lanes = keep([waits]).lanes(NOW)
        wanted = JobQueue(APPS, lanes, with_task=[dataclasses.replace(waits, id="j1")], now=NOW)
        assert list(wanted) == []
        assert wanted.held_back == {job_unit("hello", "j2"): why}


def test_a_queue_is_empty_without_lanes_and_reserved_jobs() -> None:
    assert not queue(keep([]))
    assert queue(keep([job()]))
    assert queue(keep([]), [job()])
