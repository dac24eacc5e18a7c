"""Runs what an attempt is for beside its companions: they start before it and end after it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from executor.attempt.attempt import Attempt
from executor.attempt.course import Use
from executor.attempt.health import HealthCheck
from executor.attempt.serve import have_volumes
from executor.companions import companion_errors, specs
from executor.companions.companion_images import CompanionImages
from executor.companions.readiness import Look, Readiness, goal, has_check
from executor.companions.running import RunningCompanions, Started
from executor.errors import ImageMissing, StartFailed
from executor.ports import (
    Container,
    Containers,
    Finished,
    Log,
    Reports,
    Signals,
    Volume,
    Volumes,
)
from prevs.companions import Companion
from prevs.states import Phase

_SLOW = 1.0
"""Seconds after which a companion that is not ready is reported, as for the health check."""


class Part(NamedTuple):
    """Where the containers of one companion start, and its part of the attempt's log."""

    containers: Containers
    log: Log


class Companions:
    """Starts the companions of one attempt, in their order, and waits until they are ready.

    `part` returns where a companion starts, by its name.
    """

    def __init__(  # noqa: PLR0913 - wiring; all but one argument are given by name
        self,
        attempt: Attempt,
        *,
        running: RunningCompanions,
        images: CompanionImages,
        volumes: Volumes,
        part: Callable[[str], Part],
        readiness: Readiness,
        reports: Reports,
        log: Log,
        signals: Signals,
        now: Callable[[], float],
    ) -> None:
        self._attempt = attempt
        self._wanted = attempt.order.run.companions
        self._running = running
        self._images = images
        self._volumes = volumes
        self._part = part
        self._readiness = readiness
        self._reports = reports
        self._log = log
        self._signals = signals
        self._now = now
        self._awaited: dict[str, Started] = {}

    def start(self) -> None:
        """Return once all are ready. Their images are provided first.

        Each starts once those that it is `after` are ready, and has the start limit to be ready, or
        its own. One that runs once is ready when it has ended with code 0.
        Raises ExecutorError, Stopped; those that have started by then are in `running`.
        """
        self._awaited.clear()  # of a try whose image was gone
        images = {one.name: self._images.ensure(one) for one in self._wanted}
        shown = ", ".join(one.name for one in self._wanted)
        self._reports.progress(Phase.STARTING, f"Starting {shown}.", detail=f"starting {shown}")
        for companion in self._wanted:
            for name in companion.after:
                self._wait(name)
            self._signals.check()
            self._start(companion, images[companion.name])
        for companion in self._wanted:
            self._wait(companion.name)

    def have_volumes(self) -> Sequence[Volume]:
        """Return the volumes of all companions; creates those that do not exist."""
        return [volume for one in self._wanted for volume in self._have_volumes(one)]

    def _have_volumes(self, companion: Companion) -> Sequence[Volume]:
        owner = specs.volume_owner(self._attempt, companion)
        settings = (companion.keep, companion.volumes, companion.container)
        return have_volumes(self._volumes, self._attempt, owner, settings)

    def _start(self, companion: Companion, image: str) -> None:
        shown = companion.image or specs.image_of(self._attempt, companion).shown_image
        self._log.header(f"starting {companion.name} ({shown})")
        part = self._part(companion.name)
        try:
            volumes = self._have_volumes(companion)
            spec = specs.companion_spec(self._attempt, companion, image, volumes)
            container = part.containers.start(spec, on_exit=self._signals.wake)
        except ImageMissing:
            raise
        except StartFailed as exc:
            # Nothing joins a companion that has ended.
            self._running.wait_for_failure()
            raise companion_errors.not_started(companion, exc.why) from exc
        started = Started(companion, container, part.log, self._now())
        self._running.add(started)
        if has_check(companion):
            self._awaited[companion.name] = started

    def _wait(self, name: str) -> None:
        """Return once the companion of that name is ready, or is not waited for."""
        started = self._awaited.pop(name, None)
        if started is None:
            self._running.check()
            return
        companion, _, log, began = started
        limit = companion.ready_limit or self._attempt.order.start_limit
        check = HealthCheck("", companion.listens_on, began, limit)
        spec_name = specs.name(self._attempt, companion)
        is_reported = False
        while True:
            look = self._look(spec_name, started)
            # Its command fails once it has ended, and its end says more.
            self._running.check()
            if look.is_ready:
                return
            if check.over(self._now()):
                log.write(look.output)
                log.flush()
                raise companion_errors.not_ready(companion, limit, look.problem)
            if not is_reported and self._now() - began >= _SLOW:
                is_reported = True
                self._tell(companion)
            self._signals.wait(max(check.pause(self._now()), self._pause(started, limit)))

    def _look(self, spec_name: str, started: Started) -> Look:
        companion = started.companion
        if not companion.once:
            return self._readiness.look(spec_name, companion)
        return Look(started.container.exit() is not None, "it had not ended")

    def _pause(self, started: Started, limit: float) -> float:
        """Return the seconds between two looks that the commit wants, within the limit.

        The end of one that runs once wakes the wait.
        """
        left = started.began + limit - self._now()
        return min(started.companion.ready_every, max(left, 0.0))

    def _tell(self, companion: Companion) -> None:
        awaited = goal(companion)
        message = f"Waiting for {awaited} to be ready."
        self._reports.progress(Phase.STARTING, message, detail=f"waiting for {awaited}")


class WithCompanions(NamedTuple):
    """Fulfils Use of executor/attempt/course.py by another one, beside companions.

    Its containers are those of executor/companions/pod.py.
    """

    use: Use
    companions: Companions
    running: RunningCompanions

    def start(self) -> Container:
        """Start the companions, then what the attempt is for. If this raises, nothing is left."""
        try:
            self.companions.start()
            return self.use.start()
        except BaseException:
            self.running.end()
            raise

    def wait_until_running(self, container: Container) -> None:
        """Wait until the attempt serves or works, and report that."""
        self.use.wait_until_running(container)

    def watch(self, container: Container) -> Finished:
        """Wait until its work is done. Raises any other end."""
        return self.use.watch(container)
