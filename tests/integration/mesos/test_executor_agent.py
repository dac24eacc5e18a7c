"""What becomes of a container when its executor, or the real Mesos agent of both, is killed."""

import dataclasses
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from local import processes
from local.containers import remove_all
from local.mesos.installation import Installation
from local.mesos.parts import Address, agent_part, master_part
from local.parts import ProcessPart, bring_up
from prevs.states import Cause
from tests import times
from tests.fakes.samples import nothing_left, remove_image, serving
from tests.integration.mesos.lone_agent import lone_agent
from tests.integration.mesos.test_executor_mesos import APP, World, executor_pid, report
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

    def __init__(
        self, agent: ProcessPart, master: str, host: str, folder: Path, port: Callable[[], int]
    ) -> None:
        super().__init__(master, host, folder, port)
        self.agent = agent

    def run(self, lines: Sequence[str] = HELLO) -> str:
        """Have an application that runs; return its task."""
        sha = self.repository.commit_app(lines)
        task_id, _ = self.scheduler.launch(self.order(sha), "a1")
        self.scheduler.wait_for("TASK_RUNNING")
        return task_id

    def kill_agent(self) -> None:
        assert self.agent.pid is not None
        os.kill(self.agent.pid, signal.SIGKILL)
        wait_until(lambda: self.agent.problem() is not None)
        # It ended by itself, so this leaves the executors alone.
        self.agent.stop()


@pytest.fixture
def world(
    mesos_installation: Installation,
    docker_host: str,
    tmp_path: Path,
    free_port: Callable[[], int],
    request: pytest.FixtureRequest,
) -> Iterator[AgentWorld]:
    flags = {"MESOS_RECOVERY_TIMEOUT": "15mins", **getattr(request, "param", {})}
    address = Address("127.0.0.1", free_port())
    agent = lone_agent(tmp_path, docker_host, free_port())
    environ, log = os.environ, tmp_path / "agent.log"
    master = master_part(
        mesos_installation, address, folder=tmp_path, environ=environ, log=tmp_path / "master.log"
    )
    part = agent_part(
        mesos_installation,
        agent,
        master=address,
        environ=environ,
        log=log,
        patience=times.PATIENCE,
    )
    part = dataclasses.replace(part, environ={**part.environ, **flags})
    bring_up(master)
    bring_up(part)
    made = AgentWorld(part, str(address), docker_host, tmp_path, free_port)
    try:
        with nothing_left(made.client, f"prevs.app={APP}"):
            yield made
            made.scheduler.driver.teardown()
            wait_until(lambda: made.containers() == [])
    finally:
        part.stop()
        master.stop()
        processes.end(processes.having("PREVS_EXECUTOR_DIR", str(tmp_path / "executor")), 0)
    for tag in made.tags:
        remove_image(made.client, tag)
    assert remove_all(docker_host, APP) == []


def family(tmp_path: Path) -> list[processes.Identity]:
    return processes.having("PREVS_EXECUTOR_DIR", str(tmp_path / "executor"))


def test_an_agent_that_restarts_in_time_finds_task_and_container_untouched(
    world: AgentWorld, tmp_path: Path
) -> None:
    task_id = world.run(STUBBORN)
    (before,), executor = world.containers(), executor_pid(task_id)
    agent_id = before["Labels"]["prevs.agent"]
    world.kill_agent()
    assert world.answers()
    bring_up(world.agent)
    # Only an executor that has come back hears of a kill.
    world.scheduler.driver.kill(task_id, agent_id, grace_seconds=600.0)
    world.scheduler.wait_for("TASK_KILLING")
    (after,) = world.containers()
    assert after["Id"] == before["Id"]
    assert executor_pid(task_id) == executor
    assert world.answers()
    world.scheduler.driver.kill(task_id, agent_id, grace_seconds=0.0)
    world.scheduler.wait_for("TASK_KILLED")
    wait_until(lambda: family(tmp_path) == [])


def test_an_end_that_comes_while_the_agent_is_away_is_told_when_it_returns(
    world: AgentWorld,
) -> None:
    world.run()
    world.kill_agent()
    (container,) = world.containers()
    world.client.kill(container["Id"], "SIGKILL")
    wait_until(lambda: world.containers() == [])
    bring_up(world.agent)
    status = world.scheduler.wait_for("TASK_FAILED")
    assert report(status).cause is Cause.APP_EXITED
    assert report(status).exit_code == 137


@pytest.mark.parametrize("world", [{"MESOS_RECOVERY_TIMEOUT": "3secs"}], indirect=True)
def test_an_executor_whose_agent_stays_away_ends_its_container_and_itself(
    world: AgentWorld, tmp_path: Path
) -> None:
    world.run()
    world.kill_agent()
    assert len(world.containers()) == 1
    wait_until(lambda: family(tmp_path) == [], seconds=60)
    assert world.containers() == []


def test_a_killed_executor_is_a_failed_task_without_a_container(
    world: AgentWorld, tmp_path: Path
) -> None:
    task_id = world.run()
    os.kill(executor_pid(task_id), signal.SIGKILL)
    world.scheduler.wait_for("TASK_FAILED")
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
    os.kill(executor, signal.SIGSTOP)
    world.kill_agent()
    bring_up(world.agent)
    world.scheduler.wait_for("TASK_FAILED", "TASK_LOST", "TASK_GONE")
    wait_until(lambda: family(tmp_path) == [], seconds=60)
    assert world.containers() == []
