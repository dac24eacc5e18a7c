"""A whole attempt with real git and docker; what Mesos would hear is recorded."""

import base64
import dataclasses
import itertools
import os
import queue
import secrets
import threading
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import trustme
from docker.api import APIClient

from executor.config import Config
from executor.custody import Custody
from executor.daemon import Daemon
from executor.guardian import Guardian
from executor.mesos import Event, Killed, Launched, ShutDown
from executor.service import EXIT_DONE, Service
from executor.toolbox import Toolbox
from local.containers import remove_all
from prevs import names
from prevs.messages import BuildOrder, TaskReport
from prevs.states import Cause, Phase
from tests.fakes.attempts import MemoryLog, RecordingLink
from tests.fakes.samples import SERVE, SampleRepository, nothing_left, remove_image, serving
from tests.integration.git.checkouts import GOOD, https
from tests.waits import wait_until

pytestmark = pytest.mark.integration

APP = f"executor-test-{secrets.token_hex(3)}"
"""Of this run alone: several share one Docker, and each looks for containers by this name."""


class Agent(RecordingLink):
    """An agent that runs one executor after the other in this process.

    `when` maps a task state to what happens when it is reported.
    """

    def __init__(self, host: str, folder: Path, free_port: Callable[[], int]) -> None:
        super().__init__()
        self.repository = SampleRepository(folder / "repository")
        self.client: APIClient = Daemon({"DOCKER_HOST": host}).client()
        self.log = MemoryLog()
        self.inbox: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self.when: dict[str, Callable[[], None]] = {}
        self.port = free_port()
        self.tags: list[str] = []
        self.environ = {**os.environ, "DOCKER_HOST": host}
        self.config = Config(folder / "agent", APP, 5.0)
        self.guardian = os.pipe()
        self._attempts = 0

    def send_update(self, status: Mapping[str, Any]) -> None:
        super().send_update(status)
        self.when.get(status["state"], lambda: None)()

    def run(self, sha: str, **changes: Any) -> int:
        """Run an attempt at a commit to its end; return the exit code of its executor."""
        self._attempts += 1
        order = BuildOrder(
            app=APP,
            sha=sha,
            label="main",
            repository=str(self.repository.folder),
            container_port=8080,
            host="127.0.0.1",
            host_port=self.port,
            cpus=0.1,
            mem=32,
            start_limit=60.0,
            stop_grace=5.0,
        )
        order = dataclasses.replace(order, **changes)
        self.tags.append(names.image_tag(APP, sha))
        task = {
            "task_id": {"value": names.task_id(APP, sha, str(self._attempts))},
            "agent_id": {"value": "agent-1"},
            "data": base64.b64encode(order.encode()).decode(),
        }
        self.inbox.put(Launched(task))
        custody = Custody(self.config.dir, Guardian(self.guardian[1]))
        toolbox = Toolbox(self.config, self.environ, self.log, custody)
        toolbox.connect()
        try:
            return Service(self.config, self, self.inbox, toolbox.tools).run()
        finally:
            toolbox.end()

    def kill(self) -> None:
        self.inbox.put(Killed("", None))

    def get(self) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/", timeout=30) as answer:
            data: bytes = answer.read()
            return data.decode()

    def containers(self) -> list[str]:
        found = self.client.containers(all=True, filters={"label": f"prevs.app={APP}"})
        return [container["Id"] for container in found]

    @property
    def report(self) -> TaskReport:
        return TaskReport.decode(base64.b64decode(self.statuses[-1]["data"]))

    @property
    def message(self) -> str:
        message: str = self.statuses[-1]["message"]
        return message


@pytest.fixture
def agent(docker_host: str, tmp_path: Path, free_port: Callable[[], int]) -> Iterator[Agent]:
    made = Agent(docker_host, tmp_path, free_port)
    with nothing_left(made.client, f"prevs.app={APP}"):
        yield made
    for end in made.guardian:
        os.close(end)
    for tag in made.tags:
        remove_image(made.client, tag)
    assert remove_all(docker_host, APP) == []


def test_a_commit_becomes_an_application_that_answers_and_is_gone_after_a_kill(
    agent: Agent,
) -> None:
    sha = agent.repository.commit_app(serving("hello from a commit"))
    answers: list[str] = []

    def running() -> None:
        answers.append(agent.get())
        agent.kill()

    agent.when["TASK_RUNNING"] = running
    assert agent.run(sha) == EXIT_DONE
    assert answers == ["hello from a commit\n"]
    # Of one that takes its time, there are more reports of how far it is.
    assert [state for state, _ in itertools.groupby(agent.states)] == [
        *["TASK_STARTING", "TASK_RUNNING"],
        *["TASK_KILLING", "TASK_KILLED"],
    ]
    assert agent.report == TaskReport(Phase.ENDED)
    assert agent.containers() == []


