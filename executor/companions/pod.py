"""Containers, volumes and the disk of the application as they are beside companions."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from executor.attempt.attempt import HOOK, Attempt
from executor.companions import specs
from executor.companions.companion_errors import TogetherFull
from executor.companions.running import RunningCompanions
from executor.errors import DiskFull, StartFailed
from executor.ports import (
    Container,
    Containers,
    ContainerSpec,
    Exit,
    Left,
    Volume,
    Volumes,
)

JOB = "job"
"""Whose companions those of a job are, beside those of a preview."""


class PodContainer:
    """Fulfils the port Container by another one, which ends if one of its companions does."""

    def __init__(self, container: Container, running: RunningCompanions) -> None:
        self._container = container
        self._running = running
        self._is_judged = False

    def exit(self) -> Exit | None:
        """Return how it ended, None while it runs; raises it once if a companion has failed.

        If it failed, waits for three seconds whether a companion had failed before, which is why.
        """
        self._running.check()
        try:
            ended = self._container.exit()
        except DiskFull as exc:
            whose = self._running.whose
            last = "the command" if whose == JOB else "the application"
            raise TogetherFull(exc.limit, last, whose) from exc
        if ended is not None and ended.code != 0 and not self._is_judged:
            self._is_judged = True
            self._running.wait_for_failure()
        return ended

    def memory_kills(self) -> int:
        """Return how many of its own processes were killed; log those of its companions."""
        self._running.tell_memory_kills()
        return self._container.memory_kills()

    def terminate(self) -> bool:
        """Send it its stop signal; return whether it ran still."""
        return self._container.terminate()

    def read_progress(self) -> bytes | None:
        """Return the text of its command's progress file."""
        return self._container.read_progress()

    def take(self, folder: Path) -> Left:
        """Return what its command left."""
        return self._container.take(folder)

    def drain(self, seconds: float) -> None:
        """Wait until all its output is in the log."""
        self._container.drain(seconds)

    def remove(self) -> None:
        """Kill it if it runs, and remove it."""
        self._container.remove()


class MainContainer(PodContainer):
    """The application's container: its companions end after it, and are removed with it."""

    def remove(self) -> None:
        """Remove it, then end its companions."""
        try:
            super().remove()
        finally:
            self._running.end()


class PodContainers:
    """Fulfils the port Containers: they join the network of the attempt's companions."""

    def __init__(
        self, attempt: Attempt, containers: Containers, running: RunningCompanions
    ) -> None:
        self._attempt = attempt
        self._containers = containers
        self._running = running

    def start(self, spec: ContainerSpec, *, on_exit: Callable[[], None]) -> PodContainer:
        """Start a container beside the companions, which all run."""
        try:
            container = self._containers.start(specs.joined(self._attempt, spec), on_exit=on_exit)
        except StartFailed:
            # Nothing joins a companion that has ended.
            self._running.wait_for_failure()
            raise
        kind = PodContainer if HOOK in spec.labels else MainContainer
        return kind(container, self._running)


class PodVolumes:
    """Fulfils the port Volumes: what hooks did to the companions' volumes counts too.

    `of_companions` returns the volumes of all companions.
    """

    def __init__(self, volumes: Volumes, of_companions: Callable[[], Sequence[Volume]]) -> None:
        self._volumes = volumes
        self._of_companions = of_companions

    def have(
        self,
        app: str,
        sha: str,
        paths: Sequence[str],
        labels: Mapping[str, str],
        *,
        app_created: float = 0.0,
    ) -> Sequence[Volume]:
        """Return volumes; creates those that do not exist."""
        return self._volumes.have(app, sha, paths, labels, app_created=app_created)

    def prepared(self, volumes: Sequence[Volume], hooks: Sequence[Sequence[str]]) -> bool:
        """Return whether keep_prepared() was called for these hooks and all these volumes."""
        return self._volumes.prepared([*volumes, *self._of_companions()], hooks)

    def keep_prepared(self, volumes: Sequence[Volume], hooks: Sequence[Sequence[str]]) -> None:
        """Note that these hooks have succeeded on all these volumes."""
        self._volumes.keep_prepared([*volumes, *self._of_companions()], hooks)

    def is_seeded(self, volumes: Sequence[Volume]) -> bool:
        """Return whether note_seeded() was called for all these volumes."""
        return self._volumes.is_seeded([*volumes, *self._of_companions()])

    def note_seeded(self, volumes: Sequence[Volume]) -> None:
        """Note that all these volumes have what new data begin with."""
        self._volumes.note_seeded([*volumes, *self._of_companions()])


class DiskShare:
    """What the containers of a preview have written, each by its last measurement. Thread safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._written: dict[str, int] = {}

    def note(self, container: str, written: int) -> int:
        """Note what a container has written; return the bytes of all together."""
        with self._lock:
            self._written[container] = written
            return sum(self._written.values())
