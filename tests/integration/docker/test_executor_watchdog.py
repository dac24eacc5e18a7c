"""An executor that is killed leaves nothing: its watchdog, on a real docker daemon."""

import os
import secrets
import shutil
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from docker.api import APIClient

from executor.docker.daemon import Daemon
from local.parts import processes
from prevs import names
from prevs.commit_settings import RunSettings
from prevs.companions import Companion
from prevs.messages import BuildOrder
from prevs.work import Work
from tests.fakes.docker_door import DockerDoor
from tests.fakes.executor_process import CLUSTER, ExecutorProcess
from tests.fakes.samples import SERVE, SampleImages, SampleRepository, nothing_left, remove_image
from tests.integration.docker.attempts import order
from tests.integration.docker.builds import removing_network
from tests.threads import other_thread
from tests.waits import wait_until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

APP = f"executor-watchdog-{secrets.token_hex(3)}"
"""Of this run alone: several share one Docker, and each looks for containers by this name."""
SHA = "ab" * 20


class World:
    """An agent's machine: docker, a work folder, and executors that are ended at the end."""

    def __init__(self, host: str, folder: Path, port: int, command: Sequence[str]) -> None:
        self.host = host
        self.command = command
        self.folder = folder
        self.client: APIClient = Daemon({"DOCKER_HOST": host}).client()
        self.images = SampleImages(self.client)
        self.repository = SampleRepository(folder / "repository")
        self.executors: list[ExecutorProcess] = []
        self._port = port

    def executor(self, **environ: str) -> ExecutorProcess:
        number = len(self.executors)
        host = environ.pop("host", self.host)
        folder = self.folder / f"sandbox-{number}"
        work = self.folder / "work"
        made = ExecutorProcess(folder, work, host, command=self.command, **environ)
        self.executors.append(made)
        return made

    def order(self, sha: str = SHA, repository: str = "", **changes: Any) -> BuildOrder:
        repository = repository or str(self.repository.folder)
        return order(APP, sha, repository=repository, host_port=self._port, **changes)

    def have_image(self, command: str = SERVE) -> None:
        self.images.add(names.image_tag(APP, SHA), command)

    def containers(self) -> list[str]:
        found = self.client.containers(all=True, filters={"label": f"prevs.app={APP}"})
        return [container["Id"] for container in found]

    def volumes(self) -> Sequence[Mapping[str, str]]:
        found: Mapping[str, Sequence[Mapping[str, str]]] = self.client.volumes(
            filters={"label": f"prevs.app={APP}"}
        )
        return found["Volumes"] or ()

    def commands(self) -> list[str]:
        return [container["Command"] for container in self.client.containers(all=True)]

    def running(self, **environ: str) -> ExecutorProcess:
        """Return an executor whose application runs."""
        self.have_image()
        executor = self.executor(**environ)
        executor.launch(self.order())
        executor.wait_for("TASK_RUNNING")
        return executor


@pytest.fixture(scope="module")
def network(docker_host: str) -> Iterator[None]:
    """Remove the network that the executors of this file have in turn."""
    with removing_network(docker_host, CLUSTER):
        yield


@pytest.fixture
def world(
    request: pytest.FixtureRequest,
    docker_host: str,
    network: None,
    tmp_path: Path,
    free_port: Callable[[], int],
    bundle: Path,
) -> Iterator[World]:
    """A machine whose executors are installed, or of the "bundle" where a test asks for that.

    Each start of the bundle compiles it, which takes longer than all else that they do.
    """
    is_bundle = getattr(request, "param", "") == "bundle"
    command = (sys.executable, "-I", "-S", str(bundle)) if is_bundle else ()
    made = World(docker_host, tmp_path, free_port(), command)
    with nothing_left(made.client, f"prevs.app={APP}"):
        yield made
        for executor in made.executors:
            executor.clear()
    made.images.clear()


