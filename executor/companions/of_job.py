"""A job with companions: its own, or those of the preview of its commit, which runs beside it."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

from executor.attempt.attempt import Attempt
from executor.attempt.hooks import Hooks
from executor.attempt.work import Work
from executor.companions import specs
from executor.companions.companion_errors import PreviewStopped
from executor.errors import DockerUnavailable, StartFailed
from executor.ports import Container, Containers, ContainerSpec, Exit, Finished, Left, Log, Volume
from prevs import names

LOOK = 2.0
"""Seconds between two looks whether the preview still runs."""

_BEFORE = "before its command began"
_MEANWHILE = "while its command ran"


class NoVolumes:
    """Fulfils the port Volumes for a job's own companions: what they write goes with them."""

    def have(
        self,
        app: str,
        sha: str,
        paths: Sequence[str],
        labels: Mapping[str, str],
        *,
        app_created: float = 0.0,
    ) -> Sequence[Volume]:
        """Return no volumes."""
        del app, sha, paths, labels, app_created
        return ()

    def prepared(self, volumes: Sequence[Volume], hooks: Sequence[Sequence[str]]) -> bool:
        """Return that hooks must run."""
        del volumes, hooks
        return False

    def keep_prepared(self, volumes: Sequence[Volume], hooks: Sequence[Sequence[str]]) -> None:
        """Keep nothing."""

    def is_seeded(self, volumes: Sequence[Volume]) -> bool:
        """Return that nothing is there yet."""
        del volumes
        return False

    def note_seeded(self, volumes: Sequence[Volume]) -> None:
        """Keep nothing."""


class Prepared(NamedTuple):
    """Fulfils Use by that of a job: the commit's hooks run before its command starts."""

    work: Work
    hooks: Hooks

    def start(self) -> Container:
        """Run the hooks, then start the command."""
        self.work.log.header(
            "no preview of this commit runs: the companions are its own, and begin with nothing"
        )
        self.hooks.run(())
        return self.work.start()

    def wait_until_running(self, container: Container) -> None:
        """Report that the command runs."""
        self.work.wait_until_running(container)

    def watch(self, container: Container) -> Finished:
        """Wait until the command ends."""
        return self.work.watch(container)


class RunningPreviews(Protocol):
    """Looks whether the containers of previews run."""

    def runs(self, container: str, labels: Mapping[str, str]) -> bool:
        """Return whether a container of that name runs, and has these labels, none for "".

        Blocks for one call at most. Raises DockerUnavailable.
        """
        ...


class _Watch:
    """Looks again and again whether a preview runs, on a thread, until it does not or `over`."""

    def __init__(self, runs: Callable[[], bool], on_stop: Callable[[], None], pause: float) -> None:
        self._runs = runs
        self._on_stop = on_stop
        self._pause = pause
        self._over = threading.Event()
        self.has_stopped = False
        threading.Thread(target=self._follow, daemon=True, name="preview").start()

    def _follow(self) -> None:
        while not self._over.wait(self._pause):
            if not self.look():
                self._on_stop()
                return

    def look(self) -> bool:
        """Return whether it still runs, as far as docker says."""
        with contextlib.suppress(DockerUnavailable):  # of which the job's own container tells
            self.has_stopped = self.has_stopped or not self._runs()
        return not self.has_stopped

    def end(self) -> None:
        self._over.set()


class _Beside:
    """Fulfils the port Container by that of a job's command, which ends if the preview stops."""

    def __init__(self, container: Container, watch: _Watch) -> None:
        self._container = container
        self._watch = watch

    def exit(self) -> Exit | None:
        """Return how it ended, None while it runs.

        Raises PreviewStopped once the preview has stopped, unless the command had succeeded.
        """
        ended = self._container.exit()
        if ended is not None and (ended.code == 0 or self._watch.look()):
            return ended
        if ended is not None or self._watch.has_stopped:
            raise PreviewStopped(_MEANWHILE)
        return None

    def memory_kills(self) -> int:
        """Return how many of its processes were killed."""
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
        self._watch.end()
        self._container.remove()


class ContainersBeside(NamedTuple):
    """Fulfils the port Containers: they join the network of a `preview` that runs, by its task.

    It is of the same commit, and as trusted: its containers have the labels of this attempt.
    """

    attempt: Attempt
    preview: str
    containers: Containers
    previews: RunningPreviews
    log: Log
    pause: float = LOOK

    def start(self, spec: ContainerSpec, *, on_exit: Callable[[], None]) -> Container:
        """Start a container beside those of the preview. Raises PreviewStopped too."""
        if not self._runs():
            raise PreviewStopped(_BEFORE)
        shown = ", ".join(one.name for one in self.attempt.order.run.companions)
        self.log.header(f"the preview of this commit runs: {shown} are that one's")
        joined = specs.beside(self.attempt, self.preview, spec)
        try:
            container = self.containers.start(joined, on_exit=on_exit)
        except StartFailed as exc:
            # Nothing joins a network whose owner has ended.
            if self._runs():
                raise
            raise PreviewStopped(_BEFORE) from exc
        return _Beside(container, _Watch(self._runs, on_exit, self.pause))

    def _runs(self) -> bool:
        """Return whether its application runs, which ends first, and what owns its network."""
        labels = specs.labels_of(self.attempt, self.preview)
        owner = specs.owner_of(self.attempt, self.preview)
        application = names.container_name(self.preview)
        return all(self.previews.runs(one, labels) for one in (application, owner))
