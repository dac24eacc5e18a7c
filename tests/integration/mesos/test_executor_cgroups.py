"""A real Mesos agent that gives executors control groups counts their containers too."""

import dataclasses
import os
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from framework.matching.agents import EXECUTOR_MEM
from local.mesos.installation import Installation
from local.parts import processes
from tests.fakes.samples import serving
from tests.integration.mesos.executors import World
from tests.integration.mesos.own_mesos import own_mesos
from tests.running_parts import running
from tests.waits import wait_until

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(
        os.geteuid() != 0 or not Path("/sys/fs/cgroup/freezer").is_dir(),
        reason="has Mesos make control groups of v1, as root",
    ),
]

MB = 1024 * 1024
ROOT = f"prevs-test-{secrets.token_hex(4)}"
HUNGRY = (
    "RUN mkdir /www && echo hello > /www/index.html",
    "CMD dd if=/dev/zero of=/dev/shm/taken bs=1M count=60; exec httpd -f -p $PORT -h /www",
)


@pytest.fixture
def agent(
    mesos_installation: Installation,
    docker_host: str,
    tmp_path: Path,
    free_port: Callable[[], int],
) -> Iterator[tuple[str, World]]:
    """The address of an agent with the isolators for CPU and memory, and a framework on it."""
    parts = own_mesos(
        mesos_installation,
        tmp_path,
        docker_host,
        MESOS_ISOLATION="cgroups/cpu,cgroups/mem",
        MESOS_LAUNCHER="linux",
        MESOS_CGROUPS_HIERARCHY="/sys/fs/cgroup",
        MESOS_CGROUPS_ROOT=ROOT,
    )
    try:
        with running(parts):
            world = World(parts.master.address, docker_host, tmp_path, free_port)
            with world.cleaned_up():
                yield parts.agent.address, world
            wait_until(lambda: groups() == [])
    finally:
        processes.end(processes.having("PREVS_EXECUTOR_DIR", str(tmp_path / "executor")), 0)
        for folder in Path("/sys/fs/cgroup").glob(f"*/{ROOT}"):
            folder.rmdir()


def groups() -> list[str]:
    """Return the groups below Mesos's group, in all hierarchies."""
    return [str(folder) for folder in Path("/sys/fs/cgroup").glob(f"*/{ROOT}/*/")]


def test_mesos_counts_and_ends_the_processes_of_the_container(agent: tuple[str, World]) -> None:
    address, world = agent
    sha = world.repository.commit_app(HUNGRY)
    order = dataclasses.replace(world.order(sha), mem=256)
    world.launch(order)
    world.wait_for("TASK_RUNNING")
    [container] = world.containers()
    pid = world.client.inspect_container(container["Id"])["State"]["Pid"]
    own = Path(f"/proc/{pid}/cgroup").read_text()
    for kind in ("cpu", "memory"):
        [line] = [line for line in own.splitlines() if line.split(":")[1] == kind]
        assert line.partition(f":/{ROOT}/")[2].endswith(f"/{container['Id']}")
    [counted] = requests.get(f"http://{address}/containers", timeout=30).json()
    statistics: dict[str, Any] = counted["statistics"]
    assert statistics["mem_total_bytes"] > 60 * MB
    assert statistics["mem_limit_bytes"] == (256 + EXECUTOR_MEM) * MB


def test_a_repository_larger_than_the_task_is_fetched_built_and_served(
    agent: tuple[str, World],
) -> None:
    _, world = agent
    world.repository.git("config", "core.compression", "0")
    large = os.urandom(100 * MB)
    sha = world.repository.commit_app(serving("small"), {"large": large, ".dockerignore": "large"})
    world.launch(dataclasses.replace(world.order(sha), mem=64))
    world.wait_for("TASK_RUNNING")
    assert world.answers()
