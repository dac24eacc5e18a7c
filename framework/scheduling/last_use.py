"""When tasks were last used, from the reports of proxies. In memory; owned by the service's thread.

A proxy reports every few seconds: what has changed, and all tasks with open requests; an empty
report shows that it is alive. So a task with an open request counts as used with each report.
Times are seconds since the epoch.
"""

from collections.abc import Collection, Mapping, Sequence

from framework.ports import Use

FRESH_SECONDS = 15.0
"""How old the last report of a proxy may be: a proxy without news reports every 6 s."""

NEVER = 0.0
"""When what nobody has used was used last: before everything else."""


class LastUse:
    """Grows with the number of tasks and of proxies; `forget` drops ended ones."""

    def __init__(self) -> None:
        self._reported: dict[str, float] = {}
        self._last: dict[str | None, float] = {}

    def note(self, proxy: str, uses: Sequence[Use], now: float) -> list[str]:
        """Take a proxy's report; return the tasks used since its last report."""
        self._reported[proxy] = now
        used = [use.task_id for use in uses if use.open or use.requests]
        self._last |= dict.fromkeys(used, now)
        return used

    @property
    def last(self) -> Mapping[str | None, float]:
        """When each task was last used, as reported to this leader."""
        return self._last

    def reporting(self, now: float) -> int:
        """Return how many proxies report."""
        return sum(now - at <= FRESH_SECONDS for at in self._reported.values())

    def forget(self, tasks: Collection[str], now: float) -> None:
        """Drop all tasks except `tasks`, and the proxies that no longer report."""
        self._last = {task: at for task, at in self._last.items() if task in tasks}
        self._reported = {p: at for p, at in self._reported.items() if now - at <= FRESH_SECONDS}
