"""The edges of an attempt, in memory: a clock that jumps, a log, files, images, answers."""

import contextlib
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from executor.errors import BuildExposed, ExecutorError, RegistryFailed, Stopped
from executor.ports import Answer, Context, ImageSpec, Volume
from prevs.log_sources import Source
from prevs.states import Phase
from prevs.work import Progress


class MemoryLog:
    """Fulfils the port Log."""

    def __init__(self) -> None:
        self.data = b""
        self.of = dict.fromkeys(Source, b"")
        self.headers: list[str] = []
        self.flushed = False

    def write(self, data: bytes, source: Source = Source.PREVS) -> None:
        self.data += data
        self.of[source] += data

    def header(self, text: str) -> None:
        self.headers.append(text)

    def flush(self) -> None:
        self.flushed = True


class JumpingSignals:
    """Fulfils the port Signals: a wait takes no time and moves the clock.

    A wait that reaches the time of a planned action calls the action.
    """

    def __init__(self) -> None:
        self.time = 0.0
        self.stopped = False
        self.grace = 0.0
        self._plan: list[tuple[float, Callable[[], None]]] = []

    def plan(self, seconds: float, action: Callable[[], None]) -> None:
        """Plan an action for a time."""
        self._plan.append((seconds, action))

    def now(self) -> float:
        return self.time

    def stop(self, grace: float = 10.0) -> None:
        self.stopped = True
        self.grace = grace

    def check(self) -> None:
        if self.stopped:
            raise Stopped

    def wait(self, seconds: float) -> None:
        """Jump to the next planned action, or by `seconds`."""
        end = self.time + seconds
        if self._plan and self._plan[0][0] <= end:
            end, action = self._plan.pop(0)
            action()
        self.time = end
        self.check()

    def wait_for_end(self, ended: Callable[[], bool], within: float = math.inf) -> None:
        """Jump over the grace unless it has ended."""
        if not ended():
            self.time += min(self.grace, within)

    def wake(self) -> None:
        """Do nothing: no other thread waits."""

    @contextlib.contextmanager
    def interrupting(self, interrupt: Callable[[], None]) -> Iterator[None]:
        """Interrupt nothing: no fake blocks."""
        self.check()
        yield


class FakeCheckout:
    """Fulfils the port Checkout: `folder` is the tree, or `error` is raised."""

    def __init__(self, folder: Path, error: ExecutorError | None = None) -> None:
        self._folder = folder
        self._error = error

    @contextlib.contextmanager
    def tree(self, *, limit: float) -> Iterator[Path]:
        if self._error:
            raise self._error
        yield self._folder


class FakeImages:
    """Fulfils the port Images.

    A build reports `steps` and then calls `during_build`, which may raise. With `exposed` no build
    may start.
    """

    def __init__(
        self,
        tags: Sequence[str] = (),
        during_build: Callable[[], None] = lambda: None,
        steps: Sequence[str] = (),
    ) -> None:
        self.tags = set(tags)
        self.built: list[str] = []
        self.contexts: list[Context] = []
        self.labels: Mapping[str, str] = {}
        self.busy = False
        self.looks: list[bool] = []
        self.exposed = ""
        self._during_build = during_build
        self._steps = steps

    def exists(self, tag: str) -> bool:
        """Return whether an image of this tag exists, or the next of `looks`."""
        return self.looks.pop(0) if self.looks else tag in self.tags

    @contextlib.contextmanager
    def building(self, tag: str, *, busy: Callable[[], None]) -> Iterator[None]:
        """Somebody else builds only if `busy`."""
        if self.busy:
            busy()
        yield

    def check_builds(self) -> None:
        if self.exposed:
            raise BuildExposed(self.exposed)

    def build(
        self, context: Context, spec: ImageSpec, *, limit: float, at_step: Callable[[str], None]
    ) -> None:
        for step in self._steps:
            at_step(step)
        self._during_build()
        self.built.append(spec.tag)
        self.contexts.append(context)
        self.labels = spec.labels
        self.tags.add(spec.tag)


