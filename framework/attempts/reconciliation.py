"""Which tasks to query after a (re)subscription, until Mesos has answered for each.

A new master does not answer for agents that have not registered again yet, so the query is repeated
for the remaining tasks, more and more slowly. Many tasks are queried in batches, so that their
answers do not all arrive at once. No I/O; times are the caller's seconds.
"""

from collections.abc import Iterable, Mapping

from prevs.records import AttemptRecord

FIRST_SECONDS = 1.0
LONGEST_SECONDS = 60.0
FIRST_PERIOD_SECONDS = 60.0
PERIOD_SECONDS = 900.0
"""How often all tasks are queried, as Mesos's documentation advises, in case an update was lost.

Sooner at first: if an agent registers again with a new master, no update reports its tasks.
"""
UNANSWERED_SECONDS = 60.0
"""How long Mesos may give no answer for a task. A master with a lasting registry waits for the
agents that it remembers, ten minutes by default (`--agent_reregister_timeout`)."""
BATCH = 500
BATCH_SECONDS = 0.5

Tasks = Mapping[str, str | None]
"""Agent ids by task id."""


def tasks_of(with_task: Iterable[AttemptRecord]) -> Tasks:
    """Return the tasks of previews and jobs that may have one."""
    return {one.task_id: one.agent_id for one in with_task if one.task_id}


class Reconciliation:
    """The tasks without an answer, how often they were queried, and when to query them again.

    Each `begin` replaces the round before it; what was without an answer stays so. `full_query_due`
    is when to query all tasks that Mesos has, also those that the framework does not know.
    """

    def __init__(self) -> None:
        self._pending: dict[str, str | None] = {}
        self._since: dict[str, float] = {}
        self._begun = False
        self._unsent: list[str] = []
        self._rounds = 0
        self._due = 0.0
        self._period = FIRST_PERIOD_SECONDS
        self.full_query_due = float("inf")

    def restart(self, now: float) -> None:
        """Forget the queries to an earlier master; a full query is due."""
        self._pending, self._since = {}, {}
        self._begun = False
        self._period = FIRST_PERIOD_SECONDS
        self.full_query_due = now

    def note_full_query(self, now: float) -> None:
        """Note a full query; the next one is due after a longer and longer period."""
        self.full_query_due = now + self._period
        self._period = min(PERIOD_SECONDS, 2 * self._period)

    def stop(self) -> None:
        """Query nothing until `restart`."""
        self._pending, self._since = {}, {}
        self._begun = False
        self.full_query_due = float("inf")

    def begin(self, tasks: Tasks, now: float) -> None:
        """Query exactly these tasks, at once."""
        self._pending = dict(tasks)
        self._since = {task: self._since.get(task, now) for task in tasks}
        self._begun = True
        self._start_over(now)

    def query(self, tasks: Tasks, now: float) -> None:
        """Query some more tasks, at once."""
        if tasks:
            self._pending |= tasks
            self._since = dict.fromkeys(tasks, now) | self._since
            self._start_over(now)

    def answered(self, task_id: str) -> None:
        """Drop a task that Mesos has answered for, or that has no preview any more."""
        self._pending.pop(task_id, None)
        self._since.pop(task_id, None)

    def is_unanswered(self, task_id: str, now: float) -> bool:
        """Return whether Mesos has given no answer for a task for too long."""
        since = self._since.get(task_id)
        return since is not None and now - since >= UNANSWERED_SECONDS

    def is_pending(self, task_id: str) -> bool:
        """Return whether the answer for a task is still missing, or its query is still to come."""
        return not self._begun or task_id in self._pending

    def next_batch(self, now: float) -> Tasks:
        """Return the tasks to query now; none if nothing is due."""
        if now < self._due or not self._pending:
            return {}
        unsent = [task for task in self._unsent or self._pending if task in self._pending]
        batch, self._unsent = unsent[:BATCH], unsent[BATCH:]
        if self._unsent:
            self._due = now + BATCH_SECONDS
        else:
            self._due = now + min(LONGEST_SECONDS, FIRST_SECONDS * 2**self._rounds)
            self._rounds += 1
        return {task: self._pending[task] for task in batch}

    def _start_over(self, now: float) -> None:
        self._unsent = []
        self._rounds = 0
        self._due = now
