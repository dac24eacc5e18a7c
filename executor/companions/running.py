"""The companions of one attempt that have started: whether all run, and their end."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import NamedTuple

from executor.attempt.shutdown import DRAIN, take_down
from executor.companions import companion_errors
from executor.companions.companion_errors import TogetherFull
from executor.errors import DiskFull, ExecutorError, Stopped
from executor.ports import Container, Log, Signals
from prevs.companions import Companion

_END_IS_KNOWN = 3.0
"""Seconds after which docker has reported a container's end, also of one that was killed."""


class Started(NamedTuple):
    """A companion whose container has started; `log` is its part of the attempt's log."""

    companion: Companion
    container: Container
    log: Log
    began: float


class RunningCompanions:
    """The companions of one attempt, in the order of their start.

    They end within the rest of the attempt's grace, or within `grace` seconds if it is not stopped;
    one whose commit gives it less gets less. `whose` they are is "preview" or "job".
    """

    def __init__(
        self,
        *,
        log: Log,
        signals: Signals,
        now: Callable[[], float],
        grace: float,
        whose: str = "preview",
    ) -> None:
        self.whose = whose
        self._log = log
        self._signals = signals
        self._now = now
        self._grace = grace
        self._started: list[Started] = []
        self._has_failed = False
        self._reported: dict[str, int] = {}

    def add(self, started: Started) -> None:
        """Add a companion that has started."""
        self._started.append(started)

    def check(self) -> None:
        """Raise why the attempt has to end because of a companion; only once, as it ends then.

        Raises CompanionFailed, TogetherFull, DockerUnavailable.
        """
        if self._has_failed:
            return
        for companion, container, _, _ in self._started:
            try:
                ended = container.exit()
            except DiskFull as exc:
                self._has_failed = True
                raise TogetherFull(exc.limit, companion.name, self.whose) from exc
            except ExecutorError:
                self._has_failed = True
                raise
            if ended is not None and not (companion.once and ended.code == 0):
                self._has_failed = True
                container.drain(DRAIN)
                raise companion_errors.ended(companion, ended, self.whose)

    def wait_for_failure(self) -> None:
        """Wait for three seconds whether a companion has failed, as something beside it has.

        Docker may report that first. Raises what check() raises, Stopped.
        """
        until = self._now() + _END_IS_KNOWN
        while not self._signals.stopped and self._now() < until:
            self._signals.wait(until - self._now())
            self.check()

    def tell_memory_kills(self) -> None:
        """Log it if memory ran out in a companion that goes on: each time the count has doubled."""
        for companion, container, _, _ in self._started:
            kills = container.memory_kills()
            if kills >= max(1, 2 * self._reported.get(companion.name, 0)):
                self._reported[companion.name] = kills
                times = "once" if kills == 1 else f"{kills:,} times"
                self._log.header(
                    f"memory ran out: the kernel has killed a process of {companion.name} {times} "
                    f"since the start, at its {companion.mem} MB; {companion.name} keeps running"
                )

    def end(self) -> None:
        """End all, the last one first, and remove them; others may start then. Never raises."""
        self._has_failed = True
        while self._started:
            companion, container, log, _ = self._started.pop()
            own = companion.container.stop_grace
            grace = self._grace if own is None else min(own, self._grace)
            take_down(container, functools.partial(self._terminate, container, grace))
            log.flush()
        self._has_failed = False

    def _terminate(self, container: Container, grace: float) -> None:
        """Let it end by itself within `grace` seconds, as its data may outlive it."""
        if container.exit() is not None or not container.terminate():
            return
        until = self._now() + grace
        try:
            while container.exit() is None and self._now() < until:
                self._signals.wait(until - self._now())
        except Stopped:
            left = until - self._now()
            self._signals.wait_for_end(lambda: container.exit() is not None, left)
