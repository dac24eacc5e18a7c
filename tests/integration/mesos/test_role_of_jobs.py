"""Jobs with a role of their own, and on revocable CPUs, on a real Mesos; executors only report."""

import secrets
import struct
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
from kazoo.client import KazooClient

from framework.jobs.orders import JobOrder
from framework.matching.agents import EXECUTOR_MEM
from framework.matching.roles import Roles
from prevs.job_settings import JobSettings
from prevs.jobs import JobRecord, JobState
from prevs.paths import Paths
from prevs.records import AppRecord
from tests.conftest import Mesos
from tests.fakes.framework import Framework
from tests.waits import wait_for

pytestmark = pytest.mark.integration

A = "a" * 40
Start = Callable[..., Framework]


@pytest.fixture
def start(mesos: Mesos, zookeeper: str, paths: Paths, client: KazooClient) -> Iterator[Start]:
    """Start a framework at this test's root, after the one before; its tasks end with the test."""
    started: list[Framework] = []

    def start(**more: Any) -> Framework:
        if started:
            started[-1].kill()
        started.append(Framework(mesos.zk, zookeeper, paths, **more))
        return started[-1]

    yield start
    for framework in started[-1:]:
        framework.remove(mesos.master)


@pytest.fixture
def role(mesos: Mesos) -> Iterator[str]:
    """The name of a role, which has no quota afterwards."""
    name = f"jobs-{secrets.token_hex(4)}"
    yield name
    limit(mesos, name)


def limit(mesos: Mesos, role: str, **most: float) -> None:
    """Let a role have no more than that in Mesos, or as much as there is."""
    limits = {resource: {"value": value} for resource, value in most.items()}
    configs = [{"role": role, **({"limits": limits} if limits else {})}]
    call = {"type": "UPDATE_QUOTA", "update_quota": {"force": True, "quota_configs": configs}}
    requests.post(f"http://{mesos.master}/api/v1", json=call, timeout=60).raise_for_status()


def add(framework: Framework) -> None:
    app = AppRecord(name="hello", repository="/srv/hello", cpus=0.1, mem=64, health="/runs")
    framework.previews.add_app(app)


def request(framework: Framework, *, mem: int = 64, preemptible: bool = False) -> str:
    """Request a job, which runs until it is killed; return its id."""
    terms = JobSettings(("true",), cpus=0.1, mem=mem, preemptible=preemptible)
    order = JobOrder(secrets.token_hex(8), "hello", "main", A, terms)
    framework.jobs.command(lambda commands: commands.request([order]))
    return order.id


def wait(framework: Framework, job_id: str, what: Callable[[JobRecord], bool]) -> JobRecord:
    return wait_for(
        lambda: framework.jobs.find("hello", job_id), what, f"the job {job_id} is as expected"
    )


def wait_running(framework: Framework, job_id: str) -> str:
    """Wait until a job runs; return its task's id."""
    job = wait(framework, job_id, lambda job: job.state is JobState.RUNNING)
    return job.task_id or ""


def cancel(framework: Framework, job_id: str) -> None:
    framework.jobs.command(lambda commands: commands.cancel("hello", job_id, by="somebody"))
    wait(framework, job_id, lambda job: job.state is JobState.CANCELLED)


def task(mesos: Mesos, task_id: str) -> dict[str, Any]:
    """Return a task as Mesos shows it."""
    answer = requests.get(f"http://{mesos.master}/tasks?limit=1000", timeout=60).json()
    (found,) = [task for task in answer["tasks"] if task["id"] == task_id]
    return dict(found)


def test_previews_and_jobs_run_in_roles_of_their_own_and_quota_limits_jobs_alone(
    start: Start, mesos: Mesos, role: str
) -> None:
    limit(mesos, role, cpus=1, mem=400)  # for three jobs with their executors
    framework = start(roles=Roles("prevs", role))
    add(framework)
    ids = [request(framework) for _ in range(4)]
    for job_id in ids[:3]:
        assert task(mesos, wait_running(framework, job_id))["role"] == role
    waiting = wait(framework, ids[3], lambda job: role in job.reason)
    assert waiting.state is JobState.QUEUED
    assert waiting.reason.endswith("an operator can raise its quota.")

    preview = framework.run(A)
    assert task(mesos, preview.task_id or "")["role"] == "prevs"
    assert framework.jobs.find("hello", ids[3]).state is JobState.QUEUED

    limit(mesos, role, cpus=1, mem=600)
    wait_running(framework, ids[3])


