"""What is built in tests of images: a folder, a docker daemon, and one of its two builders."""

import contextlib
import io
import os
import secrets
import tarfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from docker.api import APIClient

from executor.attempt.context import find_context
from executor.builds.images import DockerImages
from executor.cleanup.orphans import Orphans, clear
from executor.docker.daemon import Daemon
from executor.limits.confinement import Confinement
from executor.ports import ImageSpec
from executor.signals import StopSignal
from executor.workspace.watchdog import MARK
from local.docker.containers import remove_all
from prevs.containers import BuildSettings
from tests.fakes.attempts import MemoryLog
from tests.fakes.samples import BUSYBOX, DOCKERFILE, nothing_left, remove_image

TASK = f"image-test-{secrets.token_hex(3)}"
"""Of this run alone: several share one Docker, and each removes what has this name."""
TAG = f"prevs-test/{TASK}:0123"
LONG = f"3{os.getpid()}"
"""Seconds that no other process of this machine sleeps for."""
SLEEP = f"sleep {LONG}".encode()
MARKED = f"{MARK}={secrets.token_hex(8)}"
"""What the watchdog of an executor knows its processes by."""
SECRET = "nobody may see this"
SHA = "0123" + "0" * 36
APP = f"{DOCKERFILE.replace('busybox /bin', 'bin/busybox /bin', 1)}COPY . /app\n"
"""A Dockerfile whose context has busybox in bin/, and is in the image's /app."""


DEFAULT = BuildSettings()
CONFINED = Confinement()
"""As an operator has it who has set nothing."""
BUILDERS = ("buildkit", "classic")


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
        # The control group of an app is one for the machine, where other tests build too.
        self.app = TASK
        self.others = threading.Event()
        self.at_step: Callable[[str], None] = self.steps.append
        self.daemon = Daemon({"DOCKER_HOST": host})
        self.client: APIClient = self.daemon.client()
        self.is_building = False
        self.isolation: dict[str, str] = {}
        name, _, value = MARKED.partition("=")
        self.environ = {**os.environ, name: value}
        if builder == "classic":
            self.environ["PATH"] = "/nowhere"
        self.restart()

    def restart(self, confined: Confinement = CONFINED) -> None:
        """Create an executor without a stop."""
        self.signals = StopSignal()
        folder = self.tree.parent / "agent"
        self.images = DockerImages(
            self.daemon,
            folder,
            self.environ,
            self,
            signals=self.signals,
            log=self.log,
            cluster=TASK,
            confined=confined,
            report_isolation=self.isolation.__setitem__,
        )

    def build(
        self,
        *lines: str,
        limit: float = 60.0,
        folder: str = "",
        tag: str = TAG,
        settings: BuildSettings = DEFAULT,
        secrets: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """Build the tree, with a Dockerfile of these lines at its root where there are some."""
        if lines or not folder:
            (self.tree / "Dockerfile").write_text(DOCKERFILE + "\n".join(lines) + "\n")
        context = find_context(self.tree, SHA, folder, settings)
        labels = {"prevs.app": self.app}
        spec = ImageSpec(tag, labels, settings.target, settings.args, secrets)
        with self.images.building(tag, busy=self.others.set):
            self.images.build(context, spec, limit=limit, at_step=self.at_step)

    def build_started(self) -> None:
        """Be its guard: a build starts."""
        self.is_building = True

    def build_ended(self) -> None:
        """It has ended by itself. orphans.clear removes what others leave."""
        self.is_building = False

    def clear(self) -> None:
        """Do the work of an executor's watchdog after the executor's end."""
        clear(Orphans(is_building=self.is_building), MARKED.encode(), {})

    def history(self) -> Any:
        """Return the history of the image."""
        return self.client.history(TAG)  # type: ignore[no-untyped-call]  # as types-docker has it

    def write(self, name: str, text: str) -> None:
        """Add a file to the tree."""
        (self.tree / name).parent.mkdir(parents=True, exist_ok=True)
        (self.tree / name).write_text(text)

    def run(self, command: str) -> str:
        """Return the output of a command in a container of the image.

        The output goes to a file: Docker waits two seconds for the output of an ended container,
        and drops the rest.
        """
        script = ["/bin/sh", "-c", f"{{ {command}\n}} > /output 2>&1"]
        made = self._container(script)
        self.client.start(made)
        self.client.wait(made)
        return self._read(made, "/output")

    def read(self, *files: str) -> str:
        """Return the text of files of the image together. Raises NotFound.

        No container runs for that, which would take ten times as long.
        """
        made = self._container()
        return "".join(self._read(made, file) for file in files)

    def _container(self, command: Sequence[str] = ("none",)) -> str:
        labels = {"prevs.task": TASK}
        return str(self.client.create_container(TAG, list(command), labels=labels)["Id"])

    def _read(self, container: str, name: str) -> str:
        pieces, _ = self.client.get_archive(container, name)
        with tarfile.open(fileobj=io.BytesIO(b"".join(pieces))) as archive:
            file = archive.extractfile(Path(name).name)
            assert file is not None
            return file.read().decode()


@contextlib.contextmanager
def making(builder: str, host: str, folder: Path) -> Iterator[World]:
    """A world in a folder, with `builder` ("buildkit", "classic") at a daemon."""
    made = World(host, folder, builder)
    with nothing_left(made.client, f"prevs.task={TASK}"):
        yield made
    remove_image(made.client, TAG)


@contextlib.contextmanager
def keeping_base(host: str, folder: Path) -> Iterator[None]:
    """Keep the image of DOCKERFILE: the classic builder's cache is the images that are there."""
    base = f"{TAG}-base"
    with making("classic", host, folder) as made:
        made.build()
        repository, _, version = base.partition(":")
        made.client.tag(TAG, repository, version)
    yield
    remove_image(made.client, base)


@contextlib.contextmanager
def removing_network(host: str, cluster: str = TASK) -> Iterator[None]:
    """Remove the network of a cluster's previews at the end: its rules close builds too.

    To make and remove one takes dockerd as long as a container, so several worlds have it in turn.
    """
    yield
    assert remove_all(host, cluster) == []
