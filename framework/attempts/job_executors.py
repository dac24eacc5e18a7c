"""The executors of jobs that may take another job. Owned by the service's thread.

A new leader knows of none. Its predecessor's end by themselves: an executor waits for another job
only for some seconds, and only if others of its app waited when it got the one before.
"""

from collections.abc import Sequence
from typing import NamedTuple

from framework.clock import Clock
from framework.matching.idle_executors import IdleExecutor, Sharing
from framework.ports.tasks import Task
from prevs import names

LINGER_SECONDS = 5.0
"""How long an executor waits for another job."""
USE_SECONDS = 2.0
"""How long it may have waited when it gets one. The rest is for the way there: it may end on its
own meanwhile, and then what was sent to it is lost."""
MOST = 50
"""How many jobs an executor takes: Mesos removes the files of a sandbox only after its end."""


class _Known(NamedTuple):
    """An executor, its last task, and since when it waits (monotonic); None while it works."""

    task: Task
    sharing: Sharing
    since: float | None = None


class JobExecutors:
    """Remembers the executors of jobs that this framework has launched."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._known: dict[str, _Known] = {}

    def idle(self) -> Sequence[IdleExecutor]:
        """Return the executors that may take a job now; the last one has waited the least."""
        before = self._clock.monotonic() - USE_SECONDS
        waiting = [
            (known.since, name) for name, known in self._known.items() if known.since is not None
        ]
        for since, name in waiting:
            if since <= before:
                del self._known[name]
        return [
            IdleExecutor(name, self._known[name].task.agent_id, self._known[name].sharing)
            for since, name in sorted(waiting)
            if since > before
        ]

    def find_next(self, executor_id: str) -> str:
        """Return the name of the attempt that an idle executor takes next."""
        number = names.find_number(self._known[executor_id].task.id)
        return names.job_attempt(executor_id.rpartition(".")[2], number + 1)

    def reuse(self, task: Task, executor_id: str) -> Task:
        """Return the task with the ExecutorInfo of its first launch; Mesos refuses another one."""
        first = self._known[executor_id].task
        return task._replace(
            executor=first.executor,
            executor_resources=first.executor_resources,
            fetches=first.fetches,
        )

    def launched(self, task: Task, sharing: Sharing) -> None:
        """Note a task; its executor takes another one later if it was told to wait."""
        if task.order.work and task.order.work.linger:
            self._known[task.executor_id] = _Known(task, sharing)
        else:
            self._known.pop(task.executor_id, None)

    def ended(self, task_id: str, *, waits: bool) -> None:
        """Note the end of a task, and whether its executor waits for another one."""
        executor_id = names.executor_id(task_id)
        known = self._known.get(executor_id)
        if known is None or known.task.id != task_id or known.since is not None:
            return  # a status that comes again
        if waits:
            self._known[executor_id] = known._replace(since=self._clock.monotonic())
        else:
            del self._known[executor_id]

    def gone(self, agent_id: str | None, executor_id: str | None = None) -> None:
        """Forget an executor, or all of an agent."""
        self._known = {
            name: known
            for name, known in self._known.items()
            if name != executor_id and (executor_id or known.task.agent_id != agent_id)
        }

    def clear(self) -> None:
        """Drop all idle executors: after an outage we cannot tell which still live."""
        self._known = {}
