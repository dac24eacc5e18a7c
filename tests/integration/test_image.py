"""executor/images.py on a real docker daemon, with BuildKit and with the classic builder."""

import contextlib
import hashlib
import json
import os
import secrets
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from docker.api import APIClient

from executor.context import find_context
from executor.daemon import Daemon
from executor.errors import BuildFailed, DockerUnavailable, ExecutorError, Stopped
from executor.guardian import MARK
from executor.images import DockerImages
from executor.ports import Context, ImageSpec
from executor.remains import Remains, clear
from executor.signals import StopSignal
from executor.strays import mark_of
from prevs.commit_settings import BuildSettings
from tests.fakes.attempts import MemoryLog
from tests.fakes.samples import BUSYBOX, DOCKERFILE, nothing_left, remove_image, wait_until
from tests.free_ports import free_port

pytestmark = pytest.mark.integration

TASK = f"image-test-{secrets.token_hex(3)}"
"""Of this run alone: several share one Docker, and each removes what has this name."""
TAG = f"prevs-test/{TASK}:0123"
LONG = f"3{os.getpid()}"
"""Seconds that no other process of this machine sleeps for."""
SLEEP = f"sleep {LONG}".encode()
MARKED = f"{MARK}={secrets.token_hex(8)}"
"""What the guardian of an executor knows its processes by."""
SECRET = "nobody may see this"
SHA = "0123" + "0" * 36
APP = f"{DOCKERFILE.replace('busybox /bin', 'bin/busybox /bin', 1)}COPY . /app\n"
"""A Dockerfile whose context has busybox in bin/, and is in the image's /app."""


