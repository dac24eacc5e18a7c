"""The executor as a program, started by a real Mesos agent, with real git and docker."""

import base64
import contextlib
import dataclasses
import itertools
import os
import queue
import secrets
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

import pytest
from docker.api import APIClient

from driver.errors import DriverError, NotConnected
from driver.scheduler import SchedulerDriver
from executor.daemon import Daemon
from framework.agents import EXECUTOR_CPUS, EXECUTOR_MEM
from local.containers import remove_all
from prevs import names
from prevs.messages import BuildOrder, TaskReport
from tests.fakes.registry import own_registry
from tests.fakes.samples import SampleRepository, nothing_left, remove_image, serving
from tests.waits import wait_until

pytestmark = pytest.mark.integration

APP = f"executor-mesos-{secrets.token_hex(3)}"
"""Of this run alone: several share one Docker, and each looks for containers by this name."""
ROOT = Path(__file__).parents[3]
ENDS = {"TASK_KILLED", "TASK_FAILED", "TASK_FINISHED", "TASK_LOST", "TASK_GONE", "TASK_ERROR"}


class Mesos(Protocol):
    """The session's Mesos; see tests/conftest.py."""

    master: str


class Scheduler:
    """A framework that runs one task: takes the first offer, acknowledges every update."""

    def __init__(self, master: str) -> None:
        self.framework_id = ""
        self.updates: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self.offers: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self.states: list[str] = []
        framework = {
            "user": "root" if os.geteuid() == 0 else os.environ.get("USER", ""),
            "name": "executor test",
            "failover_timeout": 60.0,
            "checkpoint": True,
            "roles": ["executor-test"],
            "capabilities": [
                {"type": kind} for kind in ("MULTI_ROLE", "PARTITION_AWARE", "TASK_KILLING_STATE")
            ],
        }
        self.driver = SchedulerDriver(self, framework, master)
        self.driver.start()

    def subscribed(self, framework_id: str) -> None:
        self.framework_id = framework_id

    def disconnected(self) -> None: ...

    def offered(self, offers: list[dict[str, Any]]) -> None:
        for offer in offers:
            self.offers.put(offer)

    def rescinded(self, offer_id: str) -> None: ...

    def inverse_offered(self, offers: list[dict[str, Any]]) -> None: ...

    def inverse_rescinded(self, offer_id: str) -> None: ...

    def updated(self, status: dict[str, Any]) -> None:
        self.updates.put(status)

    def agent_failed(
        self, agent_id: str | None, executor_id: str | None, status: int | None
    ) -> None: ...

    def aborted(self, error: DriverError) -> None: ...

    def launch(self, order: BuildOrder, attempt: str) -> tuple[str, str]:
        """Launch a task on the first agent that offers; return the ids of task and agent."""
        offer = self.offers.get(timeout=60)
        agent = offer["agent_id"]
        task_id = names.task_id(order.app, order.sha, attempt)
        task = {
            "name": names.task_name(order.app, order.label, order.sha),
            "task_id": {"value": task_id},
            "agent_id": agent,
            "resources": _resources(order.cpus, order.mem),
            "data": base64.b64encode(order.encode()).decode(),
            "executor": {
                "type": "CUSTOM",
                "executor_id": {"value": task_id},
                "framework_id": {"value": self.framework_id},
                "resources": _resources(EXECUTOR_CPUS, EXECUTOR_MEM),
                "command": {
                    "shell": False,
                    "value": sys.executable,
                    "arguments": [sys.executable, "-m", "executor"],
                    "environment": {
                        "variables": [
                            {"name": "PYTHONPATH", "value": str(ROOT)},
                            {"name": "PREVS_CLUSTER", "value": APP},
                        ]
                    },
                },
            },
        }
        launch = {"type": "LAUNCH", "launch": {"task_infos": [task]}}
        self.driver.accept([offer["id"]["value"]], [launch], refuse_seconds=1.0)
        return task_id, agent["value"]

    def wait_for(self, *states: str) -> dict[str, Any]:
        """Return the first update with one of these states; those before it are kept too."""
        while True:
            status = self.updates.get(timeout=60)
            self.driver.acknowledge(status)
            self.states.append(status["state"])
            if status["state"] in states:
                return status
            assert status["state"] not in ENDS, status


def _resources(cpus: float, mem: float) -> list[Mapping[str, Any]]:
    return [
        {
            "name": name,
            "type": "SCALAR",
            "scalar": {"value": value},
            "allocation_info": {"role": "executor-test"},
        }
        for name, value in (("cpus", cpus), ("mem", mem))
    ]


