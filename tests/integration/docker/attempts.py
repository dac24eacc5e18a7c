"""Whole attempts in this process, with real git and docker; updates to Mesos are recorded."""

import base64
import dataclasses
import os
import queue
import secrets
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from docker.api import APIClient

from executor.cleanup.policy import Watermarks
from executor.config import Config
from executor.course_factory import CourseFactory
from executor.docker.daemon import Daemon
from executor.mesos import Event, Killed, Launched
from executor.service import Service
from executor.workspace.container_guard import ContainerGuard
from executor.workspace.watchdog import Watchdog
from prevs import names
from prevs.messages import BuildOrder, TaskReport
from prevs.work import Work
from tests.fakes.attempts import MemoryLog, RecordingLink
from tests.fakes.samples import SampleImages, SampleRepository

APP = f"executor-test-{secrets.token_hex(3)}"
"""Of this run alone: several share one Docker, and each looks for containers by this name."""

_EXECUTOR = "k3j9x0q2ab"


def order(app: str, sha: str, **changes: Any) -> BuildOrder:
    """Return the order for an attempt at a commit: a small application on loopback."""
    fields = {"label": "main", "repository": "/nowhere", "container_port": 8080}
    at = {"host": "127.0.0.1", "host_port": 0, "cpus": 0.1, "mem": 32}
    return BuildOrder(app=app, sha=sha, **{**fields, **at, **changes})


class Agent(RecordingLink):
    """An agent that runs one executor after the other in this process.

    `when` maps a task state to what happens when it is reported.
    """

    def __init__(
        self, host: str, folder: Path, free_port: Callable[[], int], cluster: str = APP
    ) -> None:
        super().__init__()
        self.repository = SampleRepository(folder / "repository")
        self.client: APIClient = Daemon({"DOCKER_HOST": host}).client()
        self.images = SampleImages(self.client)
        self.log = MemoryLog()
        self.inbox: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self.when: dict[str, Callable[[], None]] = {}
        self.port = free_port()
        self.tags: list[str] = []
        self.codes: list[int] = []
        self.environ = {**os.environ, "DOCKER_HOST": host}
        self.config = Config(folder / "agent", cluster, 5.0, watermarks=Watermarks(100.0, 99.0))
        self.watchdog = os.pipe()
        self._attempts = 0
        self._task_id = ""

    def image(self, command: str) -> str:
        """Have the image of a commit, that runs a shell command; return the commit's id."""
        sha = secrets.token_hex(20)
        self.images.add(names.image_tag(APP, sha), command)
        return sha

    def send_update(self, status: Mapping[str, Any]) -> None:
        super().send_update(status)
        self.when.get(status["state"], lambda: None)()

    def order(self, sha: str, **changes: Any) -> BuildOrder:
        """Return the order for an attempt at a commit."""
        where = {"repository": str(self.repository.folder), "host_port": self.port}
        return order(APP, sha, **{"start_limit": 60.0, "stop_grace": 5.0, **where, **changes})

    def run(self, sha: str, **changes: Any) -> int:
        """Run an attempt at a commit to its end; return the exit code of its executor."""
        self._attempts += 1
        self.inbox.put(self._launch(self.order(sha, **changes), str(self._attempts)))
        self._serve()
        return self.codes[-1]

    def run_jobs(
        self,
        sha: str,
        works: Sequence[Work],
        between: Callable[[int], None] = lambda _: None,
        **changes: Any,
    ) -> list[TaskReport]:
        """Run jobs one after the other in one executor; return the last report of each.

        `between` is called with the number of those that have ended.
        """
        reports: list[TaskReport] = []

        def go_on() -> None:
            number = len(reports)
            order = self.order(sha, host_port=0, work=works[number], **changes)
            self.inbox.put(self._launch(order, f"{_EXECUTOR}-{number + 1}"))

        def end() -> None:
            reports.append(self.report)
            between(len(reports))
            if len(reports) < len(works):
                go_on()

        self.when |= dict.fromkeys(("TASK_FINISHED", "TASK_FAILED"), end)
        go_on()
        self._serve()
        return reports

    def _launch(self, order: BuildOrder, attempt: str) -> Launched:
        self.tags.append(names.image_tag(APP, order.sha))
        self._task_id = names.task_id(APP, order.sha, attempt)
        task = {
            "task_id": {"value": self._task_id},
            "agent_id": {"value": "agent-1"},
            "data": base64.b64encode(order.encode()).decode(),
        }
        return Launched(task)

    def _serve(self) -> None:
        """Do what executor/__main__.py does."""
        guard = ContainerGuard(self.config.dir, Watchdog(self.watchdog[1]))
        course_factory = CourseFactory(self.config, self.environ, self.log, guard)
        course_factory.connect()
        service = Service(self.config, self, self.inbox, course_factory)
        try:
            self.codes.append(service.run())
        finally:
            (course_factory.close if service.is_over else course_factory.end)()

    def answer(self, sha: str, **changes: Any) -> str:
        """Run an attempt until its application runs; return the application's answer."""
        answers: list[str] = []

        def running() -> None:
            answers.append(self.get())
            self.kill()

        self.when["TASK_RUNNING"] = running
        self.run(sha, **changes)
        assert answers, self.message
        return answers[0]

    @property
    def task_id(self) -> str:
        """The task of the attempt that runs, or was the last to run."""
        return self._task_id

    def kill(self) -> None:
        self.inbox.put(Killed(self._task_id, None))

    def get(self, port: int = 0) -> str:
        """Return the page at a port of the agent, by default that of the application."""
        at = f"http://127.0.0.1:{port or self.port}/"
        with urllib.request.urlopen(at, timeout=30) as answer:
            data: bytes = answer.read()
            return data.decode()

    def containers(self) -> list[str]:
        found = self.client.containers(all=True, filters={"label": f"prevs.app={APP}"})
        return [container["Id"] for container in found]

    def volumes(self) -> Sequence[str]:
        found: Mapping[str, Any] = self.client.volumes(filters={"label": f"prevs.app={APP}"})
        return [volume["Name"] for volume in found["Volumes"] or ()]

    @property
    def report(self) -> TaskReport:
        received = TaskReport.decode(base64.b64decode(self.statuses[-1]["data"]))
        return dataclasses.replace(received, isolation=None)

    @property
    def message(self) -> str:
        message: str = self.statuses[-1]["message"]
        return message
