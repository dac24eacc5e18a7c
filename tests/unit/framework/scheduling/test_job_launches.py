"""Which waiting jobs end, which may start, and what their tasks are told, in a driven service."""

import dataclasses
from concurrent.futures import Future
from typing import Any

import pytest

from framework import events
from framework.apps.app_secrets import Variable
from framework.errors import Unavailable
from framework.jobs.orders import JobOrder
from prevs.job_settings import JobSettings
from prevs.jobs import JobRecord, JobState
from prevs.pulls import PullRecord, RepositoryRecord
from prevs.states import Cause
from program.settings.keys import new_key
from tests.fakes.driven import APP, A, B, C, Driven
from tests.fakes.driven_jobs import Jobs
from tests.fakes.mishaps import Fate
from tests.fakes.offers import offer

V = Variable("hunter2")
FULL: dict[str, Any] = {"mem": 9999}
"""More than any agent offers."""
HEADS = {7: B, 8: C}
"""The heads of two pull requests."""


@pytest.fixture
def jobs(driven: Driven) -> Jobs:
    driven.add_app(dataclasses.replace(APP, name="other"))
    return Jobs(driven)


def states(jobs: Jobs, *ids: str, app: str = "hello") -> list[JobState]:
    return [jobs.find(job_id, app).state for job_id in ids]


def why_failed(job: JobRecord, cause: Cause) -> str:
    assert job.state is JobState.FAILED
    assert job.failure is not None
    assert job.failure.cause is cause
    return job.failure.message


def expiring(jobs: Jobs, number: int, starts_in: float = 0.0) -> str:
    """Request a job that has to start within a minute."""
    terms = JobSettings(("true",), expires=60.0, **FULL)
    order = JobOrder(f"e{number:015d}", "hello", "main", A, terms, starts_in=starts_in)
    jobs.driven.call(lambda: jobs.driven.service.job_commands.request([order]))
    return order.id


def test_jobs_that_expire_say_what_the_first_of_their_kind_waited_for(jobs: Jobs) -> None:
    first, behind = expiring(jobs, 1), expiring(jobs, 2)
    jobs.offer()
    assert jobs.find(first).reason
    assert not jobs.find(behind).reason
    jobs.driven.tick(59.0)
    assert states(jobs, first, behind) == [JobState.QUEUED] * 2
    jobs.driven.tick(1.0)
    for job_id in (first, behind):
        assert why_failed(jobs.find(job_id), Cause.EXPIRED) == (
            "It could not start within 60 s. No agent has 9999 MB free; the most is 4032."
        )


def test_a_job_that_expires_before_anything_was_tried_says_no_more_than_that(jobs: Jobs) -> None:
    job_id = expiring(jobs, 1)
    jobs.driven.tick(60.0)
    assert why_failed(jobs.find(job_id), Cause.EXPIRED) == "It could not start within 60 s."


def test_a_job_that_expires_in_its_delay_says_so(jobs: Jobs) -> None:
    job_id = expiring(jobs, 1, starts_in=90.0)
    jobs.driven.tick(60.0)
    assert why_failed(jobs.find(job_id), Cause.EXPIRED) == (
        "It could not start within 60 s. It was requested to start 90 s later."
    )


def test_nothing_of_a_removed_app_starts_though_its_removal_could_not_be_written(
    jobs: Jobs,
) -> None:
    gone = [jobs.request() for _ in range(2)]
    stays = jobs.request(app="other")
    jobs.driven.mishaps.plan([Fate.GOOD, Fate.REFUSED])
    remove = events.Call(lambda: jobs.driven.service.commands.remove_app("hello"), Future())
    jobs.driven.step(remove, events.Offered([offer()]))
    for job_id in gone:
        job = jobs.driven.records.jobs.job("hello", job_id)
        assert (job.state, job.reason) == (JobState.CANCELLED, "Its app is being removed.")
    assert states(jobs, stays, app="other") == [JobState.PLACED]


def test_all_waiting_jobs_of_an_app_fail_whose_secrets_cannot_be_opened(jobs: Jobs) -> None:
    ids = [jobs.request(**FULL) for _ in range(2)]
    other = jobs.request(app="other")
    commands = jobs.driven.service.commands
    jobs.driven.call(
        lambda: commands.change_secrets(
            "hello", lambda given: dataclasses.replace(given, credential=None, variables={"A": V})
        )
    )
    later = Jobs(Driven(jobs.driven.znodes, jobs.driven.clock, keys=(new_key(),)))
    later.offer()
    for job_id in ids:
        why = why_failed(later.find(job_id), Cause.SETTINGS_INVALID)
        assert "PREVS_KEY_FILE" in why
    assert states(later, other, app="other") == [JobState.PLACED]


def of_pulls(jobs: Jobs, *numbers: int) -> list[str]:
    """Request a job of the head of each of these pull requests; return their ids."""
    orders = [
        JobOrder(
            f"p{at:015d}",
            "hello",
            f"pr-{number}",
            HEADS[number],
            JobSettings(("true",), **FULL),
            refs=(f"pull/{number}",),
        )
        for at, number in enumerate(numbers)
    ]
    jobs.driven.call(lambda: jobs.driven.service.job_commands.request(orders))
    return [order.id for order in orders]


