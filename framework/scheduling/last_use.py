"""When tasks were last used, by what the proxies say. In memory; owned by the service's thread.

A proxy reports every few seconds: what has changed, whatever is open, and if nothing is, that it
is there. So what is open is used again and again. Times are seconds since the epoch.
"""

from collections.abc import Collection, Mapping, Sequence

from framework.ports import Use

FRESH_SECONDS = 15.0
"""How old the last report of a proxy may be: a proxy with nothing to tell says so every 6 s."""


class LastUse:
    """Grows with the number of tasks and of proxies; `forget` drops those that are gone."""

    def __init__(self) -> None:
        self._heard: dict[str, float] = {}
        self._last: dict[str | None, float] = {}

    def note(self, proxy: str, uses: Sequence[Use], now: float) -> list[str]:
        """Take a proxy's report; return the tasks that are in use or were since the last one."""
        self._heard[proxy] = now
        used = [use.task_id for use in uses if use.open or use.requests]
        self._last |= dict.fromkeys(used, now)
        return used

    @property
    def last(self) -> Mapping[str | None, float]:
        """When each task was last used, as far as this leader has heard."""
        return self._last

    def reporting(self, now: float) -> int:
        """Return how many proxies say what they see."""
        return sum(now - at <= FRESH_SECONDS for at in self._heard.values())

    def forget(self, tasks: Collection[str], now: float) -> None:
        """Drop what is not about `tasks`, and proxies that say nothing any more."""
        self._last = {task: at for task, at in self._last.items() if task in tasks}
        self._heard = {p: at for p, at in self._heard.items() if now - at <= FRESH_SECONDS}
