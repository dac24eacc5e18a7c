"""A maintenance window of one agent, on a real Mesos: accepted, and left in time."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import pytest
import requests
from kazoo.client import KazooClient

from framework.mesos.agent_list import MesosState
from framework.ports.mesos_agents import MesosAgent
from prevs.paths import Paths
from prevs.records import AppRecord
from prevs.states import State
from tests.conftest import Mesos
from tests.fakes.framework import Framework
from tests.waits import wait_until

pytestmark = pytest.mark.integration

A = "a" * 40
NANOSECONDS = 1_000_000_000


@pytest.fixture
def framework(
    mesos: Mesos, zookeeper: str, paths: Paths, client: KazooClient
) -> Iterator[Framework]:
    """A framework at a root of its own, with an app."""
    framework = Framework(mesos.zk, zookeeper, paths)
    framework.previews.add_app(
        AppRecord(name="hello", repository="/srv/hello", mem=64, health="/runs")
    )
    yield framework
    framework.remove(mesos.master)


@pytest.fixture
def schedule(mesos: Mesos) -> Iterator[Callable[[str, float], None]]:
    """Schedule the maintenance of a host, some seconds from now."""

    def post(windows: list[dict[str, Any]]) -> None:
        url = f"http://{mesos.master}/maintenance/schedule"
        requests.post(url, json={"windows": windows}, timeout=60).raise_for_status()

    def one(host: str, seconds: float) -> None:
        start = int((time.time() + seconds) * NANOSECONDS)
        duration = {"nanoseconds": 3600 * NANOSECONDS}
        unavailability = {"start": {"nanoseconds": start}, "duration": duration}
        machine = {"hostname": host, "ip": host}
        post([{"machine_ids": [machine], "unavailability": unavailability}])

    yield one
    post([])


def answers(cluster: Mesos) -> Mapping[str, list[str]]:
    """Return the frameworks' answers for each scheduled host."""
    url = f"http://{cluster.master}/maintenance/status"
    status = requests.get(url, timeout=60).json()
    return {
        machine["id"]["hostname"]: [one["status"] for one in machine.get("statuses", [])]
        for machine in status.get("draining_machines", [])
    }


def agents(cluster: Mesos) -> Sequence[MesosAgent]:
    """Return the agents as our own reader reads them."""
    return MesosState(lambda: cluster.master, None).read().agents


def test_an_agent_before_maintenance_is_left_before_its_window(
    framework: Framework, mesos: Mesos, schedule: Callable[[str, float], None]
) -> None:
    before = framework.run(A)
    host = str(before.agent_host)

    start = time.time() + 900
    schedule(host, 900)
    wait_until(lambda: answers(mesos).get(host) == ["ACCEPT"], "the inverse offer is accepted")
    assert framework.previews.snapshot.preview("hello", A) == before
    (agent,) = (one for one in agents(mesos) if one.id == before.agent_id)
    assert agent.maintenance is not None
    assert abs(agent.maintenance - start) < 60
    assert sum(one.maintenance is not None for one in agents(mesos)) == 1

    start = time.time() + 120
    schedule(host, 120)
    wait_until(
        lambda: framework.previews.snapshot.preview("hello", A).task_id != before.task_id,
        "the preview moves",
    )
    after = framework.wait(A, State.RUNNING)
    assert after.agent_id != before.agent_id
    assert time.time() < start
    wait_until(lambda: answers(mesos).get(host) in (["ACCEPT"], []), "the answer stays")


@pytest.fixture
def drain(mesos: Mesos) -> Iterator[Callable[[str], None]]:
    """Have Mesos drain an agent; it accepts tasks again after the test."""
    drained: list[str] = []

    def call(kind: str, agent_id: str, **more: Any) -> requests.Response:
        body = {"type": kind, kind.lower(): {"agent_id": {"value": agent_id}, **more}}
        return requests.post(f"http://{mesos.master}/api/v1", json=body, timeout=60)

    def one(agent_id: str) -> None:
        drained.append(agent_id)
        call("DRAIN_AGENT", agent_id).raise_for_status()

    def reactivate(agent_id: str) -> bool:
        return call("REACTIVATE_AGENT", agent_id).ok

    yield one
    for agent_id in drained:
        wait_until(partial(reactivate, agent_id), "the agent is drained")


def test_previews_of_a_draining_agent_start_on_another(
    framework: Framework, mesos: Mesos, drain: Callable[[str], None]
) -> None:
    before = framework.run(A)

    drain(str(before.agent_id))
    assert [one.id for one in agents(mesos) if one.draining] == [before.agent_id]
    assert [one.id for one in agents(mesos) if not one.active] == [before.agent_id]

    wait_until(
        lambda: framework.previews.snapshot.preview("hello", A).task_id != before.task_id,
        "the preview moves",
    )
    after = framework.wait(A, State.RUNNING)
    assert after.agent_id != before.agent_id
    assert after.failure is None
