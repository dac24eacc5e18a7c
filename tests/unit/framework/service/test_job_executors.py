"""An executor of a job takes another job of its app, in a service over fakes."""

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from framework import events
from framework.attempts.job_executors import LINGER_SECONDS, MOST, USE_SECONDS
from framework.errors import Unavailable
from framework.matching import resources
from framework.mesos import task_status
from framework.mesos.task_info import task_info
from framework.ports.tasks import Task
from prevs import names
from prevs.jobs import JobState
from prevs.states import Cause, Phase
from tests.fakes.driven import APP
from tests.fakes.driven_jobs import Jobs

ROOM = {"cpus": 0.11}
"""The CPUs that one job takes, with its executor."""
OWN = {"cpus": 0.1}
"""Those that it takes without that."""


def tasks_of(jobs: Jobs) -> list[Task]:
    return jobs.driven.cluster.tasks


def linger_of(task: Task) -> float:
    assert task.order.work is not None
    return task.order.work.linger


def run_first(jobs: Jobs, **terms: Any) -> tuple[str, str]:
    """Run a job while another one waits; return both."""
    first, second = jobs.request(), jobs.request(**terms)
    jobs.offer("o1", **ROOM)
    jobs.report(first, "TASK_RUNNING", Phase.RUNNING)
    assert jobs.find(second).state is JobState.QUEUED
    return first, second


@pytest.mark.parametrize("end", [Jobs.finish, Jobs.fail])
def test_the_next_job_goes_to_the_executor_of_one_that_came_to_its_own_end(
    jobs: Jobs, end: Callable[[Jobs, str], None]
) -> None:
    first, second = run_first(jobs)
    end(jobs, first)
    jobs.offer("o2", **OWN)
    assert jobs.find(second).state is JobState.PLACED
    one, two = tasks_of(jobs)
    assert (one.id != two.id, one.executor_id) == (True, two.executor_id)
    assert names.find_number(two.id) == 2
    assert task_info(one)["executor"] == task_info(two)["executor"]
    assert resources.totals(two.resources) == (0.1, 128)
    assert (linger_of(one), linger_of(two)) == (LINGER_SECONDS, 0.0)


def test_it_is_the_same_executor_though_the_agent_has_got_the_bundle_meanwhile(jobs: Jobs) -> None:
    first, _ = run_first(jobs)
    jobs.finish(first)
    assert jobs.driven.service._parts.attempts.copies.is_on("agent-1")
    jobs.offer("o2", **OWN)
    assert [task.fetches for task in tasks_of(jobs)] == [True, True]


def test_only_if_other_jobs_wait_an_executor_is_told_to_wait(jobs: Jobs) -> None:
    job_id = jobs.place()
    assert linger_of(tasks_of(jobs)[0]) == 0.0
    jobs.finish(job_id)
    late = jobs.request()
    jobs.offer("o2", **OWN)
    assert jobs.find(late).state is JobState.QUEUED


def test_an_executor_that_has_waited_for_long_is_not_used(jobs: Jobs) -> None:
    first, second = run_first(jobs)
    jobs.finish(first)
    jobs.driven.clock.pass_seconds(USE_SECONDS)
    jobs.offer("o2", **OWN)
    assert jobs.find(second).state is JobState.QUEUED
    jobs.offer("o3", **ROOM)
    assert len({task.executor_id for task in tasks_of(jobs)}) == 2
    assert USE_SECONDS <= LINGER_SECONDS / 2


def other_end(jobs: Jobs, job_id: str) -> None:
    jobs.report(job_id, "TASK_FAILED", Phase.ENDED, cause=Cause.DOCKER_UNAVAILABLE)


def unseen_end(jobs: Jobs, job_id: str) -> None:
    jobs.report(job_id, "TASK_FINISHED")


def end_and_exit(jobs: Jobs, job_id: str) -> None:
    jobs.finish(job_id)
    executor = names.executor_id(tasks_of(jobs)[0].id)
    jobs.driven.step(events.AgentFailed("agent-1", executor))


def end_and_agent_lost(jobs: Jobs, job_id: str) -> None:
    jobs.finish(job_id)
    jobs.driven.step(events.AgentFailed("agent-1", None))


def end_and_link_lost(jobs: Jobs, job_id: str) -> None:
    jobs.finish(job_id)
    jobs.driven.step(events.Disconnected(), events.Subscribed("framework-1"))


def end_while_the_store_is_away(jobs: Jobs, job_id: str) -> None:
    jobs.driven.step(events.StoreSuspended())
    jobs.finish(job_id)
    jobs.driven.step(events.StoreResumed())


def cancelled(jobs: Jobs, job_id: str) -> None:
    jobs.cancel(job_id)
    jobs.finish(job_id)


@pytest.mark.parametrize(
    "end",
    [
        other_end,
        unseen_end,
        end_and_exit,
        end_and_agent_lost,
        end_and_link_lost,
        end_while_the_store_is_away,
        cancelled,
    ],
)
def test_an_executor_that_may_be_gone_or_broken_is_not_used(
    jobs: Jobs, end: Callable[[Jobs, str], None]
) -> None:
    first, second = run_first(jobs)
    end(jobs, first)
    jobs.offer("o2", **OWN)
    assert jobs.find(second).state is JobState.QUEUED
    jobs.offer("o3", **ROOM)
    assert names.find_number(jobs.find(second).task_id or "") == 1


