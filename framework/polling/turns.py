"""Threads that read something of each app in turn, and soon after a webhook."""

import enum
import queue
import threading
import time
from collections.abc import Callable

import structlog

from framework.polling.schedule import Pace, Periods, PollSchedule
from framework.ports import Polling

log = structlog.get_logger(__name__)

WORKERS = 4
"""How many apps are read at a time."""
LOOK_SECONDS = 1.0
GATHER_SECONDS = 0.1
"""The pause after each look at the schedule, so that many webhooks at once cost one look."""


class Read(enum.Enum):
    """What became of one read."""

    FAILED = "failed"
    SAME = "same"  # as the read before, or the first one
    CHANGED = "changed"


class Turns:
    """Calls `read` with each app whose turn it is, on threads of its own.

    An app that hangs holds one of the threads, and has a longer pause afterwards. `periods` returns
    the apps that are followed. What either raises is logged, and counts as a failure.
    """

    def __init__(
        self, name: str, periods: Callable[[], Periods], read: Callable[[str], Read], *, pace: Pace
    ) -> None:
        self._name = name
        self._periods = periods
        self._read = read
        self._ended = threading.Event()
        self._woken = threading.Event()
        self._lock = threading.Lock()
        self._schedule = PollSchedule(pace)
        self._turns: queue.SimpleQueue[str] = queue.SimpleQueue()

    def start(self) -> None:
        """Start the threads."""
        for run in (self._run, *[self._work] * WORKERS):
            # Daemons: what they call may hold one for minutes when the program ends.
            threading.Thread(target=run, name=self._name, daemon=True).start()

    def stop(self) -> None:
        """Begin no more turns. Does not wait for running ones."""
        self._ended.set()
        self._woken.set()

    def nudge(self, app: str) -> None:
        """Read an app soon: its forge has announced a change. Does not block."""
        with self._lock:
            self._schedule.nudge(app, time.monotonic())
        self._woken.set()

    def hurry(self, app: str) -> None:
        """Read an app soon, though nothing was announced. Does not block."""
        with self._lock:
            self._schedule.hurry(app)
        self._woken.set()

    def forget(self, app: str) -> None:
        """Forget an app that was removed."""
        with self._lock:
            self._schedule.remove(app)

    def polling(self, app: str) -> Polling:
        """Return how an app is read now. Does not block."""
        period = self._periods().get(app)
        with self._lock:
            return self._schedule.polling(app, period, time.monotonic())

    def _look(self, now: float) -> None:
        followed = self._periods()
        with self._lock:
            turn = self._schedule.begin(followed, now)
        for name in turn:
            self._turns.put(name)

    def _run(self) -> None:
        while not self._ended.wait(GATHER_SECONDS):
            self._woken.wait(LOOK_SECONDS)
            self._woken.clear()
            try:
                self._look(time.monotonic())
            except Exception:
                # If this thread died, nothing would be read, and nothing would show it.
                log.exception("no app can be read for now", what=self._name)

    def _work(self) -> None:
        while True:
            name = self._turns.get()
            read = Read.FAILED
            try:
                read = Read.SAME if self._ended.is_set() else self._read(name)
            except Exception:
                log.exception("an app cannot be read", app=name, what=self._name)
            failed, changed = read is Read.FAILED, read is Read.CHANGED
            with self._lock:
                self._schedule.end(name, time.monotonic(), failed=failed, changed=changed)