class World:
    """A scheduler on the session's Mesos, a repository, and the docker daemon of its agents."""

    def __init__(self, master: str, host: str, folder: Path, free_port: Callable[[], int]) -> None:
        self.repository = SampleRepository(folder / "repository")
        self.client: APIClient = Daemon({"DOCKER_HOST": host}).client()
        self.scheduler = Scheduler(master)
        self.port = free_port()
        self.tags: list[str] = []

    def order(self, sha: str) -> BuildOrder:
        self.tags.append(names.image_tag(APP, sha))
        return BuildOrder(
            app=APP,
            sha=sha,
            label="main",
            repository=str(self.repository.folder),
            container_port=8080,
            host="127.0.0.1",
            host_port=self.port,
            cpus=0.1,
            mem=32,
            stop_grace=2.0,
        )

    def containers(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.client.containers(
            all=True, filters={"label": f"prevs.app={APP}"}
        )
        return found

    def answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/", timeout=30) as answer:
                return bool(answer.status == 200)
        except urllib.error.URLError:
            return False


@pytest.fixture
def world(
    mesos: Mesos, docker_host: str, tmp_path: Path, free_port: Callable[[], int]
) -> Iterator[World]:
    made = World(mesos.master, docker_host, tmp_path, free_port)
    with nothing_left(made.client, f"prevs.app={APP}"):
        yield made
        with contextlib.suppress(NotConnected):
            made.scheduler.driver.teardown()
        wait_until(lambda: made.containers() == [])
    for tag in made.tags:
        remove_image(made.client, tag)
    assert remove_all(docker_host, APP) == []


def report(status: Mapping[str, Any]) -> TaskReport:
    return TaskReport.decode(base64.b64decode(status["data"]))


def test_a_task_builds_runs_and_is_gone_after_a_kill(world: World) -> None:
    sha = world.repository.commit_app(serving("hello"))
    task_id, agent_id = world.scheduler.launch(world.order(sha), "a1")
    world.scheduler.wait_for("TASK_RUNNING")
    assert world.answers()
    (container,) = world.containers()
    assert container["Names"] == [f"/{names.container_name(task_id)}"]
    assert container["Labels"]["prevs.task"] == task_id
    assert container["Labels"]["prevs.agent"] == agent_id
    world.scheduler.driver.kill(task_id, agent_id, grace_seconds=None)
    world.scheduler.wait_for("TASK_KILLING")
    world.scheduler.wait_for("TASK_KILLED")
    assert world.containers() == []
    # Of one that takes its time, there are more reports of how far it is.
    assert [state for state, _ in itertools.groupby(world.scheduler.states)] == [
        *["TASK_STARTING", "TASK_RUNNING"],
        *["TASK_KILLING", "TASK_KILLED"],
    ]


def test_the_digest_of_a_pushed_image_comes_while_the_task_runs(
    world: World, tmp_path: Path, free_port: Callable[[], int]
) -> None:
    sha = world.repository.commit_app(serving("hello"))
    with own_registry(tmp_path / "registry", free_port()) as registry:
        order = dataclasses.replace(world.order(sha), registry=f"{registry.address}/previews")
        task_id, agent_id = world.scheduler.launch(order, "a1")
        assert report(world.scheduler.wait_for("TASK_RUNNING")).digest == ""
        again = world.scheduler.wait_for("TASK_RUNNING")
        assert registry.blob(report(again).digest).exists()
        assert again["healthy"] is True
        world.scheduler.driver.kill(task_id, agent_id, grace_seconds=None)
        ended = world.scheduler.wait_for("TASK_KILLED")
        assert report(ended).digest == report(again).digest


def test_an_executor_that_is_shut_down_takes_its_container_along(world: World) -> None:
    sha = world.repository.commit_app(serving("hello"))
    world.scheduler.launch(world.order(sha), "a1")
    world.scheduler.wait_for("TASK_RUNNING")
    assert len(world.containers()) == 1
    # Mesos ends the executors of a framework that is removed with SHUTDOWN.
    world.scheduler.driver.teardown()
    wait_until(lambda: world.containers() == [])


def test_an_executor_that_gets_sigterm_ends_its_task_first(world: World) -> None:
    sha = world.repository.commit_app(serving("hello"))
    task_id, _ = world.scheduler.launch(world.order(sha), "a1")
    world.scheduler.wait_for("TASK_RUNNING")
    os.kill(executor_pid(task_id), signal.SIGTERM)
    world.scheduler.wait_for("TASK_KILLED")
    assert world.containers() == []
    assert world.scheduler.states[-2:] == ["TASK_KILLING", "TASK_KILLED"]


def executor_pid(task_id: str) -> int:
    """Return the process of a task's executor: the one that is not the agent's own wrapper."""
    for path in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            environ = (path / "environ").read_bytes().split(b"\0")
            words = (path / "cmdline").read_bytes().split(b"\0")
            if f"MESOS_EXECUTOR_ID={task_id}".encode() in environ and b"executor" in words:
                return int(path.name)
    raise AssertionError(f"{task_id} has no executor")


def test_an_executor_without_an_agent_says_all_that_is_missing() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "executor"],
        cwd=ROOT,
        env={"PREVS_EXECUTOR_DIR": "relative"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 2
    assert "PREVS_EXECUTOR_DIR must be an absolute path" in done.stderr
    assert done.stdout == ""