def test_a_private_repository_is_built_with_the_orders_credential(
    agent: Agent, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sha = agent.repository.commit_app(serving("private"))
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    monkeypatch.setenv("GIT_SSL_CAINFO", str(tmp_path / "authority.pem"))
    answers: list[str] = []

    def running() -> None:
        answers.append(agent.get())
        agent.kill()

    agent.when["TASK_RUNNING"] = running
    with https(tmp_path, authority) as server:
        agent.run(sha, repository=server.url("repository"), credential=GOOD)
    assert answers == ["private\n"]
    assert server.shown == {f"{GOOD.username}:{GOOD.password}"}


def test_the_second_attempt_uses_the_image_of_the_first_and_needs_no_repository(
    agent: Agent,
) -> None:
    sha = agent.repository.commit_app(serving("hello"))
    agent.when["TASK_RUNNING"] = agent.kill
    agent.run(sha)
    before = len(agent.statuses)
    agent.run(sha, repository="/nowhere")
    assert [state for state, _ in itertools.groupby(agent.states[before:])] == [
        *["TASK_STARTING", "TASK_RUNNING"],
        *["TASK_KILLING", "TASK_KILLED"],
    ]


def test_a_broken_dockerfile_is_a_failure_with_its_step(agent: Agent) -> None:
    sha = agent.repository.commit_app(["RUN echo this cannot work; exit 4"])
    assert agent.run(sha) == EXIT_DONE
    assert agent.states[-1] == "TASK_FAILED"
    assert agent.report == TaskReport(Phase.ENDED, Cause.BUILD_FAILED, 4)
    assert "Step 3/3 of the Dockerfile failed (exit code 4)" in agent.message
    assert b"this cannot work" in agent.log.data


def test_a_commit_without_a_dockerfile_is_a_failure_that_says_what_to_do(agent: Agent) -> None:
    sha = agent.repository.commit({"README": "no Dockerfile"})
    agent.run(sha)
    assert agent.report.cause is Cause.DOCKERFILE_MISSING
    assert agent.message.startswith(
        f"There is no Dockerfile at the root of commit {sha[:7]}. Add one and push"
    )


def test_a_repository_that_is_not_there_is_a_failure_with_gits_reason(agent: Agent) -> None:
    agent.run("0" * 40, repository="/nowhere/x.git")
    assert agent.report.cause is Cause.REPOSITORY_UNREACHABLE
    assert "'/nowhere/x.git' does not appear to be a git repository" in agent.message


def test_an_application_that_exits_is_a_failure_with_its_code_and_its_words(agent: Agent) -> None:
    sha = agent.repository.commit_app(['CMD ["/bin/sh", "-c", "echo I give up; exit 3"]'])
    agent.run(sha)
    assert agent.report == TaskReport(Phase.ENDED, Cause.APP_EXITED, 3)
    assert agent.log.data.endswith(b"I give up\n")
    assert agent.containers() == []


def test_an_application_that_never_listens_is_a_failure_and_is_removed(agent: Agent) -> None:
    sha = agent.repository.commit_app(['CMD ["/bin/sleep", "1000"]'])
    agent.run(sha, start_limit=1.5)
    assert agent.report.cause is Cause.NEVER_LISTENED
    assert "port 8080" in agent.message
    assert agent.containers() == []


def test_an_application_that_answers_with_an_error_is_a_failure_with_its_status(
    agent: Agent,
) -> None:
    sha = agent.repository.commit_app(serving("hello"))
    agent.run(sha, health="/nothing", start_limit=4.0)
    assert agent.report.cause is Cause.UNHEALTHY
    assert "GET /nothing did not succeed" in agent.message
    assert "404" in agent.message
    assert agent.containers() == []


def test_an_application_that_takes_too_much_memory_is_a_failure_that_says_so(
    agent: Agent,
) -> None:
    sha = agent.repository.commit_app(['CMD ["/bin/sh", "-c", "exec tail /dev/zero"]'])
    agent.run(sha)
    assert agent.report.cause is Cause.OUT_OF_MEMORY
    assert "32 MB" in agent.message
    assert agent.containers() == []


def test_an_application_that_ends_later_is_a_failure(agent: Agent) -> None:
    sha = agent.repository.commit_app(serving("hello"))

    def running() -> None:
        (container,) = agent.containers()
        agent.client.kill(container, "SIGKILL")

    agent.when["TASK_RUNNING"] = running
    agent.run(sha)
    assert agent.states[-2:] == ["TASK_RUNNING", "TASK_FAILED"]
    assert agent.report == TaskReport(Phase.ENDED, Cause.APP_EXITED, 137)
    assert "after it had answered" in agent.message
    assert agent.containers() == []


def test_a_kill_during_the_build_ends_it_and_leaves_nothing(agent: Agent) -> None:
    unique = os.urandom(4).hex()
    sha = agent.repository.commit_app([f"RUN echo {unique}; sleep 300"])

    def kill() -> None:
        wait_until(lambda: f"RUN echo {unique}".encode() in agent.log.data)
        agent.kill()

    killer = threading.Thread(target=kill)
    killer.start()
    assert agent.run(sha) == EXIT_DONE
    killer.join()
    assert agent.states[-2:] == ["TASK_KILLING", "TASK_KILLED"]
    assert agent.containers() == []
    assert list((agent.config.dir / "trees").iterdir()) == []


def test_an_application_that_ignores_a_shutdown_is_removed_in_time(agent: Agent) -> None:
    stubborn = f"trap : TERM; {SERVE.removeprefix('exec ')} & while :; do sleep 0.1; done"
    lines = ["RUN mkdir /www && echo hello > /www/index.html"]
    sha = agent.repository.commit_app([*lines, f'CMD ["/bin/sh", "-c", {_quoted(stubborn)}]'])
    agent.when["TASK_RUNNING"] = lambda: agent.inbox.put(ShutDown())
    agent.run(sha)
    assert agent.states[-1] == "TASK_KILLED"
    assert agent.containers() == []


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '\\"') + '"'


def test_the_log_tells_people_what_happened_in_order(agent: Agent) -> None:
    sha = agent.repository.commit_app(serving("hello"))
    agent.when["TASK_RUNNING"] = agent.kill
    agent.run(sha)
    assert agent.log.headers == [
        f"fetching commit {sha[:7]}",
        f"building prevs/{APP}:{sha[:7]}",
        f"starting prevs/{APP}:{sha[:7]}",
    ]
