"""The thread that keeps the ends of logs of ended attempts, while their sandboxes are there.

It compares what is kept with what is over, again and again: so a framework that takes over fetches
what it lacks, and what no record has any more is forgotten.
"""

import heapq
import threading
import time
from collections.abc import Callable

import structlog

from framework.errors import Unavailable
from framework.logs.archive import SIZE, LogArchive
from framework.ports import Sandboxes
from framework.preview import ended_attempts
from framework.state.snapshot import Snapshot
from prevs.records import PreviewRecord
from prevs.states import State

log = structlog.get_logger(__name__)

MOST = 1000
"""How many logs are kept of failed previews, those that failed last; and of other attempts."""
LOOK_SECONDS = 1.0
AWAY_SECONDS = 30.0
"""When to ask again for what an agent did not give that does not answer."""
NOTHING_SECONDS = 600.0
"""When to ask again for what is not there; its agent may not have come back to the master yet."""


class LogArchiver:
    """Keeps what `sandboxes` has of the attempts in `snapshot` that are over, in `kept`."""

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
        """Begin, on a thread of its own."""
        # A daemon: an agent may hold it for some seconds when the program ends.
        threading.Thread(target=self._run, name="keeping", daemon=True).start()

    def stop(self) -> None:
        """End as soon as no agent is asked. Does not wait for it."""
        self._ended.set()

    def look(self, now: float) -> None:
        """Keep what is not kept, forget what no record has any more. `now` is monotonic.

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
            preview = over[task_id]
            wait = AWAY_SECONDS if preview.agent_id in away else self._try(task_id, preview, away)
            if wait is None:
                self._not_before.pop(task_id, None)
            else:
                self._not_before[task_id] = now + wait
        self._seen = snapshot

    def _try(self, task_id: str, preview: PreviewRecord, away: set[str | None]) -> float | None:
        """Keep the end of a log; else return for how long not to try again."""
        try:
            data, end = self._sandboxes.tail(preview, SIZE)
        except Unavailable as error:
            log.info("a log cannot be kept yet", task=task_id, why=str(error))
            away.add(preview.agent_id)
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
                # Without this thread no log is kept any more, and nobody would know.
                log.exception("logs cannot be kept for now")
                pause = AWAY_SECONDS


def _find_over(snapshot: Snapshot) -> dict[str, PreviewRecord]:
    """Return the previews as their attempts ended whose logs are to be kept, by task."""
    previews = snapshot.previews.values()
    failed = heapq.nlargest(
        MOST,
        (one for one in previews if one.state is State.FAILED and one.task_id),
        key=lambda preview: preview.changed,
    )
    found = {preview.task_id: preview for preview in failed if preview.task_id}
    # Whose last attempt is not among the newest of all has none that is: few are looked at whole.
    ended = (one for one in previews if one.attempts)
    newest = heapq.nlargest(2 * MOST, ended, key=lambda preview: preview.attempts[-1].ended)
    others = (
        (attempt.ended, attempt, preview)
        for preview in newest
        for attempt in preview.attempts
        if attempt.task_id not in found
    )
    for _, attempt, preview in heapq.nlargest(MOST, others, key=lambda one: one[0]):
        found[attempt.task_id] = ended_attempts.as_it_ended(preview, attempt)
    return found
