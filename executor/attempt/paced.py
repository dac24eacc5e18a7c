"""Telling of what changes often: not too often, and yet what it is in the end."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Protocol


class Pending(Protocol):
    """A call that is yet to come."""

    def cancel(self) -> None:
        """Have it not come, unless it has begun."""
        ...


def call_later(seconds: float, call: Callable[[], None]) -> Pending:
    """Have `call` called on another thread in some seconds."""
    timer = threading.Timer(seconds, call)
    timer.daemon = True
    timer.start()
    return timer


class Paced:
    """Passes words on to `tell`, the latest and not each: one in `seconds`, from now on.

    Thread safe. `tell` is called on the caller's thread or on another one, never by two at once,
    and must not block for long. Left by an exception it tells the last word if nobody has heard it
    yet; after that, and after any other way out, it tells nothing.
    """

    def __init__(
        self,
        tell: Callable[[str], None],
        seconds: float,
        *,
        now: Callable[[], float] = time.monotonic,
        later: Callable[[float, Callable[[], None]], Pending] = call_later,
    ) -> None:
        self._tell = tell
        self._seconds = seconds
        self._now = now
        self._later = later
        self._lock = threading.Lock()
        self._told_at = now()
        self._told = ""
        self._latest = ""
        self._pending: Pending | None = None
        self._open = True

    def say(self, word: str) -> None:
        """Have this told, at once or as soon as it is time, unless another word comes first."""
        with self._lock:
            self._latest = word
            wait = self._told_at + self._seconds - self._now()
            if wait <= 0:
                self._pass_on()
            elif self._pending is None and self._open:
                self._pending = self._later(wait, self._due)

    def __enter__(self) -> Paced:
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
        if self._open and self._latest != self._told:
            self._told, self._told_at = self._latest, self._now()
            self._tell(self._latest)
