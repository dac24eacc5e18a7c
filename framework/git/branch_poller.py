"""Threads that run git for the service: they poll branches, and remove mirrors."""

import queue
import threading
import time
from collections.abc import Callable, Mapping

import structlog

from framework import events
from framework.errors import FrameworkError
from framework.ports import Repositories
from framework.preview import stale_refs
from framework.state.snapshot import Snapshot
from prevs.records import AppRecord, PreviewRecord
from prevs.states import ACTIVE

log = structlog.get_logger(__name__)

WORKERS = 4
"""How many repositories are read at a time. A fetch ends after a minute; the first one of a mirror
after ten."""
SELDOM_SECONDS = 300.0
"""The interval for apps without an active preview, and the longest one after failures."""
LOOK_SECONDS = 1.0

Periods = Mapping[str, float]
"""The interval at which to read each app's repository, in seconds."""


def periods(snapshot: Snapshot, interval: float) -> Periods:
    """Return the apps to poll: often while a preview is active, else seldom.

    Inactive previews that have no branch's label need no polling: a branch that moves or goes does
    not concern them.
    """
    found: dict[str, float] = {}
    for preview in snapshot.previews.values():
        if preview.app not in snapshot.apps:
            continue
        if preview.state in ACTIVE:
            found[preview.app] = interval
        elif _has_branch(preview):
            found.setdefault(preview.app, max(interval, SELDOM_SECONDS))
    return found


def _has_branch(preview: PreviewRecord) -> bool:
    return any(not stale_refs.is_own_commit(preview, label) for label in preview.labels)


class PollSchedule:
    """Decides which apps to read next. Times are in monotonic seconds. Not thread safe.

    A pause counts from the beginning of an app's last turn, but after a failure from its end:
    otherwise a repository that hangs for longer than its pause would always be due.
    """

    def __init__(self) -> None:
        self._last: dict[str, float] = {}
        self._failures: dict[str, int] = {}
        self._busy: set[str] = set()

    def begin(self, followed: Periods, now: float) -> list[str]:
        """Return the apps whose repositories are due now; each is busy until its `end`."""
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
        return self._last[name] + min(pause, max(period, SELDOM_SECONDS))


class BranchPoller:
    """Fetches the heads of active apps every `interval` seconds, and submits them as events.

    A repository that hangs holds one of the threads, and has a longer pause afterwards. `failed` is
    called with each app whose repository could not be read, on one of these threads.
    """

    def __init__(
        self,
        refs: Repositories,
        submit: Callable[[events.Event], None],
        snapshot: Callable[[], Snapshot],
        *,
        interval: float,
        failed: Callable[[str], object],
    ) -> None:
        self._refs = refs
        self._submit = submit
        self._snapshot = snapshot
        self._interval = interval
        self._failed = failed
        self._ended = threading.Event()
        self._lock = threading.Lock()
        self._schedule = PollSchedule()
        self._turns: queue.SimpleQueue[str] = queue.SimpleQueue()

    def start(self) -> None:
        """Start the threads."""
        for run in (self._run, *[self._work] * WORKERS):
            # Daemons: git may hold one for minutes when the program ends.
            threading.Thread(target=run, name="following", daemon=True).start()

    def stop(self) -> None:
        """Stop the threads once git no longer runs. Does not wait for that."""
        self._ended.set()

    def forget(self, app: str) -> None:
        """Remove the mirror of an app soon, then submit events.MirrorRemoved. Does not block."""
        # A thread of its own: other apps' repositories may hold the workers for minutes.
        threading.Thread(target=self.remove, args=(app,), name="forgetting", daemon=True).start()

    def fetch(self, app: AppRecord) -> bool:
        """Fetch the heads of an app now, and submit them; return whether that succeeded."""
        try:
            heads = self._refs.heads(app)
            leading = self._refs.leading(app)
        except FrameworkError as error:
            log.warning("branches cannot be followed now", app=app.name, why=str(error))
        except Exception:
            log.exception("branches cannot be followed", app=app.name)
        else:
            self._submit(events.HeadsFetched(app.name, heads, leading))
            return True
        self._failed(app.name)
        return False

    def remove(self, app: str) -> None:
        """Remove a mirror now, and submit that it is gone. Files that are left do no harm."""
        try:
            self._refs.forget(app)
        except Exception:
            log.exception("a mirror cannot be removed", app=app)
        self._submit(events.MirrorRemoved(app))

    def _look(self, now: float) -> None:
        followed = periods(self._snapshot(), self._interval)
        with self._lock:
            turn = self._schedule.begin(followed, now)
        for name in turn:
            self._turns.put(name)

    def _run(self) -> None:
        while not self._ended.wait(LOOK_SECONDS):
            try:
                self._look(time.monotonic())
            except Exception:
                # If this thread died, no branch would be polled, and nothing would show it.
                log.exception("branches cannot be followed for now")

    def _work(self) -> None:
        while True:
            name = self._turns.get()
            app = self._snapshot().apps.get(name)
            failed = app is not None and not self._ended.is_set() and not self.fetch(app)
            with self._lock:
                self._schedule.end(name, time.monotonic(), failed=failed)
