"""Passes on reports that change often: not too often, and always the last one after an error."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Protocol


class Pending(Protocol):
    """A call that is scheduled."""

    def cancel(self) -> None:
        """Prevent the call, unless it has started."""
        ...


def call_later(seconds: float, call: Callable[[], None]) -> Pending:
    """Schedule `call` on another thread in some seconds."""
    timer = threading.Timer(seconds, call)
    timer.daemon = True
    timer.start()
    return timer


class Throttle:
    """Calls `report` with the latest text only, at most once in `seconds`, the first time included.

    Thread safe. `report` is called on the caller's thread or on another one, never on two at once,
    and must not block for long. If the context ends with an exception, `report` gets the last text,
    unless it had it. After the context nothing is reported any more.
    """

    def __init__(
        self,
        report: Callable[[str], None],
        seconds: float,
        *,
        now: Callable[[], float] = time.monotonic,
        later: Callable[[float, Callable[[], None]], Pending] = call_later,
    ) -> None:
        self._report = report
        self._seconds = seconds
        self._now = now
        self._later = later
        self._lock = threading.Lock()
        self._reported_at = now()
        self._reported = ""
        self._latest = ""
        self._pending: Pending | None = None
        self._open = True

    def update(self, text: str) -> None:
        """Report this now or as soon as it is time, unless another text comes first."""
        with self._lock:
            self._latest = text
            wait = self._reported_at + self._seconds - self._now()
            if wait <= 0:
                self._pass_on()
            elif self._pending is None and self._open:
                self._pending = self._later(wait, self._due)

    def __enter__(self) -> Throttle:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with self._lock:
            if kind is not None:
                self._pass_on()
            self._open = False
            if self._pending is not None:
                self._pending.cancel()

    def _due(self) -> None:
        with self._lock:
            self._pending = None
            self._pass_on()

    def _pass_on(self) -> None:
        if self._open and self._latest != self._reported:
            self._reported, self._reported_at = self._latest, self._now()
            self._report(self._latest)
