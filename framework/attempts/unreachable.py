"""Tasks that Mesos cannot reach: since when, and which of them get no requests. No I/O."""

from collections.abc import Iterable

AWAY_SECONDS = 60.0
"""How long an attempt whose agent does not answer may take to come back before it is replaced."""


class UnreachableTasks:
    """Times are the caller's seconds."""

    def __init__(self) -> None:
        self._since: dict[str, float] = {}
        self._unrouted: set[str] = set()

    @property
    def unrouted(self) -> frozenset[str]:
        """The tasks that run but get no requests."""
        return frozenset(self._unrouted)

    def has(self, task_id: str) -> bool:
        """Return whether a task is unreachable."""
        return task_id in self._since

    def begin(self, task_id: str, now: float) -> None:
        """Note that a task is unreachable; an earlier time stays."""
        self._since.setdefault(task_id, now)

    def stop_routing(self, task_id: str) -> bool:
        """Route no requests to a task; return whether that is new."""
        new = task_id not in self._unrouted
        self._unrouted.add(task_id)
        return new

    def end(self, task_id: str) -> bool:
        """Forget a task that is back or has ended; return whether it got no requests."""
        self._since.pop(task_id, None)
        unrouted = task_id in self._unrouted
        self._unrouted.discard(task_id)
        return unrouted

    def reset_timers(self, now: float) -> None:
        """Count from `now`: before, nobody could report that a task is back."""
        self._since = dict.fromkeys(self._since, now)

    def expired(self, now: float) -> Iterable[str]:
        """Return the tasks that have been unreachable for too long."""
        return [task for task, since in self._since.items() if now - since >= AWAY_SECONDS]
