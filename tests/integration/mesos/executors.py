"""A framework that has a real Mesos run one executor of ours, with real git and docker."""

import base64
import contextlib
import dataclasses
import os
import secrets
import signal
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from docker.api import APIClient

from driver.errors import NotConnected
from driver.scheduler import SchedulerDriver
from executor.docker.daemon import Daemon
from framework.matching.agents import EXECUTOR_CPUS, EXECUTOR_MEM
from local.docker.containers import remove_all
from prevs import names
from prevs.messages import BuildOrder, TaskReport
from tests.contract.driver.worlds import framework_info, launch_operation, wait_state
from tests.fakes.driver_events import RecordedScheduler
from tests.fakes.samples import SampleRepository, nothing_left, remove_image
from tests.waits import wait_until

APP = f"executor-mesos-{secrets.token_hex(3)}"
"""Of this run alone: several share one Docker, and each looks for containers by this name."""
ROOT = Path(__file__).parents[3]


class World:
    """A scheduler on a Mesos, a repository, and the docker daemon of its agents."""

    def __init__(self, master: str, host: str, folder: Path, free_port: Callable[[], int]) -> None:
        self.repository = SampleRepository(folder / "repository")
        self.client: APIClient = Daemon({"DOCKER_HOST": host}).client()
        self.port = free_port()
        self._host = host
        self._tags: list[str] = []
        self._task_id = ""
        self._events = RecordedScheduler()
        self.driver = SchedulerDriver(self._events, framework_info(), master)
        self.driver.start()

    def order(self, sha: str) -> BuildOrder:
        self._tags.append(names.image_tag(APP, sha))
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

    def launch(self, order: BuildOrder) -> tuple[str, str]:
        """Launch a task on the first agent that offers; return the ids of task and agent."""
        offer = self._events.wait("offered")[0][0]
        self._task_id = task_id = names.task_id(order.app, order.sha, "a1")
        environ = {"PYTHONPATH": str(ROOT), "PREVS_CLUSTER": APP, "PYTHONFAULTHANDLER": "1"}
        variables = [{"name": name, "value": value} for name, value in environ.items()]
        command = {
            "shell": False,
            "value": sys.executable,
            "arguments": [sys.executable, "-m", "executor"],
            "environment": {"variables": variables},
        }
        shares = ((order.cpus, order.mem), (EXECUTOR_CPUS, EXECUTOR_MEM))
        data = base64.b64encode(order.encode()).decode()
        operation = launch_operation(offer, task_id, command, shares=shares, data=data)
        self.driver.accept([offer["id"]["value"]], [operation], refuse_seconds=1.0)
        return task_id, offer["agent_id"]["value"]

    def wait_for(self, *states: str) -> dict[str, Any]:
        """Return the first update with one of these states. Fails with what the executor does."""
        try:
            return wait_state(self.driver, self._events, *states)
        except AssertionError as exc:
            raise AssertionError(f"{exc}\n{describe_executor(self._task_id)}") from exc

    def states(self) -> list[str]:
        """Return the states of all updates so far."""
        updates = [arguments for name, arguments in self._events.events if name == "updated"]
        return [status["state"] for (status,) in updates]

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

    @contextlib.contextmanager
    def cleaned_up(self) -> Iterator[None]:
        """Fail where a container is left once the framework is gone; remove the images."""
        with nothing_left(self.client, f"prevs.app={APP}"):
            yield
            with contextlib.suppress(NotConnected):
                self.driver.teardown()
            wait_until(lambda: self.containers() == [])
        for tag in self._tags:
            remove_image(self.client, tag)
        assert remove_all(self._host, APP) == []


def report(status: Mapping[str, Any]) -> TaskReport:
    sent = TaskReport.decode(base64.b64decode(status["data"]))
    return dataclasses.replace(sent, isolation=None)


def describe_executor(task_id: str) -> str:
    """Return the processes of a task's executor, and its log. This ends the executor.

    SIGABRT makes Python write the stack of every thread.
    """
    processes = list(_executor_processes(task_id))
    shown = [f"{one.pid} {one.state} {' '.join(one.words)}" for one in processes]
    for one in processes:
        if "executor" in one.words:
            os.kill(one.pid, signal.SIGABRT)
    # The stacks come last.
    time.sleep(1.0)
    for sandbox in {one.sandbox for one in processes}:
        shown += [(sandbox / name).read_text()[-10_000:] for name in ("stdout", "stderr")]
    return "\n".join(shown) or f"{task_id} has no executor"


def executor_pid(task_id: str) -> int:
    """Return the process of a task's executor: the one that is not the agent's own wrapper."""
    for one in _executor_processes(task_id):
        if "executor" in one.words:
            return one.pid
    raise AssertionError(f"{task_id} has no executor")


class _Process(NamedTuple):
    pid: int
    state: str
    words: Sequence[str]
    sandbox: Path


def _executor_processes(task_id: str) -> Iterator[_Process]:
    for path in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            environ = dict(
                line.split("=", 1)
                for line in (path / "environ").read_text(errors="replace").split("\0")
                if "=" in line
            )
            if environ.get("MESOS_EXECUTOR_ID") == task_id:
                words = (path / "cmdline").read_text(errors="replace").split("\0")
                state = (path / "wchan").read_text() or "runs"
                yield _Process(int(path.name), state, words, Path(environ["MESOS_SANDBOX"]))