def follow(jobs: Jobs) -> None:
    """Follow two pull requests of forks, whose heads somebody has approved."""
    jobs.driven.call(
        lambda: jobs.driven.service.commands.change_app(
            "hello", {"pulls": "all", "forks": "approve"}
        )
    )
    pulls = [
        PullRecord("hello", number, sha, f"pull/{number}/head", approved_commit=sha)
        for number, sha in HEADS.items()
    ]
    jobs.driven.call(lambda: jobs.driven.records.pulls.save_all(pulls))


def change_pull(jobs: Jobs, number: int, **changes: Any) -> None:
    pulls = jobs.driven.records.pulls
    changed = dataclasses.replace(pulls.find_open("hello", number), **changes)
    jobs.driven.call(lambda: pulls.save_all([changed]))


def test_all_jobs_of_a_pull_request_fail_that_is_closed_and_no_others(jobs: Jobs) -> None:
    follow(jobs)
    gone, stays, gone_too = of_pulls(jobs, 7, 8, 7)
    branch = jobs.request(**FULL)
    change_pull(jobs, 7, closed=jobs.driven.clock.seconds)
    for job_id in (gone, gone_too):
        assert "7" in why_failed(jobs.find(job_id), Cause.SETTINGS_INVALID)
    assert states(jobs, stays, branch) == [JobState.QUEUED] * 2


def test_all_jobs_of_a_fork_wait_as_what_its_pull_request_is_now(jobs: Jobs) -> None:
    follow(jobs)
    ids = of_pulls(jobs, 7, 8, 7)
    assert [jobs.find(job_id).stranger for job_id in ids] == [True] * 3
    change_pull(jobs, 7, is_fork=False)
    assert [jobs.find(job_id).stranger for job_id in ids] == [False, True, False]


def test_nothing_that_waits_starts_of_a_repository_that_has_taken_the_address(jobs: Jobs) -> None:
    ids, other = [jobs.request(**FULL) for _ in range(2)], jobs.request(app="other", **FULL)
    taken = RepositoryRecord("hello", APP.repository, "7", found="99")
    jobs.driven.call(lambda: jobs.driven.records.repositories.save(taken))
    for job_id in ids:
        why = why_failed(jobs.find(job_id), Cause.SETTINGS_INVALID)
        assert "another repository at the address of 'hello'" in why
    assert states(jobs, other, app="other") == [JobState.QUEUED]


def test_jobs_of_an_app_that_cannot_be_read_wait_and_say_so(jobs: Jobs) -> None:
    follow(jobs)
    ids = [*of_pulls(jobs, 7), jobs.request()]
    del jobs.driven.znodes.records["apps", "hello"]
    later = Jobs(Driven(jobs.driven.znodes, jobs.driven.clock))
    later.offer()
    for job_id in ids:
        assert later.find(job_id).state is JobState.QUEUED
        assert later.find(job_id).reason == "The settings of its app cannot be read."


@pytest.mark.parametrize("is_there", [True, False])
def test_a_job_whose_payload_cannot_be_opened_fails_and_the_next_one_starts(
    jobs: Jobs, is_there: bool
) -> None:
    broken, whole = jobs.request(payload=b"in"), jobs.request()
    if not is_there:
        del jobs.driven.znodes.jobs["payload", "hello", broken]
    later = Jobs(Driven(jobs.driven.znodes, jobs.driven.clock, keys=(new_key(),)))
    later.offer()
    why = why_failed(later.find(broken), Cause.SETTINGS_INVALID)
    assert why == "What it was given cannot be read. Start a new job with the same payload."
    assert later.find(broken).tries == 0
    assert later.find(whole).state is JobState.PLACED
    (task,) = later.driven.cluster.tasks
    assert task.id == later.find(whole).task_id


def lingers(jobs: Jobs) -> list[bool]:
    works = [task.order.work for task in jobs.driven.cluster.tasks]
    return [work is not None and work.linger > 0 for work in works]


def test_an_executor_waits_for_the_next_job_of_its_app_unless_mesos_may_take_it_back(
    jobs: Jobs,
) -> None:
    jobs.request(app="other", **FULL)
    jobs.place()
    assert lingers(jobs) == [False]
    jobs.request(**FULL)
    jobs.place()
    assert lingers(jobs) == [False, True]
    job_id = jobs.request(preemptible=True)
    jobs.offer("o9", revocable=2)
    assert jobs.find(job_id).revocable
    assert lingers(jobs) == [False, True, False]


def test_an_executor_that_was_never_launched_takes_no_job(jobs: Jobs) -> None:
    ids = [jobs.request() for _ in range(2)]
    jobs.driven.cluster.failure = Unavailable("Mesos")
    jobs.offer("o1", cpus=0.11)
    jobs.driven.cluster.failure = None
    jobs.offer("o2", cpus=0.1)
    assert states(jobs, *ids) == [JobState.QUEUED] * 2
