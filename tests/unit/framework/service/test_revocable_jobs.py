"""Jobs on CPUs that Mesos may take back: what is stored, and what follows when it does so."""

import pytest

from framework import events
from framework.mesos import task_status
from prevs.jobs import JobState
from prevs.states import Phase
from tests.fakes.driven_jobs import Jobs


def place(jobs: Jobs) -> str:
    job_id = jobs.request(preemptible=True, retries=1)
    jobs.offer(revocable=2)
    assert jobs.find(job_id).state is JobState.PLACED
    return job_id


def test_the_record_knows_what_the_attempt_has(jobs: Jobs) -> None:
    job_id = place(jobs)
    assert jobs.find(job_id).revocable
    jobs.fail(job_id)
    jobs.driven.tick(60.0)
    jobs.offer("o2")
    assert jobs.find(job_id).state is JobState.PLACED
    assert not jobs.find(job_id).revocable


def test_one_that_may_have_them_does_not_wait_behind_one_that_may_not(jobs: Jobs) -> None:
    first, second = jobs.request(), jobs.request(preemptible=True)
    jobs.offer(cpus=0.05, revocable=2)
    assert jobs.find(first).state is JobState.QUEUED
    assert jobs.find(second).state is JobState.PLACED


@pytest.mark.parametrize("state", ["TASK_GONE", "TASK_LOST", "TASK_FAILED"])
def test_what_mesos_takes_back_is_a_loss_and_uses_up_no_retry(jobs: Jobs, state: str) -> None:
    job_id = place(jobs)
    jobs.report(job_id, "TASK_RUNNING", Phase.RUNNING)
    taken = {
        "task_id": {"value": jobs.find(job_id).task_id},
        "agent_id": {"value": "agent-1"},
        "state": state,
        "reason": "REASON_CONTAINER_PREEMPTED",
        "uuid": "taken",
    }
    jobs.driven.step(events.TaskStatusReceived(task_status.read(taken)))
    queued = jobs.find(job_id)
    assert (queued.state, queued.failures) == (JobState.QUEUED, 0)
    assert queued.attempts[-1].why == "Something else took its resources."
