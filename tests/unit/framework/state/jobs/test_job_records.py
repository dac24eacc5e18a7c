import dataclasses
from typing import Any

import pytest

from framework.errors import Unavailable
from framework.jobs import ended_jobs
from framework.jobs.conventions import IRONWORKER
from framework.jobs.errors import UnknownJob
from framework.jobs.transitions import Finished, Reported
from framework.state.jobs.job_records import JobRecords
from framework.units.lifecycle import Event, IllegalTransition
from framework.units.reasons import Reason, ReasonKind
from framework.units.transitions import Launched, Stopped
from prevs.job_settings import JobSettings
from prevs.jobs import JobRecord, JobState, PayloadRecord, ResultRecord
from tests.fakes.clock import FakeClock
from tests.fakes.job_store import FakeJobStore

CANCELLED = Stopped(Reason(ReasonKind.STOPPED, "Somebody has cancelled it."))
LAUNCHED = Launched(f"shop.{'b' * 40}.k3j9x0q2ab", "agent-1", "10.0.0.1")


def _job(number: int = 1, **fields: Any) -> JobRecord:
    job = JobRecord("shop", f"{number:016d}", "b" * 40, "main", JobSettings(("true",)))
    return dataclasses.replace(job, **fields)


class World:
    """A framework's jobs, and another framework that takes over from the same store."""

    def __init__(self) -> None:
        self.store = FakeJobStore()
        self.clock = FakeClock()
        self.records = self.take_over()

    def take_over(self) -> JobRecords:
        self.store = FakeJobStore(self.store.places)
        self.records = JobRecords(self.store.load(), self.store, self.clock.clock)
        return self.records

    def run(self, job: JobRecord, result: ResultRecord | None = None) -> JobRecord:
        """Take a queued job to its end."""
        placed = self.records.change(job, LAUNCHED)
        size = len(result.data) if result else 0
        return self.records.change(placed, Finished(size=size), result=result)


@pytest.fixture
def world() -> World:
    return World()


def test_a_job_is_found_by_its_id_its_task_its_group_and_its_state(world: World) -> None:
    (job,) = world.records.add_all([_job(group="nightly")], {})
    placed = world.records.change(job, LAUNCHED)
    for records in (world.records, world.take_over()):
        assert records.job("shop", job.id) == placed
        assert records.of_task(LAUNCHED.task_id) == placed
        assert list(records.of_group("shop", "nightly")) == [placed]
        assert list(records.in_state(JobState.PLACED)) == [placed]
        assert records.counts()[JobState.QUEUED] == 0


def test_a_task_leads_to_its_job_only_while_it_may_exist(world: World) -> None:
    (job,) = world.records.add_all([_job()], {})
    ended = world.run(job)
    assert ended.state is JobState.SUCCEEDED
    assert world.records.of_task(LAUNCHED.task_id) is None


def test_a_job_that_is_there_already_stays_as_it_is(world: World) -> None:
    (first,) = world.records.add_all([_job(by="one")], {})
    world.take_over()
    again, other = world.records.add_all([_job(by="two"), _job(2)], {})
    assert again == first
    assert other.id != first.id
    assert len(world.records.shown) == 2


def test_an_illegal_event_changes_nothing(world: World) -> None:
    (job,) = world.records.add_all([_job()], {})
    with pytest.raises(IllegalTransition):
        world.records.change(job, Reported(Event.RUNS, 5.0))
    assert world.records.job("shop", job.id) == job


def test_an_unknown_job_says_where_to_look(world: World) -> None:
    with pytest.raises(UnknownJob, match="prevs job ls shop"):
        world.records.job("shop", "x")


def test_a_job_whose_write_got_no_answer_is_not_there(world: World) -> None:
    world.store.loses_answers = True
    payload = PayloadRecord("shop", _job().id, "sealed")
    with pytest.raises(Unavailable):
        world.records.add_all([_job(has_payload=True)], {payload.id: payload})
    assert world.store.places
    world.store.loses_answers = False
    world.records.rewrite_unconfirmed()
    assert not world.store.places
    assert not world.records.shown


