"""executor/images.py on a real docker daemon, with BuildKit and with the classic builder."""

import os
import secrets
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from docker.api import APIClient

from executor.daemon import Daemon
from executor.errors import BuildFailed, DockerUnavailable, ExecutorError, Stopped
from executor.images import DockerImages
from executor.signals import StopSignal
from tests.fakes.attempts import MemoryLog
from tests.fakes.samples import BUSYBOX, DOCKERFILE, nothing_left, remove_image, wait_until

pytestmark = pytest.mark.integration

TASK = f"image-test-{secrets.token_hex(3)}"
"""Of this run alone: several share one Docker, and each removes what has this name."""
TAG = f"prevs-test/{TASK}:0123"
LONG = f"3{os.getpid()}"
"""Seconds that no other process of this machine sleeps for."""
SLEEP = f"sleep {LONG}".encode()
SECRET = "nobody may see this"


class World:
    """A folder to build, a docker daemon, and one of its two builders."""

    def __init__(self, host: str, folder: Path, builder: str) -> None:
        self.builder = builder
        self.tree = folder / "tree"
        self.tree.mkdir()
        (self.tree / "busybox").write_bytes(BUSYBOX.read_bytes())
        (self.tree / "busybox").chmod(0o755)
        self.log = MemoryLog()
        self.steps: list[str] = []
        self.others = threading.Event()
        self.signals = StopSignal()
        daemon = Daemon({"DOCKER_HOST": host})
        self.client: APIClient = daemon.client()
        environ = dict(os.environ)
        if builder == "classic":
            environ["PATH"] = "/nowhere"
        self.images = DockerImages(
            daemon, folder / "agent", environ, signals=self.signals, log=self.log
        )

    def build(self, *lines: str, limit: float = 60.0) -> None:
        (self.tree / "Dockerfile").write_text(DOCKERFILE + "\n".join(lines) + "\n")
        with self.images.building(TAG, busy=self.others.set):
            self.images.build(
                self.tree, TAG, {"prevs.app": "hello"}, limit=limit, at_step=self.steps.append
            )

    def run(self, command: str) -> str:
        """Return what a command says in a container of the image."""
        made = self.client.create_container(
            TAG, ["/bin/sh", "-c", command], labels={"prevs.task": TASK}
        )
        self.client.start(made["Id"])
        self.client.wait(made["Id"])
        said: bytes = self.client.logs(made["Id"])
        return said.decode()


@pytest.fixture(params=["buildkit", "classic"])
def world(request: pytest.FixtureRequest, docker_host: str, tmp_path: Path) -> Iterator[World]:
    made = World(docker_host, tmp_path, request.param)
    with nothing_left(made.client, f"prevs.task={TASK}"):
        yield made
    remove_image(made.client, TAG)


def test_an_image_is_there_once_it_was_built(world: World) -> None:
    assert not world.images.exists(TAG)
    world.build("RUN echo built > /what")
    assert world.images.exists(TAG)
    assert world.run("cat /what") == "built\n"


def test_an_image_carries_its_labels(world: World) -> None:
    world.build()
    (found,) = world.client.images(filters={"label": "prevs.app=hello"}, name=TAG)
    assert found["Labels"] == {"prevs.app": "hello"}


def test_the_builder_is_the_one_that_is_meant(world: World) -> None:
    world.build()
    buildkit = b"[internal] load build definition" in world.log.data
    assert buildkit == (world.builder == "buildkit")


def test_what_a_step_says_is_in_the_log_while_it_runs(world: World) -> None:
    seen: list[bool] = []

    def watch() -> None:
        wait_until(lambda: b"first words" in world.log.data)
        seen.append(b"last words" not in world.log.data.replace(b"echo last words", b""))

    watcher = threading.Thread(target=watch)
    watcher.start()
    unique = os.urandom(4).hex()
    world.build(f"RUN echo {unique}", "RUN echo first words; sleep 3; echo last words")
    watcher.join()
    assert seen == [True]
    numbers = {"buildkit": "4/4", "classic": "5/6"}
    assert f"{numbers[world.builder]} RUN echo first words; sleep 3; echo last words" in world.steps


