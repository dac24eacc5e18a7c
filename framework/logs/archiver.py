"""The thread that archives the ends of logs of ended attempts, while their sandboxes are there.

It compares the archive with the ended attempts, again and again. So a new leader fetches the logs
that it lacks, and logs without a record are removed.
"""

import functools
import heapq
import operator
import threading
import time
from collections.abc import Callable

import structlog

from framework.errors import Unavailable
from framework.logs.archive import SIZE, LogArchive
from framework.ports import Logged, Sandboxes
from framework.state.snapshot import Snapshot
from framework.units import ended_attempts
from prevs.records import PreviewRecord
from prevs.states import State

log = structlog.get_logger(__name__)

MOST = 1000
"""How many logs of failed previews are kept, the last ones; and as many each of the other attempts
of previews, and of the attempts of jobs."""
LOOK_SECONDS = 1.0
AWAY_SECONDS = 30.0
"""When to try again after an agent did not answer."""
NOTHING_SECONDS = 600.0
"""When to try again after there was no log: the agent may not have reregistered yet."""


_Find = Callable[[], Logged]
"""Returns an attempt as its preview or job was when it ended. Called for those without a log only:
there are thousands of others."""

_when = operator.itemgetter(0)


class LogArchiver:
    """Copies the logs of ended attempts in `snapshot` from `sandboxes` to `kept`."""

    def __init__(
        self, sandboxes: Sandboxes, kept: LogArchive, snapshot: Callable[[], Snapshot]
    ) -> None:
        self._sandboxes = sandboxes
        self._kept = kept
        self._snapshot = snapshot
        self._ended = threading.Event()
        self._seen: Snapshot | None = None
        self._not_before: dict[str, float] = {}

    def start(self) -> None:
        """Start the thread."""
        # A daemon: an agent may hold it for some seconds when the program ends.
        threading.Thread(target=self._run, name="keeping", daemon=True).start()

    def stop(self) -> None:
        """Stop the thread once no request to an agent runs. Does not wait for that."""
        self._ended.set()

    def look(self, now: float) -> None:
        """Archive the missing logs, and remove those without a record. `now` is monotonic.

        Blocks for as long as the agents take. Raises OSError.
        """
        snapshot = self._snapshot()
        if snapshot is self._seen and not any(at <= now for at in self._not_before.values()):
            return
        over = _find_over(snapshot)
        kept = self._kept.tasks()
        for task_id in kept - over.keys():
            self._kept.forget(task_id)
        self._not_before = {t: at for t, at in self._not_before.items() if t in over}
        away: set[str | None] = set()
        for task_id in over.keys() - kept:
            if self._not_before.get(task_id, now) > now:
                continue
            if self._ended.is_set():
                return
            logged = over[task_id]()
            wait = AWAY_SECONDS if logged.agent_id in away else self._try(task_id, logged, away)
            if wait is None:
                self._not_before.pop(task_id, None)
            else:
                self._not_before[task_id] = now + wait
        self._seen = snapshot

    def _try(self, task_id: str, logged: Logged, away: set[str | None]) -> float | None:
        """Archive the end of a log, and return None; else return how long to wait."""
        try:
            data, end = self._sandboxes.tail(logged, SIZE)
        except Unavailable as error:
            log.info("a log cannot be kept yet", task=task_id, why=str(error))
            away.add(logged.agent_id)
            return AWAY_SECONDS
        if not data:
            return NOTHING_SECONDS
        self._kept.keep(task_id, data, end)
        return None

    def _run(self) -> None:
        pause = LOOK_SECONDS
        while not self._ended.wait(pause):
            pause = LOOK_SECONDS
            try:
                self.look(time.monotonic())
            except Exception:
                # If this thread died, no log would be archived, and nothing would show it.
                log.exception("logs cannot be kept for now")
                pause = AWAY_SECONDS


def _find_over(snapshot: Snapshot) -> dict[str, _Find]:
    """Return the ended attempts whose logs to keep, by task, each as a way to find its log.

    Jobs in blocks are not in the snapshot: only their agents have their logs.
    """
    return {**_find_of_previews(snapshot), **_find_of_jobs(snapshot)}


def _find_of_jobs(snapshot: Snapshot) -> dict[str, _Find]:
    ended = ((one.ended, one, job) for job in snapshot.jobs.values() for one in job.attempts)
    return {
        attempt.task_id: functools.partial(ended_attempts.as_it_ended, job, attempt)
        for _, attempt, job in heapq.nlargest(MOST, ended, key=_when)
    }


def _find_of_previews(snapshot: Snapshot) -> dict[str, _Find]:
    previews = snapshot.previews.values()
    failed = heapq.nlargest(
        MOST,
        (one for one in previews if one.state is State.FAILED and one.task_id),
        key=lambda preview: preview.changed,
    )
    found: dict[str, _Find] = {
        one.task_id: functools.partial(_as_it_is, one) for one in failed if one.task_id
    }
    # If a preview's last attempt is not among the newest, none of its attempts is.
    ended = (one for one in previews if one.attempts)
    newest = heapq.nlargest(2 * MOST, ended, key=lambda preview: preview.attempts[-1].ended)
    others = (
        (attempt.ended, attempt, preview)
        for preview in newest
        for attempt in preview.attempts
        if attempt.task_id not in found
    )
    for _, attempt, preview in heapq.nlargest(MOST, others, key=_when):
        found[attempt.task_id] = functools.partial(ended_attempts.as_it_ended, preview, attempt)
    return found


def _as_it_is(preview: PreviewRecord) -> Logged:
    return preview
