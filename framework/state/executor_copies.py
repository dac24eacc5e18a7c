"""Which agents have the executor unpacked, as its own tasks have shown. Service thread only.

Where it is, nothing has to be fetched: each attempt would wait a tenth of a second for Mesos's
fetcher, which also asks the framework for the size of what it has in its cache. An agent keeps what
was unpacked for a day after its last use (executor/bundle.py).
"""

from collections.abc import Iterable

from framework.clock import Clock

KEPT_SECONDS = 43_200.0
"""How long after an executor began on an agent the next one may count on its files."""


class ExecutorCopies:
    """Learns from the tasks that this framework has launched, with the executor that it has now.

    Where files are gone all the same, removed by hand, one attempt ends without a word and is tried
    again: then the agent fetches.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._silent: set[str] = set()
        self._began: dict[str | None, float] = {}

    def is_on(self, agent_id: str) -> bool:
        """Tell whether an attempt on an agent may do without fetching the executor."""
        began = self._began.get(agent_id, float("-inf"))
        return self._clock.monotonic() - began < KEPT_SECONDS

    def launched(self, tasks: Iterable[str]) -> None:
        """Note tasks whose executors have yet to say something."""
        self._silent.update(tasks)

    def reported(self, task_id: str, agent_id: str | None) -> None:
        """Note that a task's executor, on an agent, has said something."""
        if task_id in self._silent:
            self._silent.discard(task_id)
            self._began[agent_id] = self._clock.monotonic()

    def ended(self, task_id: str, agent_id: str | None) -> None:
        """Note the end of a task; where its executor never said anything, have its agent fetch."""
        if task_id in self._silent:
            self._silent.discard(task_id)
            self._began.pop(agent_id, None)