@pytest.mark.parametrize("terms", [{"once": True}, {"exclusive": "database"}])
def test_what_must_not_run_twice_gets_an_executor_of_its_own(
    jobs: Jobs, terms: dict[str, Any]
) -> None:
    first, second = run_first(jobs, **terms)
    jobs.finish(first)
    jobs.offer("o2", **OWN)
    assert jobs.find(second).state is JobState.QUEUED
    jobs.offer("o3", **ROOM)
    assert names.find_number(jobs.find(second).task_id or "") == 1


def test_another_app_gets_an_executor_of_its_own(jobs: Jobs) -> None:
    jobs.driven.add_app(dataclasses.replace(APP, name="other"))
    first, _ = run_first(jobs)
    jobs.driven.clock.pass_seconds(1.0)
    other = jobs.request(app="other", priority=2)
    jobs.finish(first)
    jobs.offer("o2", **OWN)
    assert jobs.find(other, "other").state is JobState.QUEUED


def test_an_executor_takes_no_job_of_an_app_that_was_added_again(jobs: Jobs) -> None:
    first, second = run_first(jobs)
    jobs.finish(first)
    record = dataclasses.replace(jobs.driven.records.app("hello"), created=7.0)
    jobs.driven.records.save_app(record)
    jobs.offer("o2", **OWN)
    assert jobs.find(second).state is JobState.QUEUED


def test_an_executor_takes_many_jobs_and_then_no_more(jobs: Jobs) -> None:
    waiting = [jobs.request() for _ in range(MOST + 2)]
    jobs.offer("o1", **ROOM)
    for number, job_id in enumerate(waiting[:MOST], 1):
        assert names.find_number(jobs.find(job_id).task_id or "") == number
        jobs.finish(job_id)
        jobs.offer(f"p{number}", **OWN)
    assert jobs.find(waiting[MOST]).state is JobState.QUEUED
    assert linger_of(tasks_of(jobs)[-1]) == 0.0
    assert len({task.executor_id for task in tasks_of(jobs)}) == 1


def send(jobs: Jobs, job_id: str, state: str, reason: str) -> None:
    status = {
        "task_id": {"value": jobs.find(job_id).task_id},
        "agent_id": {"value": "agent-1"},
        "state": state,
        "reason": reason,
        "uuid": "u",
    }
    jobs.driven.step(events.TaskStatusReceived(task_status.read(status)))


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        ("TASK_DROPPED", "REASON_EXECUTOR_TERMINATED"),
        ("TASK_ERROR", "REASON_TASK_INVALID"),
        ("TASK_FAILED", "REASON_EXECUTOR_TERMINATED"),
    ],
)
def test_a_job_that_came_too_late_for_its_executor_starts_again_and_uses_up_no_retry(
    jobs: Jobs, state: str, reason: str
) -> None:
    first, second = run_first(jobs)
    jobs.finish(first)
    jobs.offer("o2", **OWN)
    send(jobs, second, state, reason)
    assert (jobs.find(second).state, jobs.find(second).failures) == (JobState.QUEUED, 0)
    jobs.driven.clock.pass_seconds(5.0)
    jobs.offer("o3", **ROOM)
    assert names.find_number(jobs.find(second).task_id or "") == 1


@pytest.mark.parametrize("terms", [{"once": True}, {"exclusive": "database", "timeout": 3600.0}])
def test_a_task_that_mesos_dropped_has_not_begun(jobs: Jobs, terms: dict[str, Any]) -> None:
    job_id = jobs.place(**terms)
    send(jobs, job_id, "TASK_DROPPED", "REASON_SLAVE_DISCONNECTED")
    assert jobs.find(job_id).state is JobState.QUEUED
    jobs.driven.clock.pass_seconds(5.0)
    jobs.offer("o2")
    assert jobs.find(job_id).state is JobState.PLACED


def test_a_task_that_an_agent_does_not_remember_may_have_begun(jobs: Jobs) -> None:
    job_id = jobs.place(once=True)
    send(jobs, job_id, "TASK_DROPPED", "REASON_RECONCILIATION")
    assert jobs.find(job_id).state is JobState.FAILED


def test_a_launch_that_was_not_sent_uses_up_its_executor(jobs: Jobs) -> None:
    first, second = run_first(jobs)
    jobs.finish(first)
    jobs.driven.cluster.failure = Unavailable("Mesos")
    jobs.offer("o2", **OWN)
    jobs.driven.cluster.failure = None
    jobs.offer("o3", **OWN)
    assert jobs.find(second).state is JobState.QUEUED
    jobs.offer("o4", **ROOM)
    assert jobs.find(second).state is JobState.PLACED


def test_an_end_that_is_reported_again_does_not_free_the_executor_of_the_next_job(
    jobs: Jobs,
) -> None:
    first, second = run_first(jobs)
    third = jobs.request()
    jobs.finish(first)
    late = {
        "task_id": {"value": tasks_of(jobs)[0].id},
        "agent_id": {"value": "agent-1"},
        "state": "TASK_FINISHED",
        "uuid": "again",
    }
    jobs.offer("o2", **OWN)
    assert jobs.find(second).state is JobState.PLACED
    jobs.driven.step(events.TaskStatusReceived(task_status.read(late)))
    jobs.offer("o3", **OWN)
    assert jobs.find(third).state is JobState.QUEUED


def test_the_end_of_an_executor_has_its_current_job_queried(jobs: Jobs) -> None:
    first, second = run_first(jobs)
    jobs.finish(first)
    jobs.offer("o2", **OWN)
    task = jobs.find(second).task_id or ""
    jobs.driven.tick(10.0)
    before = len(jobs.driven.cluster.of("reconcile"))
    jobs.driven.step(events.AgentFailed("agent-1", names.executor_id(task)))
    assert ((task, "agent-1"),) in jobs.driven.cluster.of("reconcile")[before:]
