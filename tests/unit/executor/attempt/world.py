"""An agent in memory, on which an attempt runs from its commit to its end and takes no time."""

from collections.abc import Callable, Mapping
from pathlib import Path

from executor.attempt.attempt import Attempt
from executor.attempt.course import Course, Use
from executor.attempt.image_provider import PUSH_END, ImageProvider, ImageSources
from executor.attempt.serve import Serve
from executor.attempt.task_states import Outcome
from executor.ports import Answer, Exit
from tests.fakes.attempts import (
    FakeCheckout,
    FakeImages,
    FakeRegistry,
    FakeVolumes,
    JumpingSignals,
    MemoryLog,
    RecordingReports,
    ScriptedProbe,
)
from tests.fakes.containers import App, FakeContainer, FakeContainers
from tests.unit.executor.attempt.test_attempt import ATTEMPT

OK = Answer(connected=True, status=200)


class World:
    """An agent in memory: a commit with a Dockerfile, an image of it, an app that stays up."""

    def __init__(self, folder: Path, app: App | None = None, *, attempt: Attempt = ATTEMPT) -> None:
        (folder / "Dockerfile").write_text("FROM scratch\n")
        self.folder = folder
        self.attempt = attempt
        self.log = MemoryLog()
        self.signals = JumpingSignals()
        self.images = FakeImages([attempt.image])
        self.containers = FakeContainers({attempt.image: app or App()}, self.log)
        self.disk_is_full = False
        self.volumes = FakeVolumes()
        self.reports = RecordingReports()
        self.probe = ScriptedProbe(OK)
        self.checkout = FakeCheckout(folder)
        self.registry: FakeRegistry | None = None

    def _make_room(self, on_start: Callable[[], None]) -> None:
        if self.disk_is_full:
            on_start()

    def containers_of(self, apps: Mapping[str, App]) -> FakeContainers:
        return FakeContainers(apps, self.log)

    def run(self, attempt: Attempt | None = None, push_end: float = PUSH_END) -> Outcome:
        attempt = attempt or self.attempt
        provider, use = self.provide(attempt, push_end), self._use(attempt)
        return Course(attempt, provider, use, log=self.log, signals=self.signals).run()

    def provide(self, attempt: Attempt, push_end: float = PUSH_END) -> ImageProvider:
        """Return what gets the image of an attempt."""
        sources = ImageSources(lambda: self.checkout, self._make_room, self.images, self.registry)
        return ImageProvider(
            attempt, sources, reports=self.reports, log=self.log, push_end=push_end
        )

    def _use(self, attempt: Attempt) -> Use:
        return self._serve(attempt)

    def _serve(self, attempt: Attempt) -> Serve:
        return Serve(
            attempt,
            containers=self.containers,
            volumes=self.volumes,
            probe=self.probe,
            reports=self.reports,
            log=self.log,
            signals=self.signals,
            now=self.signals.now,
        )

    def stop_at(self, seconds: float) -> None:
        signals = JumpingSignals()
        signals.plan(seconds, signals.stop)
        self.signals = signals

    def end_at(self, seconds: float, end: Exit) -> None:
        self.signals.plan(seconds, lambda: self.container.end(end))

    @property
    def container(self) -> FakeContainer:
        (container,) = self.containers.running.values()
        return container
