"""Executors of jobs that take another job, on a real Mesos; executors only report."""

import secrets
from collections.abc import Iterator

import pytest
import requests
from kazoo.client import KazooClient

from framework.jobs.orders import JobOrder
from prevs import names
from prevs.job_settings import JobSettings
from prevs.jobs import ENDED, JobRecord, JobState
from prevs.paths import Paths
from prevs.records import AppRecord
from tests.conftest import Mesos
from tests.fakes.framework import Framework
from tests.waits import wait_for

pytestmark = pytest.mark.integration

A, B = "a" * 40, "b" * 40


@pytest.fixture
def framework(
    mesos: Mesos, zookeeper: str, paths: Paths, client: KazooClient
) -> Iterator[Framework]:
    """A framework with an app of which one job runs at a time; its tasks end with the test."""
    del client
    framework = Framework(mesos.zk, zookeeper, paths)
    app = AppRecord(name="hello", repository="/srv/hello", cpus=0.1, mem=64, max_jobs=1)
    framework.previews.add_app(app)
    yield framework
    framework.remove(mesos.master)


def run(framework: Framework, *commands: str) -> list[JobRecord]:
    """Request a job for each command, of two commits in turn; return them once all have ended."""
    orders = [
        JobOrder(secrets.token_hex(8), "hello", "main", (A, B)[number % 2], JobSettings((command,)))
        for number, command in enumerate(commands)
    ]
    framework.jobs.command(lambda jobs: jobs.request(orders))
    return [wait_ended(framework, order.id) for order in orders]


def wait_ended(framework: Framework, job_id: str) -> JobRecord:
    return wait_for(
        lambda: framework.jobs.find("hello", job_id),
        lambda job: job.state in ENDED,
        "the job has ended",
    )


def test_mesos_gives_one_executor_the_jobs_of_several_commits(
    framework: Framework, mesos: Mesos
) -> None:
    jobs = run(framework, *["ends"] * 5)
    assert [job.state for job in jobs] == [JobState.SUCCEEDED] * 5
    assert [job.tries for job in jobs] == [1] * 5
    executors = {names.executor_id(job.task_id or "") for job in jobs}
    assert len(executors) < 5
    answer = requests.get(f"http://{mesos.master}/tasks?limit=1000", timeout=60).json()
    known = {task["id"]: task["executor_id"] for task in answer["tasks"]}
    for job in jobs:
        assert known[job.task_id] == names.executor_id(job.task_id or "")


def test_jobs_that_are_sent_to_an_executor_that_has_just_left_all_succeed(
    framework: Framework,
) -> None:
    jobs = run(framework, *["leaves"] * 4)
    assert [job.state for job in jobs] == [JobState.SUCCEEDED] * 4
    assert [job.failures for job in jobs] == [0] * 4
