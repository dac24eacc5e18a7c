"""Jobs come in order, however they are kept; framework/jobs/queued_jobs.py has the lanes."""

import dataclasses
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from framework.jobs.queued_jobs import QueuedJobs, find_lane
from framework.jobs.ranks import STEP_SECONDS
from framework.matching.job_queue import JobQueue, list_waiting
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


@given(all_jobs(), st.sets(st.integers(0, 12)))
def test_after_a_refusal_only_jobs_that_want_something_else_come(
    jobs: list[JobRecord], refused: set[int]
) -> None:
    wanted, lanes = queue(keep(jobs)), set()
    come = []
    for demand in wanted:
        come.append(demand.unit.name)
        assert wanted.find_lane(demand.unit) not in lanes
        if int(demand.unit.name) in refused:
            wanted.refuse(demand)
            lanes.add(wanted.find_lane(demand.unit))
    expected, closed = [], set()
    for job in list_waiting(jobs, NOW):
        if find_lane(job) not in closed:
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