def test_a_visitor_gets_what_a_preemptible_job_had_although_another_job_waits_for_it(
    start: Start, mesos: Mesos, role: str
) -> None:
    framework = start(roles=Roles("prevs", role))
    add(framework)
    # One job fills an agent, and there are two agents.
    agents = requests.get(f"http://{mesos.master}/slaves", timeout=60).json()["slaves"]
    full = int(agents[0]["resources"]["mem"]) - EXECUTOR_MEM
    ids = [request(framework, mem=full, preemptible=True) for _ in range(3)]
    for job_id in ids[:2]:
        wait_running(framework, job_id)
    wait(framework, ids[2], lambda job: role in job.reason)
    framework.ahead += 120
    preview = framework.run(A)
    states = {framework.jobs.find("hello", job_id).state for job_id in ids[:2]}
    assert states == {JobState.RUNNING, JobState.QUEUED}
    assert task(mesos, preview.task_id or "")["role"] == "prevs"


def test_the_role_of_jobs_comes_and_goes_and_jobs_go_on(
    start: Start, mesos: Mesos, role: str
) -> None:
    first = start()
    add(first)
    before = request(first)
    known = wait_running(first, before), first.service.framework_id
    apart = start(roles=Roles("prevs", role))
    during = request(apart)
    during_task = wait_running(apart, during)
    again = start()
    after = request(again)
    after_task = wait_running(again, after)
    found = [task(mesos, one)["role"] for one in (known[0], during_task, after_task)]
    assert found == ["prevs", role, "prevs"]
    assert again.service.framework_id == known[1]
    for job_id in (before, during):
        cancel(again, job_id)


@pytest.fixture
def revocable(mesos: Mesos) -> Iterator[None]:
    """Two CPUs of each agent that Mesos may take back; gone with the test."""
    for cpus in (2.0, 0.0):
        for agent in requests.get(f"http://{mesos.master}/slaves", timeout=60).json()["slaves"]:
            _report_revocable(mesos.master, agent["id"], agent["pid"], cpus)
        if cpus:
            yield


def _report_revocable(master: str, agent_id: str, pid: str, cpus: float) -> None:
    """Send what an agent does if its estimator finds CPUs that nobody uses; no estimator is here.

    That is a mesos.internal.UpdateSlaveMessage (src/messages/messages.proto of Mesos).
    """
    scalar = b"\x09" + struct.pack("<d", cpus)
    resource = _part(1, b"cpus") + b"\x10\x00" + _part(3, scalar) + _part(9, b"")
    found = _part(2, resource) if cpus else b""
    message = _part(1, _part(1, agent_id.encode())) + found + b"\x28\x01"
    answer = requests.post(
        f"http://{master}/master/mesos.internal.UpdateSlaveMessage",
        data=message,
        # With a host, libprocess does not find the path.
        headers={"Libprocess-From": pid, "Host": ""},
        timeout=60,
    )
    assert answer.status_code == 202, answer.text


def _part(number: int, content: bytes) -> bytes:
    """Return a field of a message of protobuf, of less than 128 bytes."""
    assert len(content) < 128
    return bytes([number << 3 | 2, len(content)]) + content


def test_only_a_preemptible_job_runs_on_cpus_that_mesos_may_take_back(
    start: Start, mesos: Mesos, revocable: None
) -> None:
    framework = start(revocable=True)
    add(framework)
    usual, preemptible = request(framework), request(framework, preemptible=True)
    preview = framework.run(A)
    taken = task(mesos, wait_running(framework, preemptible))
    assert (taken["resources"]["cpus"], taken["resources"]["mem"]) == (0, 64)
    assert taken["resources"]["cpus_revocable"] == 0.1
    for task_id in (wait_running(framework, usual), preview.task_id or ""):
        resources = task(mesos, task_id)["resources"]
        assert resources["cpus"] == 0.1
        assert "cpus_revocable" not in resources
