"""Threads that run git for the service: they poll branches, and remove mirrors."""

import enum
import queue
import threading
import time
from collections.abc import Callable, Mapping

import structlog

from framework import events
from framework.errors import FrameworkError
from framework.git.poll_schedule import SELDOM_SECONDS, Periods, PollSchedule
from framework.ports import Polling, Repositories
from framework.preview import stale_refs
from framework.state.snapshot import Snapshot
from prevs.records import AppRecord, PreviewRecord
from prevs.states import ACTIVE

log = structlog.get_logger(__name__)

WORKERS = 4
"""How many repositories are read at a time. A fetch ends after a minute; the first one of a mirror
after ten."""
LOOK_SECONDS = 1.0
GATHER_SECONDS = 0.1
"""The pause after each look, so that many webhooks at once cost one look."""


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


class Read(enum.Enum):
    """What became of one read of a repository."""

    FAILED = "failed"
    SAME = "same"  # as the read before, or the first one
    CHANGED = "changed"


class BranchPoller:
    """Fetches the heads of active apps every `interval` seconds, and submits them as events.

    While webhooks announce the changes of an app, that is seldom, and at once after each of them.
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
        self._woken = threading.Event()
        self._lock = threading.Lock()
        self._schedule = PollSchedule()
        self._leading: dict[str, Mapping[str, tuple[str, ...]]] = {}
        self._turns: queue.SimpleQueue[str] = queue.SimpleQueue()

    def start(self) -> None:
        """Start the threads."""
        for run in (self._run, *[self._work] * WORKERS):
            # Daemons: git may hold one for minutes when the program ends.
            threading.Thread(target=run, name="following", daemon=True).start()

    def stop(self) -> None:
        """Stop the threads once git no longer runs. Does not wait for that."""
        self._ended.set()
        self._woken.set()

    def nudge(self, app: str) -> None:
        """Read an app's repository soon: its forge has announced a change. Does not block."""
        with self._lock:
            self._schedule.nudge(app, time.monotonic())
        self._woken.set()

    def polling(self, app: str) -> Polling:
        """Return how an app's repository is read now. Does not block."""
        period = periods(self._snapshot(), self._interval).get(app)
        with self._lock:
            return self._schedule.polling(app, period, time.monotonic())

    def forget(self, app: str) -> None:
        """Remove the mirror of an app soon, then submit events.MirrorRemoved. Does not block."""
        # A thread of its own: other apps' repositories may hold the workers for minutes.
        threading.Thread(target=self.remove, args=(app,), name="forgetting", daemon=True).start()

    def fetch(self, app: AppRecord) -> Read:
        """Fetch the heads of an app now, and submit them."""
        try:
            heads = self._refs.heads(app)
        except FrameworkError as error:
            log.warning("branches cannot be followed now", app=app.name, why=str(error))
        except Exception:
            log.exception("branches cannot be followed", app=app.name)
        else:
            self._submit(events.HeadsFetched(app.name, heads))
            with self._lock:
                before = self._leading.get(app.name, heads.refs)
                self._leading[app.name] = heads.refs
            return Read.SAME if before == heads.refs else Read.CHANGED
        self._failed(app.name)
        return Read.FAILED

    def remove(self, app: str) -> None:
        """Remove a mirror now, and submit that it is gone. Files that are left do no harm."""
        with self._lock:
            self._schedule.remove(app)
            self._leading.pop(app, None)
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
        while not self._ended.wait(GATHER_SECONDS):
            self._woken.wait(LOOK_SECONDS)
            self._woken.clear()
            try:
                self._look(time.monotonic())
            except Exception:
                # If this thread died, no branch would be polled, and nothing would show it.
                log.exception("branches cannot be followed for now")

    def _work(self) -> None:
        while True:
            name = self._turns.get()
            app = self._snapshot().apps.get(name)
            read = self.fetch(app) if app and not self._ended.is_set() else Read.SAME
            failed, changed = read is Read.FAILED, read is Read.CHANGED
            with self._lock:
                self._schedule.end(name, time.monotonic(), failed=failed, changed=changed)
