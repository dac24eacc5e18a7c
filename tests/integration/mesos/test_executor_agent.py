"""A container whose executor, or the real Mesos agent of both, is killed."""

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from local.mesos.installation import Installation
from local.parts import processes
from local.parts.part import bring_up
from prevs.states import Cause
from tests import pauses
from tests.fakes.samples import serving
from tests.integration.mesos.executors import World, executor_pid, report
from tests.integration.mesos.own_mesos import Parts, kill, own_mesos
from tests.running_parts import running
from tests.waits import wait_until

pytestmark = pytest.mark.integration


HELLO = serving("hello")
SERVE_ON = "trap '' TERM; httpd -p $PORT -h /www; while :; do sleep 0.1; done"
STUBBORN = (
    "RUN mkdir /www && echo hello > /www/index.html",
    f'CMD ["/bin/sh", "-c", "{SERVE_ON}"]',
)


class AgentWorld(World):
    """A Mesos of this test's own, whose agent may be killed, and a framework on it."""

    def __init__(self, parts: Parts, host: str, folder: Path, port: Callable[[], int]) -> None:
        super().__init__(parts.master.address, host, folder, port)
        self.agent = parts.agent

    def run(self, lines: Sequence[str] = HELLO) -> str:
        """Run an application; return its task."""
        sha = self.repository.commit_app(lines)
        task_id, _ = self.launch(self.order(sha))
        self.wait_for("TASK_RUNNING")
        return task_id


@pytest.fixture
def world(
    mesos_installation: Installation,
    docker_host: str,
    tmp_path: Path,
    free_port: Callable[[], int],
    request: pytest.FixtureRequest,
) -> Iterator[AgentWorld]:
    flags = {"MESOS_RECOVERY_TIMEOUT": "15mins", **getattr(request, "param", {})}
    parts = own_mesos(mesos_installation, tmp_path, docker_host, **flags)
    try:
        with running(parts):
            made = AgentWorld(parts, docker_host, tmp_path, free_port)
            with made.cleaned_up():
                yield made
    finally:
        processes.end(family(tmp_path), 0)


def family(tmp_path: Path) -> list[processes.Identity]:
    return processes.having("PREVS_EXECUTOR_DIR", str(tmp_path / "executor"))


def test_an_agent_that_restarts_in_time_finds_task_and_container_untouched(
    world: AgentWorld, tmp_path: Path
) -> None:
    task_id = world.run(STUBBORN)
    (before,), executor = world.containers(), executor_pid(task_id)
    agent_id = before["Labels"]["prevs.agent"]
    kill(world.agent)
    assert world.answers()
    bring_up(world.agent)
    # Only a reconnected executor gets a kill.
    world.driver.kill(task_id, agent_id, grace_seconds=600.0)
    world.wait_for("TASK_KILLING")
    (after,) = world.containers()
    assert after["Id"] == before["Id"]
    assert executor_pid(task_id) == executor
    assert world.answers()
    world.driver.kill(task_id, agent_id, grace_seconds=0.0)
    world.wait_for("TASK_KILLED")
    wait_until(lambda: family(tmp_path) == [])


def test_an_end_while_the_agent_is_away_is_reported_when_it_returns(
    world: AgentWorld,
) -> None:
    world.run()
    kill(world.agent)
    (container,) = world.containers()
    world.client.kill(container["Id"], "SIGKILL")
    wait_until(lambda: world.containers() == [])
    bring_up(world.agent)
    status = world.wait_for("TASK_FAILED")
    assert report(status).cause is Cause.APP_EXITED
    assert report(status).exit_code == 137


@pytest.mark.parametrize("world", [{"MESOS_RECOVERY_TIMEOUT": "3secs"}], indirect=True)
def test_an_executor_whose_agent_stays_away_ends_its_container_and_itself(
    world: AgentWorld, tmp_path: Path
) -> None:
    world.run()
    kill(world.agent)
    assert len(world.containers()) == 1
    wait_until(lambda: family(tmp_path) == [], seconds=60)
    assert world.containers() == []


def test_a_killed_executor_is_a_failed_task_without_a_container(
    world: AgentWorld, tmp_path: Path
) -> None:
    task_id = world.run()
    os.kill(executor_pid(task_id), signal.SIGKILL)
    world.wait_for("TASK_FAILED")
    wait_until(lambda: family(tmp_path) == [], seconds=60)
    assert world.containers() == []


@pytest.mark.parametrize(
    "world", [{"MESOS_EXECUTOR_REREGISTRATION_TIMEOUT": "3secs"}], indirect=True
)
def test_an_executor_that_its_agent_kills_leaves_no_container(
    world: AgentWorld, tmp_path: Path
) -> None:
    task_id = world.run()
    executor = executor_pid(task_id)
    # It does not come back to its agent in time, which then kills it with all its descendants.
    pauses.pause(executor)
    kill(world.agent)
    bring_up(world.agent)
    world.wait_for("TASK_FAILED", "TASK_LOST", "TASK_GONE")
    wait_until(lambda: family(tmp_path) == [], seconds=60)
    assert world.containers() == []
