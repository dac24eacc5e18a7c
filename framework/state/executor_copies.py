"""Which agents have the executor unpacked, as earlier tasks have shown. Service thread only.

An attempt on such an agent need not fetch the executor, which saves a tenth of a second: Mesos's
fetcher requests the size of the file from the framework even if the file is in its cache. An agent
keeps the unpacked executor for a day after its last use (executor/bundle.py).
"""

from collections.abc import Iterable

from framework.clock import Clock

KEPT_SECONDS = 43_200.0
"""How long after an executor has begun on an agent the next one relies on its files."""


class ExecutorCopies:
    """Learns from the tasks that this framework has launched, with the executor that it has now.

    If somebody has removed the files by hand, one attempt ends without a report and is tried
    again; that attempt fetches the executor.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._silent: set[str] = set()
        self._began: dict[str | None, float] = {}

    def is_on(self, agent_id: str) -> bool:
        """Return whether an attempt on an agent need not fetch the executor."""
        began = self._began.get(agent_id, float("-inf"))
        return self._clock.monotonic() - began < KEPT_SECONDS

    def launched(self, tasks: Iterable[str]) -> None:
        """Note tasks whose executors have not reported yet."""
        self._silent.update(tasks)

    def reported(self, task_id: str, agent_id: str | None) -> None:
        """Note that a task's executor, on an agent, has reported."""
        if task_id in self._silent:
            self._silent.discard(task_id)
            self._began[agent_id] = self._clock.monotonic()

    def ended(self, task_id: str, agent_id: str | None) -> None:
        """Note the end of a task; if its executor never reported, its agent must fetch it again."""
        if task_id in self._silent:
            self._silent.discard(task_id)
            self._began.pop(agent_id, None)
