"""An attempt whose docker daemon is restarted, killed, or goes away for good."""

import contextlib
import os
import re
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from docker.api import APIClient

from executor.cleanup.orphans import Orphans, clear
from executor.container.attachment import Attachment
from executor.container.container import DockerContainer
from executor.docker.daemon import Daemon
from executor.errors import DockerUnavailable
from local.docker.containers import answers
from local.parts import processes
from prevs import names
from prevs.messages import TaskReport
from prevs.states import Cause, Phase
from tests.fakes.attempts import MemoryLog
from tests.fakes.dockerd import OwnDockerd
from tests.fakes.executor_process import CLUSTER, ExecutorProcess
from tests.fakes.samples import SampleImages
from tests.integration.docker.attempts import order
from tests.waits import wait_until

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(os.geteuid() != 0, reason="starts a dockerd of its own: root"),
]

APP = "executor-dockerd"
SHA = "cd" * 20
COUNT = "i=0; while :; do i=$((i+1)); echo line $i; [ -e /end ] && exit 7; sleep 0.05; done"
AWAY = "== output may be missing here: Docker did not answer"
SERVE_AND_COUNT = f'httpd -p "$PORT" -h /www; {COUNT}'


class World:
    """A dockerd of this file's own, and an executor on it."""

    def __init__(self, dockerd: OwnDockerd, sandbox: Path, port: int) -> None:
        self.dockerd = dockerd
        self.executors: list[ExecutorProcess] = []
        self._sandbox = sandbox
        self._port = port

    @property
    def client(self) -> APIClient:
        return Daemon({"DOCKER_HOST": self.dockerd.host}).client()

    def run(self, **environ: str) -> ExecutorProcess:
        """Return an executor whose application runs and counts."""
        SampleImages(self.client).add(names.image_tag(APP, SHA), SERVE_AND_COUNT)
        executor = ExecutorProcess(
            self._sandbox, self._sandbox / "work", self.dockerd.host, **environ
        )
        self.executors.append(executor)
        executor.launch(order(APP, SHA, host_port=self._port, stop_grace=1.0))
        executor.wait_for("TASK_RUNNING")
        return executor

    def containers(self) -> list[str]:
        return [container["Id"] for container in self.client.containers(all=True)]


@contextlib.contextmanager
def started(*, live_restore: bool = False, listens: bool = False) -> Iterator[OwnDockerd]:
    """A dockerd that runs; where it `listens`, its socket is kept as systemd does."""
    folder = Path(tempfile.mkdtemp(prefix="prevs-"))  # short: sockets are made below it
    made = OwnDockerd(folder)
    try:
        if listens:
            made.listen()
        made.start(live_restore=live_restore)
        made.add_network(f"prevs-{CLUSTER}")
        yield made
    finally:
        made.clear()
        shutil.rmtree(folder)


@contextlib.contextmanager
def made(dockerd: OwnDockerd, sandbox: Path, port: int) -> Iterator[World]:
    """A world at a dockerd that runs; what a test that failed has left there is removed first."""
    world = World(dockerd, sandbox, port)
    for container in world.containers():
        world.client.remove_container(container, force=True)
    try:
        yield world
    finally:
        for executor in world.executors:
            executor.clear()


@pytest.fixture(scope="module")
def restoring() -> Iterator[OwnDockerd]:
    """A dockerd with live restore, for all tests of it."""
    with started(live_restore=True) as dockerd:
        yield dockerd


@pytest.fixture(scope="module")
def plain() -> Iterator[OwnDockerd]:
    """A dockerd that takes its containers along, for all tests of it."""
    with started() as dockerd:
        yield dockerd


@pytest.fixture
def world(restoring: OwnDockerd, tmp_path: Path, free_port: Callable[[], int]) -> Iterator[World]:
    if not answers(restoring.host):
        restoring.start(live_restore=True)
    with made(restoring, tmp_path, free_port()) as world:
        yield world


@pytest.fixture
def taken_along(plain: OwnDockerd, tmp_path: Path, free_port: Callable[[], int]) -> Iterator[World]:
    if not answers(plain.host):
        plain.start()
    with made(plain, tmp_path, free_port()) as world:
        yield world


def lines(executor: ExecutorProcess) -> list[int]:
    """Return the numbers in the log."""
    return find_numbers(executor.stdout.read_text())


def find_numbers(text: str) -> list[int]:
    return [int(number) for number in re.findall(r"^line (\d+)$", text, re.M)]


def wait_for_more(executor: ExecutorProcess) -> None:
    count = len(lines(executor))
    wait_until(lambda: len(lines(executor)) > count + 5, seconds=60)


def assert_ended(world: World, executor: ExecutorProcess) -> None:
    assert executor.wait() == 0
    executor.wait_gone()
    assert world.containers() == []
    assert executor.folder.tasks() == []


@pytest.mark.parametrize("way", ["stopped", pytest.param("killed", marks=pytest.mark.night)])
def test_an_attempt_goes_on_through_a_restart_with_live_restore(world: World, way: str) -> None:
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
    before_gap, gap, after_gap = executor.stdout.read_text().partition(AWAY)
    assert gap, "nobody knows what was printed while docker was away"
    for part in (before_gap, after_gap):
        numbers = find_numbers(part)
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))


@pytest.mark.parametrize("way", ["stopped", "killed"])
def test_a_container_that_ends_with_docker_is_not_a_failure_of_the_application(
    taken_along: World, way: str
) -> None:
    assert_taken_along(taken_along, way)


@pytest.mark.night
def test_a_container_whose_docker_was_stopped_behind_the_socket_of_systemd_is_neither(
    tmp_path: Path, free_port: Callable[[], int]
) -> None:
    with started(listens=True) as dockerd, made(dockerd, tmp_path, free_port()) as world:
        assert_taken_along(world, "stopped")


def assert_taken_along(world: World, way: str) -> None:
    executor = world.run()
    wait_for_more(executor)
    world.dockerd.kill() if way == "killed" else world.dockerd.stop()
    world.dockerd.start()
    status = executor.wait_for("TASK_FAILED")
    assert executor.report() == TaskReport(Phase.ENDED, Cause.DOCKER_UNAVAILABLE)
    assert str(status["message"]).startswith("Docker restarted, and the container ended")
    assert_ended(world, executor)
    assert lines(executor) == list(range(1, len(lines(executor)) + 1))


def test_an_end_of_the_application_while_docker_is_away_is_its_own(world: World) -> None:
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
    assert str(status["message"]).startswith(
        "The application exited while Docker did not answer after"
    )
    assert_ended(world, executor)


def test_a_kill_while_docker_is_away_ends_the_container_when_it_returns(world: World) -> None:
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
    image = SampleImages(world.client).add("prevs-test/count", COUNT)
    made = world.client.create_container(image, name="left")
    attachment = Attachment(world.client, made["Id"])
    world.client.start(made["Id"])
    ended = threading.Event()
    container = DockerContainer(
        attachment,
        log=MemoryLog(),
        on_exit=ended.set,
        on_removed=lambda: None,
        patience=2.0,
    )
    world.dockerd.kill()
    assert ended.wait(60)
    with pytest.raises(DockerUnavailable, match="for 2 s"):
        container.exit()
    with pytest.raises(DockerUnavailable):
        container.remove()
    watchdog = threading.Thread(
        target=clear,
        args=(Orphans(containers=("left",)), b"NOBODY=1", {"DOCKER_HOST": world.dockerd.host}),
    )
    watchdog.start()
    world.dockerd.start(live_restore=True)
    watchdog.join(60)
    assert world.containers() == []
