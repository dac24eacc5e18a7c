"""Two attempts of one agent that need the image of the same commit: it is built once.

Each is executor/attempt/image_provider.py with real images, its own docker client and its own stop
signal, like two processes. The locks between them are files.
"""

import dataclasses
import os
import secrets
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from docker.api import APIClient

from executor.attempt.image_provider import ImageProvider, ImageSources
from executor.builds.images import DockerImages
from executor.docker.daemon import Daemon
from executor.errors import Stopped
from executor.signals import StopSignal
from tests.fakes.attempts import FakeCheckout, MemoryLog, RecordingReports
from tests.fakes.samples import BUSYBOX, DOCKERFILE, remove_image
from tests.unit.executor.attempt.test_attempt import ATTEMPT
from tests.waits import wait_until

pytestmark = pytest.mark.integration

APP = f"builds-test-{secrets.token_hex(3)}"
"""Of this run alone: several share one Docker."""


class Builder:
    """One attempt that has its image made, on a thread of its own."""

    def __init__(self, host: str, folder: Path, environ: dict[str, str]) -> None:
        self.signals = StopSignal()
        self.log = MemoryLog()
        self.ended: list[str] = []
        self.reports = RecordingReports()
        images = DockerImages(
            Daemon({"DOCKER_HOST": host}),
            folder / "agent",
            environ,
            self,
            signals=self.signals,
            log=self.log,
        )
        order = dataclasses.replace(ATTEMPT.order, app=APP)
        checkout = FakeCheckout(folder / "tree")
        sources = ImageSources(lambda: checkout, lambda on_start: None, images, None)
        attempt = ATTEMPT._replace(order=order)
        self.tag = attempt.image
        self._provider = ImageProvider(attempt, sources, reports=self.reports, log=self.log)
        self._thread = threading.Thread(target=self._run)

    def build_started(self) -> None:
        """Be its guard: a build starts."""

    def build_ended(self) -> None:
        """It has ended by itself."""

    def start(self) -> None:
        self._thread.start()

    def _run(self) -> None:
        try:
            self._provider.ensure()
        except Stopped:
            self.ended.append("stopped")
        else:
            self.ended.append("has it")

    def join(self) -> str:
        self._thread.join(120)
        return self.ended[0]

    @property
    def waits(self) -> bool:
        """Return whether it has reported that another one builds."""
        return any("waiting for it" in header for header in self.log.headers)

    @property
    def builds(self) -> bool:
        """Return whether its own build has come to its last step."""
        return b"it is built now" in self.log.data.replace(b"echo it is built now", b"")


@pytest.fixture(params=["buildkit", "classic"])
def make(
    request: pytest.FixtureRequest, docker_host: str, tmp_path: Path
) -> Iterator[Callable[[], Builder]]:
    """A factory of attempts of one agent; a build is long enough for the second to come."""
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "busybox").write_bytes(BUSYBOX.read_bytes())
    (tree / "busybox").chmod(0o755)
    lines = f"RUN echo it is built now {os.urandom(4).hex()}; sleep 3\n"
    (tree / "Dockerfile").write_text(DOCKERFILE + lines)
    environ = dict(os.environ)
    if request.param == "classic":
        environ["PATH"] = "/nowhere"
    yield lambda: Builder(docker_host, tmp_path, environ)
    client: APIClient = Daemon({"DOCKER_HOST": docker_host}).client()
    remove_image(client, Builder(docker_host, tmp_path, environ).tag)


def begin(first: Builder, *others: Builder) -> None:
    """Have the first build, and the others wait for it."""
    first.start()
    wait_until(lambda: first.builds)
    for other in others:
        other.start()
    wait_until(lambda: all(other.waits for other in others))


def test_other_builds_use_the_first_ones_result_and_may_be_stopped_while_they_wait(
    make: Callable[[], Builder],
) -> None:
    first, second, stopped = make(), make(), make()
    begin(first, second, stopped)
    stopped.signals.stop(5.0)
    assert stopped.join() == "stopped"
    assert (first.join(), second.join()) == ("has it", "has it")
    assert second.log.data == b""


def test_the_second_builds_by_itself_when_the_first_is_stopped(make: Callable[[], Builder]) -> None:
    first, second = make(), make()
    begin(first, second)
    first.signals.stop(5.0)
    assert (first.join(), second.join()) == ("stopped", "has it")
    assert second.builds