def test_a_change_whose_write_got_no_answer_is_undone(world: World) -> None:
    (job,) = world.records.add_all([_job()], {})
    world.store.loses_answers = True
    with pytest.raises(Unavailable):
        world.records.change(job, CANCELLED)
    world.store.loses_answers = False
    world.records.rewrite_unconfirmed()
    assert world.take_over().job("shop", job.id) == job


def test_a_payload_goes_soon_after_its_job_has_ended(world: World) -> None:
    payload = PayloadRecord("shop", _job().id, "sealed")
    (job,) = world.records.add_all([_job(has_payload=True)], {payload.id: payload})
    world.records.tidy()
    assert world.records.payload(job) == payload
    ended = world.run(job)
    # The leader dies before it has removed it.
    world.take_over().tidy()
    assert world.records.payload(ended) is None
    assert world.records.job("shop", job.id) == ended


def test_the_payload_of_an_ironworker_task_stays_for_a_retry(world: World) -> None:
    payload = PayloadRecord("shop", _job().id, "sealed")
    asked = _job(has_payload=True, convention=IRONWORKER)
    (job,) = world.records.add_all([asked], {payload.id: payload})
    world.run(job)
    world.take_over().tidy()
    assert world.records.payload(job) == payload


def test_hundreds_of_ended_jobs_are_read_from_blocks_when_somebody_asks(world: World) -> None:
    for number in range(2 * ended_jobs.BLOCK + 1):
        (job,) = world.records.add_all([_job(number)], {})
        world.run(job, ResultRecord("shop", job.id, "x" * 10))
        world.records.tidy()
    world.take_over()
    assert len(world.records.shown) == 1
    assert world.store.reads == 0
    first = world.records.job("shop", f"{0:016d}")
    assert first.state is JobState.SUCCEEDED
    assert world.records.result(first) == ResultRecord("shop", first.id, "x" * 10)
    assert [job.id for job in world.records.archived("shop")] == [
        f"{number:016d}" for number in range(2 * ended_jobs.BLOCK)
    ]
    # A request that is repeated days later still finds its job.
    assert world.records.add_all([_job(0)], {}) == [first]


def test_an_app_keeps_its_last_thousand_jobs_and_nothing_of_the_others(world: World) -> None:
    number = ended_jobs.KEPT + 2 * ended_jobs.BLOCK
    jobs = [
        _job(one, state=JobState.SUCCEEDED, result_size=5000, changed=1e6) for one in range(number)
    ]
    world.records.add_all(jobs, {})
    for job in jobs:
        world.store.write([ResultRecord("shop", job.id, "x")])
    for _ in range(number // ended_jobs.BLOCK):
        world.records.tidy()
    kept = world.records.archived("shop")
    assert [job.id for job in kept] == [job.id for job in jobs[-ended_jobs.KEPT :]]
    assert len(world.store.places) == ended_jobs.KEPT + ended_jobs.KEPT // ended_jobs.BLOCK


def test_what_ended_a_week_ago_is_removed(world: World) -> None:
    (job,) = world.records.add_all([_job()], {})
    world.run(job, ResultRecord("shop", job.id, "x" * 10))
    world.clock.pass_seconds(ended_jobs.KEPT_SECONDS + 1)
    world.records.tidy()
    assert not world.store.places
    assert world.records.find("shop", job.id) is None


def test_an_app_that_is_removed_leaves_nothing(world: World) -> None:
    jobs = [_job(one, state=JobState.SUCCEEDED, changed=1e6) for one in range(ended_jobs.BLOCK + 3)]
    world.records.add_all(jobs, {})
    world.records.tidy()
    world.take_over().remove_of("shop")
    assert not world.store.places
    assert not world.records.archived("shop")
    world.records.add_all([_job()], {})
