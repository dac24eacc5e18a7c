"""Attempts that are out of sight: since when, and to which nobody may be sent meanwhile. No I/O."""

from collections.abc import Iterable

AWAY_SECONDS = 60.0
"""How long an attempt whose agent does not answer is kept before another one replaces it."""


class UnreachableTasks:
    """Times are the caller's seconds."""

    def __init__(self) -> None:
        self._since: dict[str, float] = {}
        self._unrouted: set[str] = set()

    @property
    def unrouted(self) -> frozenset[str]:
        """The tasks to which nobody may be sent although they run."""
        return frozenset(self._unrouted)

    def begin(self, task_id: str, now: float) -> None:
        """Note that a task is out of sight, if that is new."""
        self._since.setdefault(task_id, now)

    def stop_routing(self, task_id: str) -> bool:
        """Send nobody to a task; tell whether that is new."""
        new = task_id not in self._unrouted
        self._unrouted.add(task_id)
        return new

    def end(self, task_id: str) -> bool:
        """Forget a task, which is back or has ended; tell whether nobody was sent to it."""
        self._since.pop(task_id, None)
        unrouted = task_id in self._unrouted
        self._unrouted.discard(task_id)
        return unrouted

    def reset_timers(self, now: float) -> None:
        """Count anew: nobody could have said that any of them is back."""
        self._since = dict.fromkeys(self._since, now)

    def expired(self, now: float) -> Iterable[str]:
        """Return the tasks that have been out of sight for too long."""
        return [task for task, since in self._since.items() if now - since >= AWAY_SECONDS]