DEFAULT = BuildSettings()


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
        self.app = "hello"
        self.others = threading.Event()
        self.at_step: Callable[[str], None] = self.steps.append
        self.daemon = Daemon({"DOCKER_HOST": host})
        self.client: APIClient = self.daemon.client()
        self.is_building = False
        name, _, value = MARKED.partition("=")
        self.environ = {**os.environ, name: value}
        if builder == "classic":
            self.environ["PATH"] = "/nowhere"
        self.restart()

    def restart(self) -> None:
        """Have an executor that nobody has stopped yet."""
        self.signals = StopSignal()
        folder = self.tree.parent / "agent"
        self.images = DockerImages(
            self.daemon, folder, self.environ, self, signals=self.signals, log=self.log
        )

    def build(
        self,
        *lines: str,
        limit: float = 60.0,
        folder: str = "",
        settings: BuildSettings = DEFAULT,
        secrets: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """Build the tree, with a Dockerfile of these lines at its root where there are some."""
        if lines or not folder:
            (self.tree / "Dockerfile").write_text(DOCKERFILE + "\n".join(lines) + "\n")
        context = find_context(self.tree, SHA, folder, settings)
        labels = {"prevs.app": self.app}
        spec = ImageSpec(TAG, labels, settings.target, settings.args, secrets)
        with self.images.building(TAG, busy=self.others.set):
            self.images.build(context, spec, limit=limit, at_step=self.at_step)

    def building(self) -> None:
        """Hear, as its custody, that a build begins."""
        self.is_building = True

    def built(self) -> None:
        """Hear that it has ended by itself; what is left of others is for remains.clear."""
        self.is_building = False

    def clear(self) -> None:
        """Do what the guardian of an executor does when that has ended."""
        clear(Remains(is_building=self.is_building), MARKED.encode(), {})

    def history(self) -> Any:
        """Return what is known of how the image was made."""
        return self.client.history(TAG)  # type: ignore[no-untyped-call]  # as types-docker has it

    def write(self, name: str, text: str) -> None:
        """Have a file in the tree."""
        (self.tree / name).parent.mkdir(parents=True, exist_ok=True)
        (self.tree / name).write_text(text)

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


def in_folder(world: World, folder: str) -> None:
    """Have an app in a folder of the tree, which copies all of it."""
    (world.tree / folder / "bin").mkdir(parents=True)
    (world.tree / "busybox").rename(world.tree / folder / "bin" / "busybox")
    world.write(f"{folder}/Dockerfile", APP)
    world.write(f"{folder}/page", "of the folder\n")
    world.write("page", "of the root\n")


def test_an_app_in_a_folder_is_built_of_that_folder(world: World) -> None:
    in_folder(world, "services/web")
    world.build(folder="services/web")
    assert world.run("cat /app/page; ls /app") == "of the folder\nDockerfile\nbin\npage\n"


def test_the_context_may_be_more_than_the_folder(world: World) -> None:
    in_folder(world, "web")
    (world.tree / "web" / "bin").rename(world.tree / "bin")
    world.build(folder="web", settings=BuildSettings(context=".."))
    assert world.run("cat /app/page /app/web/page") == "of the root\nof the folder\n"


def test_the_dockerfile_may_be_outside_of_the_context(world: World) -> None:
    in_folder(world, "web")
    world.write("docker/Prod", APP)
    (world.tree / "web" / "Dockerfile").unlink()
    world.build(folder="web", settings=BuildSettings(dockerfile="../docker/Prod"))
    assert world.run("cat /app/page") == "of the folder\n"


def test_what_dockerignore_names_is_in_no_image(world: World) -> None:
    in_folder(world, "web")
    world.write("web/.dockerignore", "# what is not built\n*.md\n!keep.md\n")
    for name in ("drop.md", "keep.md"):
        world.write(f"web/{name}", name)
    world.write(".dockerignore", "page\n")
    world.build(folder="web")
    assert world.run("cd /app; echo *.md page") == "keep.md page\n"


def test_a_dockerignore_of_the_dockerfile_alone_is_read_by_buildkit(world: World) -> None:
    in_folder(world, "web")
    world.write("web/Dockerfile.dockerignore", "page\n")
    world.build(folder="web")
    shown = world.run("test -e /app/page && echo it is there")
    assert shown == ("" if world.builder == "buildkit" else "it is there\n")


def test_a_dockerignore_that_is_no_text_is_told_as_the_commits_fault(world: World) -> None:
    (world.tree / ".dockerignore").write_bytes(b"\xff\xfe*.md\n")
    if world.builder == "buildkit":
        world.build()
        return
    with pytest.raises(BuildFailed, match="not UTF-8"):
        world.build()


def test_build_arguments_reach_the_steps(world: World) -> None:
    args = {"GREETING": 'it\'s $HOME, "here"', "EMPTY": ""}
    lines = ("ARG GREETING", "ARG EMPTY=not", 'RUN echo "$GREETING$EMPTY" > /what')
    world.build(*lines, settings=BuildSettings(args=args))
    assert world.run("cat /what") == 'it\'s $HOME, "here"\n'


def test_a_build_argument_is_no_variable_of_the_builders_own_command(world: World) -> None:
    args = {"PATH": "/nowhere", "DOCKER_HOST": "unix:///nowhere", "LD_PRELOAD": "/nowhere.so"}
    world.build(
        "ARG DOCKER_HOST", "RUN echo $DOCKER_HOST > /what", settings=BuildSettings(args=args)
    )
    assert world.run("cat /what") == "unix:///nowhere\n"


def test_the_target_is_the_stage_that_is_built(world: World) -> None:
    world.write(
        "Dockerfile",
        "FROM scratch AS base\n"
        + "".join(line for line in DOCKERFILE.splitlines(keepends=True)[1:])
        + "FROM base AS wanted\nRUN echo wanted > /what\n"
        + "FROM base\nRUN echo last > /what\n",
    )
    world.build(folder=".", settings=BuildSettings(target="wanted"))
    assert world.run("cat /what") == "wanted\n"


def test_a_target_that_there_is_not_is_named(world: World) -> None:
    with pytest.raises(BuildFailed, match="nowhere"):
        world.build(settings=BuildSettings(target="nowhere"))


def test_what_an_earlier_stage_makes_may_be_copied(world: World) -> None:
    world.write(
        "Dockerfile",
        f"{DOCKERFILE}RUN echo made > /what\n".replace("scratch", "scratch AS tools", 1)
        + DOCKERFILE
        + "COPY --from=tools /what /what\n",
    )
    world.build(folder=".")
    assert world.run("cat /what") == "made\n"


@pytest.mark.parametrize("world", ["buildkit"], indirect=True)
def test_a_secret_is_for_the_step_that_mounts_it_and_in_no_image(world: World) -> None:
    value = f"two\nlines of {os.urandom(8).hex()}"
    secrets = {"TOKEN": value, 'a,b="c"': "odd"}
    world.build(
        "RUN --mount=type=secret,id=TOKEN sha256sum < /run/secrets/TOKEN > /what; "
        # A step is known again whatever the secrets are.
        f"echo {os.urandom(4).hex()}",
        'RUN test -z "$TOKEN$PREVS_SECRET_0" && ! test -e /run/secrets/TOKEN',
        secrets=secrets,
    )
    assert world.run("cat /what").split()[0] == hashlib.sha256(value.encode()).hexdigest()
    last = value.splitlines()[1].encode()
    assert last not in b"".join(world.client.get_image(TAG))
    assert last.decode() not in json.dumps(world.history())
    assert last not in world.log.data


def test_without_buildkit_a_build_gets_no_secret_and_says_so(world: World) -> None:
    world.build("RUN env > /what", secrets={"TOKEN": SECRET})
    told = [line for line in world.log.headers if "none of the app's secrets" in line]
    assert len(told) == (1 if world.builder == "classic" else 0)
    assert SECRET not in world.run("cat /what")
    assert SECRET not in "".join(world.log.headers)


def test_what_a_cache_mount_keeps_is_there_for_the_next_build(world: World) -> None:
    if world.builder == "classic":
        with pytest.raises(BuildFailed, match=r"(?i)buildkit"):
            world.build("RUN --mount=type=cache,target=/cache true")
        return
    mount = f"RUN --mount=type=cache,id={TASK},target=/cache"
    first, second = os.urandom(4).hex(), os.urandom(4).hex()
    world.build(f"{mount} echo {first} > /cache/kept")
    world.build(f"{mount} cp /cache/kept /what; echo {second}")
    assert world.run("cat /what") == f"{first}\n"


@pytest.mark.parametrize("world", ["buildkit"], indirect=True)
def test_what_an_apps_build_keeps_is_not_there_for_another_apps(world: World) -> None:
    mount = f"RUN --mount=type=cache,id={TASK}-own,target=/cache"
    world.build(f"{mount} echo {os.urandom(4).hex()} > /cache/kept")
    world.app = "other"
    theirs = BuildSettings(args={"BUILDKIT_CACHE_MOUNT_NS": "prevs//hello"})
    world.build(f"{mount} ls /cache > /what; echo {os.urandom(4).hex()}", settings=theirs)
    assert world.run("cat /what") == ""


@pytest.fixture
def image_of_a_commit(world: World) -> Iterator[str]:
    """Give the name of an image as executors keep it, of another app."""
    name = f"prevs/{TASK}:{SHA}"
    world.build()
    world.client.tag(TAG, f"prevs/{TASK}", SHA)
    yield name
    remove_image(world.client, name)


@pytest.mark.parametrize("world", ["buildkit"], indirect=True)
@pytest.mark.parametrize(
    "lines",
    [
        "FROM {name}\nRUN true",
        "ARG WHICH={name}\nFROM docker.io/$WHICH",
        "FROM scratch\nCOPY --from={name} /bin /bin",
        DOCKERFILE + "RUN --mount=type=bind,from={name},target=/theirs true",
    ],
    ids=["from", "by an argument", "copy", "mount"],
)
def test_no_build_gets_to_see_the_image_of_a_commit(
    world: World, image_of_a_commit: str, lines: str
) -> None:
    world.write("Dockerfile", lines.format(name=image_of_a_commit))
    with pytest.raises(BuildFailed, match=f"{image_of_a_commit} is the image of a commit"):
        world.build(folder=".")


def test_a_change_of_the_last_lines_builds_only_those_again(world: World) -> None:
    lines = ("RUN head -c 8 /dev/urandom | md5sum > /early", "COPY page /page")
    world.write("page", "one\n")
    world.build(*lines)
    early = world.run("cat /early")
    world.write("page", "two\n")
    world.build(*lines)
    assert world.run("cat /early /page") == f"{early}two\n"


def test_a_syntax_that_cannot_be_fetched_is_told_with_the_cause(world: World) -> None:
    address = f"127.0.0.1:{free_port()}"
    world.write("Dockerfile", f"# syntax={address}/dockerfile:1\n{DOCKERFILE}")
    if world.builder == "classic":  # to it that is a comment
        world.build(folder=".")
        return
    with pytest.raises(BuildFailed, match=f"(?s){address}/dockerfile:1.*connection refused"):
        world.build(folder=".")


def test_a_build_that_takes_too_long_is_ended(world: World) -> None:
    with pytest.raises(BuildFailed, match="within 1 s"):
        world.build(f"RUN echo {os.urandom(4).hex()}; sleep {LONG}", limit=1.0)
    world.clear()
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
    world.clear()
    wait_until(lambda: not running(SLEEP))
    assert not world.images.exists(TAG)


def test_a_build_that_is_cut_off_at_any_moment_leaves_no_process(world: World) -> None:
    """BuildKit loses the step of some of them; see executor/strays.py."""
    world.build()
    seconds = [0.1 + 0.025 * number for number in range(14)]
    with contextlib.ExitStack() as busy:
        for _ in range(4):
            busy.enter_context(busily())
        for limit in seconds:
            with pytest.raises(BuildFailed, match="within"):
                world.build(f"RUN echo {os.urandom(4).hex()}; sleep {LONG}", limit=limit)
    world.clear()
    assert not running(SLEEP)


@pytest.mark.parametrize("world", ["buildkit"], indirect=True)
def test_a_step_that_begins_after_its_build_was_cut_off_is_killed(world: World) -> None:
    """What BuildKit loses is no test's to choose: this process is as late, and has the mark."""
    with pytest.raises(BuildFailed, match="within"):
        world.build(f"RUN echo {os.urandom(4).hex()}; sleep {LONG}", limit=1.0)
    late: list[subprocess.Popen[bytes]] = []
    marked = {"no_proxy": f"localhost,{mark_of(MARKED.partition('=')[2])}"}

    def begin() -> None:
        late.append(subprocess.Popen(["sleep", LONG], env={**os.environ, **marked}))

    timer = threading.Timer(2.0, begin)
    timer.start()
    world.clear()
    timer.join()
    assert late[0].wait(10) == -signal.SIGKILL


@pytest.mark.parametrize("world", ["buildkit"], indirect=True)
def test_the_mark_of_a_step_is_in_its_environment_alone(world: World) -> None:
    step = f"RUN env; echo {os.urandom(4).hex()}; head -c 8 /dev/urandom | md5sum > /what"
    name, _, value = MARKED.partition("=")
    world.build(step)
    first = world.run("cat /what")
    assert f" no_proxy={mark_of(value)}\n".encode() in world.log.data
    kept = json.dumps([world.history(), world.client.inspect_image(TAG)])  # type: ignore[no-untyped-call]
    assert value not in kept
    world.environ[name] = secrets.token_hex(8)
    world.restart()
    world.build(step)
    assert world.run("cat /what") == first


@contextlib.contextmanager
def busily() -> Iterator[None]:
    """Have one more process that computes."""
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as process:
        try:
            yield
        finally:
            process.kill()


def test_a_daemon_that_is_not_there_is_told_as_such(world: World, tmp_path: Path) -> None:
    daemon = Daemon({"DOCKER_HOST": "unix:///nowhere/docker.sock"})
    environ = {"PATH": os.environ["PATH"] if world.builder == "buildkit" else "/nowhere"}
    images = DockerImages(daemon, tmp_path, environ, world, signals=world.signals, log=world.log)
    with pytest.raises(DockerUnavailable):
        images.exists(TAG)
    (world.tree / "Dockerfile").write_text(DOCKERFILE)
    context = Context(world.tree, world.tree / "Dockerfile")
    with pytest.raises(DockerUnavailable):
        images.build(context, ImageSpec(TAG, {}), limit=30.0, at_step=world.steps.append)


def test_a_commit_is_built_once_at_a_time(world: World) -> None:
    waits = threading.Event()
    with world.images.building(TAG, busy=world.others.set):
        signals = StopSignal()
        other = DockerImages(
            Daemon({}), world.tree.parent / "agent", {}, world, signals=signals, log=world.log
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