def running_with(words: bytes) -> list[int]:
    """Return the processes that were given an argument."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            if words in (path / "cmdline").read_bytes().split(b"\0"):
                found.append(int(path.name))
        except OSError:
            continue
    return found


def assert_nothing_is_left(world: World, executor: ExecutorProcess) -> None:
    executor.wait_gone()
    assert world.containers() == []
    assert executor.folder.tasks() == []
    assert not executor.folder.tree(executor.task_id).exists()


@pytest.mark.parametrize(
    ("world", "group"),
    [("bundle", False), ("installed", True)],
    indirect=["world"],
    ids=["the process of a bundle", "the group of an installed one"],
)
def test_the_container_of_a_killed_executor_is_removed(world: World, group: bool) -> None:
    executor = world.running()
    assert len(world.containers()) == 1
    assert executor.folder.lives(executor.task_id)
    executor.kill(group=group)
    assert_nothing_is_left(world, executor)


def test_the_container_of_a_killed_executors_job_is_removed_with_its_files(world: World) -> None:
    world.have_image()
    executor = world.executor()
    work = Work("k3j9x0q2ab", ("/bin/sh", "-c", "sleep 1000"), 1000.0, payload="NDI=", stdin=True)
    executor.launch(world.order(work=work))
    executor.wait_for("TASK_RUNNING")
    assert (len(world.containers()), len(world.volumes())) == (1, 1)
    executor.kill()
    assert_nothing_is_left(world, executor)
    assert not world.volumes()


@pytest.mark.parametrize("by", ["the watchdog", "the next executor"])
def test_companions_of_a_killed_executor_are_removed_too(world: World, by: str) -> None:
    world.have_image()
    executor = world.executor()
    stays = ("/bin/sh", "-c", "sleep 1000")
    companions = tuple(Companion(name, command=stays) for name in ("db", "cache"))
    executor.launch(world.order(run=RunSettings(companions=companions)))
    executor.wait_for("TASK_RUNNING")
    assert len(world.containers()) == 3
    if by == "the watchdog":
        executor.kill()
    else:
        for process in executor.family():
            processes.send(process, signal.SIGKILL)
        executor.wait_gone()
        assert len(world.containers()) == 3
        next_one = world.executor()
        next_one.launch(world.order(world.repository.commit_app(["RUN sleep 3000"])), "b")
        wait_until(lambda: world.containers() == [])
        wait_until(lambda: next_one.folder.tasks() == [next_one.task_id])
        return
    assert_nothing_is_left(world, executor)


def test_the_watchdog_is_not_a_descendant_of_the_executor_and_passes_signals(world: World) -> None:
    executor = world.running()
    (watchdog,) = [one for one in executor.family() if one.pid != executor.process.pid]
    stat = processes.parse_stat(Path(f"/proc/{watchdog.pid}/stat").read_text())
    own = processes.parse_stat(Path(f"/proc/{executor.process.pid}/stat").read_text())
    assert stat.parent != executor.process.pid
    assert stat.session != own.session
    held = {str(entry.readlink()) for entry in Path(f"/proc/{watchdog.pid}/fd").iterdir()}
    pipes = {name for name in held if name.startswith("pipe:")}
    others = {str(executor.stderr), "/dev/null"}
    assert len(pipes) == 1
    assert {name for name in held - pipes - others if not name.endswith("/watchdog.sh")} == set()
    for number in (1, 2, 3, 15):
        os.kill(watchdog.pid, number)
    executor.kill()
    assert_nothing_is_left(world, executor)


def test_a_fetch_ends_with_its_executor(world: World) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"git://127.0.0.1:{silent.getsockname()[1]}/silent.git"
        executor = world.executor()
        executor.launch(world.order(repository=address))
        wait_until(lambda: running_with(address.encode()))
        executor.kill()
        assert_nothing_is_left(world, executor)
        assert running_with(address.encode()) == []


@pytest.mark.parametrize("builder", ["buildkit", "classic"])
def test_a_build_ends_with_its_executor(world: World, builder: str) -> None:
    seconds = f"3{os.getpid()}"
    sha = world.repository.commit_app([f"RUN echo {seconds} && sleep {seconds}"])
    environ = {} if builder == "buildkit" else {"PATH": without_docker(world.folder)}
    executor = world.executor(**environ)
    executor.launch(world.order(sha))
    wait_until(lambda: running_with(seconds.encode()), seconds=60)
    executor.kill()
    assert_nothing_is_left(world, executor)
    wait_until(lambda: running_with(seconds.encode()) == [])
    remove_image(world.client, names.image_tag(APP, sha))
    # The classic builder's own container has no labels.
    wait_until(lambda: not any(seconds in command for command in world.commands()))


def without_docker(folder: Path) -> str:
    """Return a PATH with git and without docker."""
    tools = folder / "tools"
    tools.mkdir()
    for name in ("git", "sh", "ssh"):
        if found := shutil.which(name):
            (tools / name).symlink_to(found)
    return str(tools)


def test_a_container_that_appears_after_its_executor_died_is_removed(world: World) -> None:
    world.have_image()
    began = time.time_ns()
    executors: list[ExecutorProcess] = []

    def die_first() -> None:
        executors[0].kill()
        # The second look shows that the first one found nothing.
        wait_until(lambda: len(looks) > 1)

    looks: list[None] = []
    when = {b"/containers/create?": die_first, b"DELETE /containers/": lambda: looks.append(None)}
    folder = Path(tempfile.mkdtemp(prefix="prevs-"))
    door = DockerDoor(folder / "docker.sock", world.host, when)
    try:
        executor = world.executor(host=door.host)
        executors.append(executor)
        executor.launch(world.order())
        assert_nothing_is_left(world, executor)
        seen = world.client.events(
            since=began // 10**9,
            until=int(time.time()) + 1,
            filters={"type": "container", "container": names.container_name(executor.task_id)},
            decode=True,
        )
        # The container of the test before has the same name.
        assert [e["Action"] for e in seen if e["timeNano"] >= began][:1] == ["create"]
    finally:
        door.close()
        shutil.rmtree(folder)


def test_the_next_executor_removes_what_one_without_a_watchdog_left(world: World) -> None:
    first = world.running()
    for process in first.family():
        processes.send(process, signal.SIGKILL)
    first.wait_gone()
    assert len(world.containers()) == 1
    living = world.executor()
    sha = world.repository.commit_app(["RUN sleep 3000"])
    living.launch(world.order(sha), "b")
    wait_until(lambda: world.containers() == [])
    wait_until(lambda: living.folder.tasks() == [living.task_id])


def test_a_signal_that_another_thread_gets_ends_an_executor_too(world: World) -> None:
    executor = world.running()
    os.kill(other_thread(executor.process.pid), signal.SIGTERM)
    assert executor.wait() == 0
    # On a busy machine docker may not answer in time: then the watchdog removes the container.
    executor.wait_gone()
    assert world.containers() == []
