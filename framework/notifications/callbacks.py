"""Tells receivers of the ends of jobs, until each has taken it or an hour is over.

What is to be told is in the records of jobs, so it survives this framework. The service writes down
what has become of each callback; until that is published, this thread remembers it.
"""

import threading
from collections.abc import Callable
from typing import NamedTuple

import structlog

from framework.apps.receivers import Receiver
from framework.clock import Clock
from framework.events import CallbackSettled
from framework.jobs import callbacks
from framework.jobs.queued_jobs import JobKey
from framework.metrics import NotificationMetrics
from framework.notifications.bodies import Fields
from framework.notifications.callback_queue import CallbackQueue, Target
from framework.notifications.outbox import Fate
from framework.notifications.sender import Outcome, Sender
from framework.notifications.sending_thread import SendingThread
from framework.ports.notifications import CallbackTry, LastTry
from framework.state.snapshot import Snapshot
from prevs.jobs import CallbackState, JobRecord

log = structlog.get_logger(__name__)


class Edges(NamedTuple):
    """What the callbacks reach. `snapshot` returns what the service has published.

    `show` returns what a receiver is told of a job, `submit` tells the service what came of it.
    """

    snapshot: Callable[[], Snapshot]
    show: Callable[[JobRecord], Fields]
    submit: Callable[[CallbackSettled], None]


class Callbacks:
    """Follows the jobs that have ended. `last_try` is for any thread."""

    def __init__(
        self, edges: Edges, sender: Sender, *, metrics: NotificationMetrics, clock: Clock
    ) -> None:
        self._edges = edges
        self._sender = sender
        self._metrics = metrics
        self._clock = clock
        self._queue = CallbackQueue()
        self._snapshot: Snapshot | None = None
        self._lock = threading.Lock()
        self._tries: dict[JobKey, CallbackTry] = {}
        self._thread = SendingThread("callbacks", self._look)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Send nothing more. The next leader sends what nobody has taken."""
        self._thread.stop()

    def last_try(self, app: str, job_id: str) -> CallbackTry | None:
        """Return the last try to tell of the end of a job that failed; None if none has."""
        with self._lock:
            return self._tries.get((app, job_id))

    def _look(self) -> None:
        snapshot, now = self._edges.snapshot(), self._clock.monotonic()
        if snapshot is not self._snapshot:
            self._snapshot = snapshot
            self._update(snapshot, now)
        for key, to in self._queue.expire(now):
            self._metrics.count(Fate.EXPIRED)
            nothing = f"{to.receiver} took nothing for an hour."
            tried = self._tries.get(key)
            last = tried.last if tried else LastTry(self._clock.now(), None, nothing)
            self._settle(key, CallbackState.GIVEN_UP, last)
        for key, to in self._queue.begin(now, self._thread.free):
            self._thread.begin(self._send(snapshot.jobs[key], to))

    def _update(self, snapshot: Snapshot, now: float) -> None:
        due = {
            key: job.callback.receiver
            for key, job in snapshot.jobs.items()
            if job.callback is not None and callbacks.is_due(job) and job.app in snapshot.apps
        }
        self._queue.update(due, now)
        with self._lock:
            self._tries = {key: tried for key, tried in self._tries.items() if key in due}

    async def _send(self, job: JobRecord, to: Target) -> None:
        outcome = Outcome(Fate.FAILED, LastTry(self._clock.now(), None, "prevs could not send it."))
        try:
            outcome = await self._try(job, to)
        except Exception:
            log.exception("a callback cannot be sent", app=job.app, job=job.id)
        key, last = (job.app, job.id), outcome.last
        self._metrics.count(outcome.fate)
        now = self._clock.monotonic()
        if self._queue.end(key, now, outcome.fate, status=last.status, wait=outcome.wait):
            is_taken = outcome.fate is Fate.TAKEN
            self._settle(key, CallbackState.TOLD if is_taken else CallbackState.GIVEN_UP, last)
            return
        again = self._clock.now() + self._queue.find_next(key) - now
        with self._lock:
            self._tries[key] = CallbackTry(last, again)

    async def _try(self, job: JobRecord, to: Target) -> Outcome:
        receiver = self._find_receiver(to)
        if receiver is None:
            why = (
                f"{to.app} has no receiver {to.receiver} any more: `prevs notify add {to.app} URL "
                f"--name {to.receiver}` adds it again."
            )
            return Outcome(Fate.FAILED, LastTry(self._clock.now(), None, why))
        # The same in each try, and for each leader.
        return await self._sender.send(receiver, f"job-{job.id}", self._edges.show(job))

    def _find_receiver(self, to: Target) -> Receiver | None:
        stored = self._edges.snapshot().secrets.get(to.app)
        found = stored.opened.receivers if stored else ()
        return next((one for one in found if one.name == to.receiver), None)

    def _settle(self, key: JobKey, state: CallbackState, last: LastTry) -> None:
        app, job_id = key
        if state is CallbackState.GIVEN_UP:
            log.warning("a callback is given up", app=app, job=job_id, why=last.problem)
        self._edges.submit(CallbackSettled(app, job_id, state, last))