def test_a_step_that_fails_is_named_with_its_exit_code(world: World) -> None:
    with pytest.raises(BuildFailed) as caught:
        world.build("RUN echo out of luck; exit 7")
    assert caught.value.exit_code == 7
    # The classic builder counts FROM, and a step of its own for the labels.
    step = {"buildkit": "3/3", "classic": "4/5"}[world.builder]
    assert f"Step {step} of the Dockerfile failed (exit code 7)" in str(caught.value)
    assert "out of luck; exit 7" in str(caught.value)
    assert b"out of luck\n" in world.log.data
    assert not world.images.exists(TAG)


def test_a_file_that_is_not_there_is_named(world: World) -> None:
    with pytest.raises(BuildFailed, match="nothing-here"):
        world.build("COPY nothing-here /x")


def test_a_dockerfile_with_a_typing_error_is_told(world: World) -> None:
    with pytest.raises(BuildFailed, match=r"(?i)unknown instruction: RUM"):
        world.build("RUM echo")


def test_a_link_out_of_the_commit_shows_nothing_of_the_agent(world: World) -> None:
    secret = world.tree.parent / "secret"
    secret.mkdir()
    (secret / "file").write_text(SECRET)
    (world.tree / "link").symlink_to(secret / "file")
    (world.tree / "up").symlink_to("../secret")
    (world.tree / "absolute").symlink_to(secret)
    for source in ("link", "up", "up/file", "absolute", "absolute/file"):
        try:
            world.build(f"COPY {source} /got")
        except ExecutorError:
            continue
        found = world.run("cat /got /got/* 2>/dev/null; ls -l /got")
        assert SECRET not in found
    assert SECRET.encode() not in world.log.data


def test_a_build_that_takes_too_long_is_ended(world: World) -> None:
    with pytest.raises(BuildFailed, match="within 1 s"):
        world.build(f"RUN echo {os.urandom(4).hex()}; sleep {LONG}", limit=1.0)
    wait_until(lambda: not running(SLEEP))


def test_a_stop_ends_the_build_and_its_step(world: World) -> None:
    def stop() -> None:
        wait_until(lambda: running(SLEEP))
        world.signals.stop(5.0)

    stopper = threading.Thread(target=stop)
    stopper.start()
    with pytest.raises(Stopped):
        world.build(f"RUN echo {os.urandom(4).hex()}; sleep {LONG}")
    stopper.join()
    wait_until(lambda: not running(SLEEP))
    assert not world.images.exists(TAG)


def test_a_daemon_that_is_not_there_is_told_as_such(world: World, tmp_path: Path) -> None:
    daemon = Daemon({"DOCKER_HOST": "unix:///nowhere/docker.sock"})
    environ = {"PATH": os.environ["PATH"] if world.builder == "buildkit" else "/nowhere"}
    images = DockerImages(daemon, tmp_path, environ, signals=world.signals, log=world.log)
    with pytest.raises(DockerUnavailable):
        images.exists(TAG)
    (world.tree / "Dockerfile").write_text(DOCKERFILE)
    with pytest.raises(DockerUnavailable):
        images.build(world.tree, TAG, {}, limit=30.0, at_step=world.steps.append)


def test_a_commit_is_built_once_at_a_time(world: World) -> None:
    waits = threading.Event()
    with world.images.building(TAG, busy=world.others.set):
        signals = StopSignal()
        other = DockerImages(
            Daemon({}), world.tree.parent / "agent", {}, signals=signals, log=world.log
        )

        def stop() -> None:
            waits.wait(60)
            signals.stop(1.0)

        stopper = threading.Thread(target=stop)
        stopper.start()
        with pytest.raises(Stopped), other.building(TAG, busy=waits.set):
            pytest.fail("two build it")
        stopper.join()
    assert (waits.is_set(), world.others.is_set()) == (True, False)


def running(command: bytes) -> bool:
    """Tell whether a process runs on this machine whose last words are `command`."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if path.read_bytes().rstrip(b"\0").replace(b"\0", b" ") == command:
                return True
        except OSError:
            continue
    return False
