"""What becomes of an attempt whose docker daemon is restarted, killed, or goes away for good."""

import os
import re
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from docker.api import APIClient

from executor.container import DockerContainer
from executor.daemon import Daemon
from executor.errors import DockerUnavailable
from executor.remains import Remains, clear
from local import processes
from prevs import names
from prevs.messages import BuildOrder, TaskReport
from prevs.states import Cause, Phase
from tests.fakes.attempts import MemoryLog
from tests.fakes.dockerd import OwnDockerd
from tests.fakes.executor_process import CLUSTER, ExecutorProcess
from tests.fakes.samples import SampleImages
from tests.waits import wait_until

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(os.geteuid() != 0, reason="starts a dockerd of its own: root"),
]

APP = "executor-dockerd"
SHA = "cd" * 20
COUNT = "i=0; while :; do i=$((i+1)); echo line $i; [ -e /end ] && exit 7; sleep 0.05; done"
SERVE_AND_COUNT = f'httpd -p "$PORT" -h /www; {COUNT}'


class World:
    """A dockerd of this test's own, and an executor on it."""

    def __init__(self, folder: Path, sandbox: Path, port: int) -> None:
        self.dockerd = OwnDockerd(folder)
        self.executors: list[ExecutorProcess] = []
        self._sandbox = sandbox
        self._port = port

    @property
    def client(self) -> APIClient:
        return Daemon({"DOCKER_HOST": self.dockerd.host}).client()

    def run(self, **environ: str) -> ExecutorProcess:
        """Return an executor whose application runs and counts."""
        self.dockerd.add_network(f"prevs-{CLUSTER}")
        SampleImages(self.client).add(names.image_tag(APP, SHA), SERVE_AND_COUNT)
        executor = ExecutorProcess(
            self._sandbox, self._sandbox / "work", self.dockerd.host, **environ
        )
        self.executors.append(executor)
        executor.launch(
            BuildOrder(
                app=APP,
                sha=SHA,
                label="main",
                repository="/nowhere",
                container_port=8080,
                host="127.0.0.1",
                host_port=self._port,
                cpus=0.1,
                mem=32,
                stop_grace=1.0,
            )
        )
        executor.wait_for("TASK_RUNNING")
        return executor

    def containers(self) -> list[str]:
        return [container["Id"] for container in self.client.containers(all=True)]


@pytest.fixture
def world(tmp_path: Path, free_port: Callable[[], int]) -> Iterator[World]:
    folder = Path(tempfile.mkdtemp(prefix="prevs-"))  # short: sockets are made below it
    made = World(folder, tmp_path, free_port())
    try:
        yield made
    finally:
        for executor in made.executors:
            executor.clear()
        made.dockerd.clear()
        shutil.rmtree(folder)


def lines(executor: ExecutorProcess) -> list[int]:
    """Return the numbers that are in the log."""
    return [
        int(number) for number in re.findall(r"^line (\d+)$", executor.stdout.read_text(), re.M)
    ]


def wait_for_more(executor: ExecutorProcess) -> None:
    count = len(lines(executor))
    wait_until(lambda: len(lines(executor)) > count + 5, seconds=60)


def assert_ended(world: World, executor: ExecutorProcess) -> None:
    assert executor.wait() == 0
    executor.wait_gone()
    assert world.containers() == []
    assert executor.folder.tasks() == []


@pytest.mark.parametrize("way", ["stopped", "killed"])
def test_an_attempt_goes_on_through_a_restart_with_live_restore(world: World, way: str) -> None:
    world.dockerd.start(live_restore=True)
    executor = world.run()
    before = world.containers()
    wait_for_more(executor)
    world.dockerd.stop() if way == "stopped" else world.dockerd.kill()
    world.dockerd.start(live_restore=True)
    wait_for_more(executor)
    assert world.containers() == before
    assert executor.agent.states()[-1] == "TASK_RUNNING"
    executor.agent.kill(executor.task_id, None)
    executor.wait_for("TASK_KILLED")
    assert_ended(world, executor)
    assert lines(executor) == list(range(1, len(lines(executor)) + 1))


@pytest.mark.parametrize("way", ["stopped", "stopped behind systemd's socket", "killed"])
def test_a_container_that_docker_took_along_is_no_failure_of_the_application(
    world: World, way: str
) -> None:
    if "socket" in way:
        world.dockerd.listen()
    world.dockerd.start()
    executor = world.run()
    wait_for_more(executor)
    world.dockerd.kill() if way == "killed" else world.dockerd.stop()
    world.dockerd.start()
    status = executor.wait_for("TASK_FAILED")
    assert executor.report() == TaskReport(Phase.ENDED, Cause.DOCKER_UNAVAILABLE)
    assert str(status["message"]).startswith("Docker was restarted, and the container ended")
    assert_ended(world, executor)
    assert lines(executor) == list(range(1, len(lines(executor)) + 1))


def test_an_application_that_ends_while_docker_is_away_ended_by_itself(world: World) -> None:
    world.dockerd.start(live_restore=True)
    executor = world.run()
    (container,) = world.containers()
    pid = world.client.inspect_container(container)["State"]["Pid"]
    application = processes.identify(pid)
    assert application is not None
    world.dockerd.kill()
    Path(f"/proc/{pid}/root/end").touch()
    assert processes.wait([application], 30) == []
    world.dockerd.start(live_restore=True)
    status = executor.wait_for("TASK_FAILED")
    assert executor.report() == TaskReport(Phase.ENDED, Cause.APP_EXITED)
    assert str(status["message"]).startswith("The application exited while Docker was away after")
    assert_ended(world, executor)


def test_a_kill_while_docker_is_away_ends_the_container_when_it_returns(world: World) -> None:
    world.dockerd.start(live_restore=True)
    executor = world.run()
    world.dockerd.kill()
    executor.agent.kill(executor.task_id, None)
    executor.wait_for("TASK_KILLING")
    world.dockerd.start(live_restore=True)
    executor.wait_for("TASK_KILLED")
    assert_ended(world, executor)


def test_a_shutdown_while_docker_is_away_is_answered_and_the_container_ended_later(
    world: World,
) -> None:
    world.dockerd.start(live_restore=True)
    executor = world.run(MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD="3secs")
    world.dockerd.kill()
    executor.agent.shutdown()
    executor.wait_for("TASK_KILLED")
    assert executor.wait() == 0
    assert executor.folder.tasks() == [executor.task_id]
    world.dockerd.start(live_restore=True)
    assert_ended(world, executor)


def test_a_daemon_that_stays_away_is_a_failure_and_the_container_goes_when_it_returns(
    world: World, tmp_path: Path
) -> None:
    world.dockerd.start(live_restore=True)
    image = SampleImages(world.client).add("prevs-test/count", COUNT)
    made = world.client.create_container(image, name="left")
    world.client.start(made["Id"])
    ended = threading.Event()
    container = DockerContainer(
        world.client,
        made["Id"],
        log=MemoryLog(),
        on_exit=ended.set,
        on_removed=lambda: None,
        patience=2.0,
    )
    world.dockerd.kill()
    assert ended.wait(60)
    with pytest.raises(DockerUnavailable, match="away for 2 s"):
        container.exit()
    with pytest.raises(DockerUnavailable):
        container.remove()
    guardian = threading.Thread(
        target=clear,
        args=(Remains(container="left"), b"NOBODY=1", {"DOCKER_HOST": world.dockerd.host}),
    )
    guardian.start()
    world.dockerd.start(live_restore=True)
    guardian.join(60)
    assert world.containers() == []
