"""The threads that run git for the service: a few fetch heads, others remove mirrors."""

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
"""How many repositories are read at a time. git gives one up after a minute; after ten, where
nothing of it is here yet."""
SELDOM_SECONDS = 300.0
"""How often to look after the branches of what nobody runs, or of what cannot be read."""
LOOK_SECONDS = 1.0

Periods = Mapping[str, float]
"""How often to read each app's repository, in seconds."""


def periods(snapshot: Snapshot, interval: float) -> Periods:
    """Return the apps to follow: often while a preview is active, else seldom.

    An app whose previews are all old and known by their commits alone needs no reading: no branch
    that moves or goes matters to one of them.
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
    """Whose turn it is. Times are in monotonic seconds. Not thread safe.

    Pauses count from an app's last turn: from its beginning, or where that failed from its end, for
    one that hangs for longer than its pause would leave nobody else a turn.
    """

    def __init__(self) -> None:
        self._last: dict[str, float] = {}
        self._failures: dict[str, int] = {}
        self._busy: set[str] = set()

    def begin(self, followed: Periods, now: float) -> list[str]:
        """Return the apps whose repositories are to be read now; each is busy until its `end`."""
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
        """Note that an app's repository was read, or could not be; then it has longer pauses."""
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
        patience = period * 2.0 ** min(self._failures.get(name, 0), 10)
        return self._last[name] + min(patience, max(period, SELDOM_SECONDS))


class BranchPoller:
    """Fetches the heads of followed apps every `interval` seconds, and submits what it found.

    One repository that hangs keeps one thread from the others, and waits longer the next time.
    `failed` is told of each app whose repository could not be read, on one of these threads.
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
        self._timetable = PollSchedule()
        self._turns: queue.SimpleQueue[str] = queue.SimpleQueue()

    def start(self) -> None:
        """Begin."""
        for run in (self._run, *[self._work] * WORKERS):
            # Daemons: git may hold one for minutes when the program ends.
            threading.Thread(target=run, name="following", daemon=True).start()

    def stop(self) -> None:
        """End as soon as git is not running. Does not wait for it."""
        self._ended.set()

    def forget(self, app: str) -> None:
        """Remove the mirror of an app, soon; events.MirrorRemoved tells when. Does not block."""
        # A thread of its own: some other app's repository may keep the first one for minutes.
        threading.Thread(target=self.remove, args=(app,), name="forgetting", daemon=True).start()

    def fetch(self, app: AppRecord) -> bool:
        """Fetch the heads of an app, now, and submit them; tell whether that went well."""
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
        """Remove a mirror, now, and submit that it is gone: what is left of one harms nobody."""
        try:
            self._refs.forget(app)
        except Exception:
            log.exception("a mirror cannot be removed", app=app)
        self._submit(events.MirrorRemoved(app))

    def _look(self, now: float) -> None:
        followed = periods(self._snapshot(), self._interval)
        with self._lock:
            turn = self._timetable.begin(followed, now)
        for name in turn:
            self._turns.put(name)

    def _run(self) -> None:
        while not self._ended.wait(LOOK_SECONDS):
            try:
                self._look(time.monotonic())
            except Exception:
                # Without this thread no branch is followed any more, and nobody would know.
                log.exception("branches cannot be followed for now")

    def _work(self) -> None:
        while True:
            name = self._turns.get()
            app = self._snapshot().apps.get(name)
            failed = app is not None and not self._ended.is_set() and not self.fetch(app)
            with self._lock:
                self._timetable.end(name, time.monotonic(), failed=failed)
