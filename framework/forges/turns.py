"""Threads that look at the forges of apps in turn, and soon after a webhook.

A forge may be slow or away: then it holds one of the threads, and has longer pauses.
"""

import queue
import threading
import time
from collections.abc import Callable, Mapping

import structlog

log = structlog.get_logger(__name__)

WORKERS = 4
"""How many apps are read at a time."""
LOOK_SECONDS = 1.0
NUDGED_SECONDS = 10.0
"""The shortest pause between two turns of an app, however many webhooks come."""

Periods = Mapping[str, float]
"""The interval at which to read each app, in seconds."""


class Schedule:
    """Decides which apps to read next. Times are in monotonic seconds. Not thread safe.

    A pause counts from the beginning of an app's last turn, but after a failure from its end:
    otherwise one that hangs for longer than its pause would always be due. After failures pauses
    grow to `longest`, or to the app's own interval.
    """

    def __init__(self, longest: float) -> None:
        self._longest = longest
        self._last: dict[str, float] = {}
        self._failures: dict[str, int] = {}
        self._busy: set[str] = set()
        self._nudged: set[str] = set()

    def nudge(self, name: str) -> None:
        """Have an app read soon, if it is followed; one that is busy is read once more."""
        self._nudged.add(name)

    def begin(self, followed: Periods, now: float) -> list[str]:
        """Return the apps that are due now; each is busy until its `end`."""
        turn = [
            name
            for name, period in followed.items()
            if name not in self._busy and now >= self._due(name, period)
        ]
        self._last |= dict.fromkeys(turn, now)
        for name in self._last.keys() - followed.keys():
            del self._last[name]
            self._failures.pop(name, None)
        self._busy.update(turn)
        self._nudged.intersection_update(followed.keys() - turn)
        return turn

    def end(self, name: str, now: float, *, failed: bool) -> None:
        """Note the end of an app's turn. After each failure its pause is longer."""
        self._busy.discard(name)
        if failed:
            if name in self._last:
                self._last[name] = now
            self._failures[name] = self._failures.get(name, 0) + 1
        else:
            self._failures.pop(name, None)

    def _due(self, name: str, period: float) -> float:
        if name not in self._last:
            return float("-inf")
        pause = period * 2.0 ** min(self._failures.get(name, 0), 10)
        if name in self._nudged and name not in self._failures:
            pause = NUDGED_SECONDS
        return self._last[name] + min(pause, max(period, self._longest))


class Turns:
    """Calls `read` with each app whose turn it is, on threads of its own; it returns its success.

    `periods` returns the apps. Neither may raise; what they raise is logged, and counts as a
    failure.
    """

    def __init__(
        self,
        name: str,
        periods: Callable[[], Periods],
        read: Callable[[str], bool],
        *,
        longest: float,
    ) -> None:
        self._name = name
        self._periods = periods
        self._read = read
        self._ended = threading.Event()
        self._lock = threading.Lock()
        self._schedule = Schedule(longest)
        self._turns: queue.SimpleQueue[str] = queue.SimpleQueue()

    def start(self) -> None:
        """Start the threads."""
        for run in (self._run, *[self._work] * WORKERS):
            # Daemons: what they call may hold one for minutes when the program ends.
            threading.Thread(target=run, name=self._name, daemon=True).start()

    def nudge(self, app: str) -> None:
        """Read an app soon. Does not block."""
        with self._lock:
            self._schedule.nudge(app)

    def stop(self) -> None:
        """Begin no more turns. Does not wait for those that run."""
        self._ended.set()

    def _look(self, now: float) -> None:
        followed = self._periods()
        with self._lock:
            turn = self._schedule.begin(followed, now)
        for name in turn:
            self._turns.put(name)

    def _run(self) -> None:
        while not self._ended.wait(LOOK_SECONDS):
            try:
                self._look(time.monotonic())
            except Exception:
                # If this thread died, nothing would be read, and nothing would show it.
                log.exception("no app can be read for now", what=self._name)

    def _work(self) -> None:
        while True:
            name = self._turns.get()
            done = False
            try:
                done = self._ended.is_set() or self._read(name)
            except Exception:
                log.exception("an app cannot be read", app=name, what=self._name)
            with self._lock:
                self._schedule.end(name, time.monotonic(), failed=not done)
