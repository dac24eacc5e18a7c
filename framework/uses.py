"""Which tasks are in use, by what the proxies say. In memory; owned by the service's thread.

A proxy reports every few seconds: what has changed, whatever is open, and if nothing is, that it
is there. Times are seconds since the epoch.
"""

from collections.abc import Collection, Mapping, Sequence

from framework.ports import Use

FRESH_SECONDS = 15.0
"""How old the last report of a proxy may be: a proxy with nothing to tell says so every 6 s."""
OPEN_SECONDS = 60.0
"""How long what was open counts as open after it was last told, unless its end is told.

HAProxy goes on without its controller, which has come back within this time or never will.
"""


class Uses:
    """Grows with the number of tasks and of proxies; `forget` drops those that are gone."""

    def __init__(self) -> None:
        self._heard: dict[str, float] = {}
        self._open: dict[tuple[str, str], float] = {}
        self._last: dict[str | None, float] = {}

    def note(self, proxy: str, uses: Sequence[Use], now: float) -> list[str]:
        """Take a proxy's report; return the tasks that were used."""
        self._heard[proxy] = now
        used: list[str] = []
        for use in uses:
            was_open = self._open.pop((proxy, use.task_id), None) is not None
            if use.open:
                self._open[proxy, use.task_id] = now
            if use.open or use.requests or was_open:
                self._last[use.task_id] = now
                used.append(use.task_id)
        return used

    def open(self, now: float) -> set[str]:
        """Return the tasks to which a request is open."""
        return {task for (_, task), at in self._open.items() if now - at <= OPEN_SECONDS}

    @property
    def last(self) -> Mapping[str | None, float]:
        """When each task was last used, as far as this leader has heard."""
        return self._last

    def reporting(self, now: float) -> int:
        """Return how many proxies say what they see."""
        return sum(now - at <= FRESH_SECONDS for at in self._heard.values())

    def forget(self, tasks: Collection[str], now: float) -> None:
        """Drop what is not about `tasks`, and proxies that are silent for long."""
        self._last = {task: at for task, at in self._last.items() if task in tasks}
        self._open = {
            (proxy, task): at
            for (proxy, task), at in self._open.items()
            if task in tasks and now - at <= OPEN_SECONDS
        }
        self._heard = {p: at for p, at in self._heard.items() if now - at <= OPEN_SECONDS}