class FakeRegistry:
    """Fulfils the port Registry: has images by digest. With `error` every call fails."""

    def __init__(self, images: FakeImages, digest: str = "", error: str = "") -> None:
        self.digest = digest
        self.error = error
        self.requested: list[str] = []
        self.pushed: list[str] = []
        self.ended = False
        self._images = images

    def pull(self, spec: ImageSpec, digest: str, *, limit: float) -> str:
        self.requested.append(digest)
        if self.error or not self.digest or digest not in ("", self.digest):
            raise RegistryFailed(self.error or "manifest unknown")
        self._images.tags.add(spec.tag)
        return self.digest

    def push(self, tag: str, *, limit: float) -> str:
        if self.error:
            raise RegistryFailed(self.error)
        self.pushed.append(tag)
        self.digest = f"sha256:{len(self.pushed):064x}"
        return self.digest

    def end(self) -> None:
        self.ended = True


class FakeVolumes:
    """Fulfils the port Volumes: volumes that are made when they are first wanted."""

    def __init__(self) -> None:
        self.there: dict[tuple[str, float, str, str], Volume] = {}
        self.labels: Mapping[str, str] = {}
        self._made = 0
        self._prepared: list[tuple[Sequence[Volume], Sequence[Sequence[str]]]] = []
        self._seeded: list[set[str]] = []

    def have(
        self,
        app: str,
        sha: str,
        paths: Sequence[str],
        labels: Mapping[str, str],
        *,
        app_created: float = 0.0,
    ) -> Sequence[Volume]:
        self.labels = labels
        for path in paths:
            if (app, app_created, sha, path) not in self.there:
                self._made += 1
                volume = Volume(path, f"{app}-{sha[:7]}{path}", f"made-{self._made}")
                self.there[app, app_created, sha, path] = volume
        return [self.there[app, app_created, sha, path] for path in paths]

    def prepared(self, volumes: Sequence[Volume], hooks: Sequence[Sequence[str]]) -> bool:
        return bool(volumes) and (list(volumes), hooks) in self._prepared

    def keep_prepared(self, volumes: Sequence[Volume], hooks: Sequence[Sequence[str]]) -> None:
        if volumes:
            self._prepared.append((list(volumes), hooks))

    def is_seeded(self, volumes: Sequence[Volume]) -> bool:
        return bool(volumes) and self._of_branch(volumes) in self._seeded

    def note_seeded(self, volumes: Sequence[Volume]) -> None:
        self._seeded.append(self._of_branch(volumes))

    def _of_branch(self, volumes: Sequence[Volume]) -> set[str]:
        return {one.identity for one in volumes if one.of_branch} or {
            one.identity for one in volumes
        }


class ScriptedProbe:
    """Fulfils the port Probe: gives `answers` in turn, the last one again and again."""

    def __init__(self, *answers: Answer) -> None:
        self._answers = list(answers)

    def check(self) -> Answer:
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]


class RecordingReports:
    """Fulfils the port Reports."""

    def __init__(self) -> None:
        self.phases: list[Phase] = []
        self.details: list[str] = []
        self.digests: list[str] = []
        self.checked = 0.0
        self.protocol = ""
        self.kills: list[int] = []
        self.progresses: list[Progress] = []

    def progress(self, phase: Phase, message: str, *, detail: str = "", lasts: float = 0.0) -> None:
        """Keep the phase, or the detail in it."""
        if detail:
            self.details.append(detail)
        else:
            self.phases.append(phase)
        if phase is Phase.CHECKING:
            self.checked = lasts

    def running(self, message: str, *, checked: float | None = None, protocol: str = "") -> None:
        """Keep that it runs, and how long the check took."""
        self.phases.append(Phase.RUNNING)
        self.checked, self.protocol = checked or 0.0, protocol

    def progressed(self, progress: Progress) -> None:
        self.progresses.append(progress)

    def short_of_memory(self, kills: int) -> None:
        self.kills.append(kills)

    def shared(self, digest: str) -> None:
        self.digests.append(digest)


class RecordingLink:
    """Fulfils the executor's Link: an agent that acknowledges everything.

    It is away for the first `away` calls of wait_acknowledged().
    """

    def __init__(self, away: int = 0) -> None:
        self.away = away
        self.statuses: list[Mapping[str, Any]] = []
        self.stopped = False
        self.waited = 0.0

    def stop(self) -> None:
        self.stopped = True

    def send_update(self, status: Mapping[str, Any]) -> None:
        self.statuses.append(status)

    def wait_acknowledged(self, timeout: float) -> bool:
        """Keep the sum of all timeouts."""
        self.waited += timeout
        self.away -= 1
        return self.away < 0

    @property
    def states(self) -> list[str]:
        return [status["state"] for status in self.statuses]
