"""How other threads stop or wake the attempt's thread."""

from __future__ import annotations

import contextlib
import math
import threading
import time
from collections.abc import Callable, Iterator

from executor.errors import Stopped


class StopSignal:
    """Stops or wakes one attempt. The attempt waits on it; any thread may stop or wake it.

    A stop is final. Every stop has a grace in seconds; the earliest deadline of all stops holds.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._changed = threading.Condition()
        self._deadline: float | None = None
        self._awake = False
        self._interrupts: list[Callable[[], None]] = []

    def stop(self, grace: float) -> None:
        """Stop the attempt. Its application has `grace` seconds to end by itself."""
        with self._changed:
            deadline = self._now() + grace
            self._deadline = deadline if self._deadline is None else min(self._deadline, deadline)
            # Called with the lock held, so that none is called after its context has ended.
            for interrupt in self._interrupts:
                interrupt()
            self._interrupts.clear()
            self._changed.notify_all()

    def wake(self) -> None:
        """End the current or the next wait. Any thread."""
        with self._changed:
            self._awake = True
            self._changed.notify_all()

    @property
    def stopped(self) -> bool:
        """Whether the attempt has to end."""
        return self._deadline is not None

    def grace_left(self) -> float:
        """Return the seconds until the application must have ended, 0 if they have passed."""
        with self._changed:
            return max(0.0, (self._deadline or 0.0) - self._now())

    def check(self) -> None:
        """Raise Stopped if the attempt has to end."""
        if self.stopped:
            raise Stopped

    def wait(self, seconds: float) -> None:
        """Block for `seconds`, or less if woken. Raises Stopped."""
        with self._changed:
            self._changed.wait_for(lambda: self._awake or self.stopped, seconds)
            self._awake = False
        self.check()

    def wait_for_end(self, ended: Callable[[], bool], within: float = math.inf) -> None:
        """Block until `ended` returns True (called after each wake) or the grace has passed.

        Blocks for `within` seconds at most.
        """
        until = self._now() + within
        while not ended() and (left := min(self.grace_left(), until - self._now())) > 0:
            with self._changed:
                if not self._awake:
                    # A later stop notifies too, as it may shorten the grace.
                    self._changed.wait(left)
                self._awake = False

    @contextlib.contextmanager
    def interrupting(self, interrupt: Callable[[], None]) -> Iterator[None]:
        """Within the context, a stop calls `interrupt` on the thread that stops.

        `interrupt` must not block, nor use this object. Raises Stopped at entry after a stop.
        """
        with self._changed:
            self.check()
            self._interrupts.append(interrupt)
        try:
            yield
        finally:
            with self._changed:
                if interrupt in self._interrupts:
                    self._interrupts.remove(interrupt)
