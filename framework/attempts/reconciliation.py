"""What to ask Mesos after a (re)subscription: the state of each task, until each has answered.

A master that has just taken over answers nothing for an agent that has not come back yet, so the
question is repeated, ever more slowly, for the tasks that are left. Many are asked for in batches,
so that their answers do not all come at once. No I/O; times are the caller's seconds.
"""

from collections.abc import Iterable, Mapping

from framework.preview.lifecycle import WITH_TASK
from prevs.records import PreviewRecord

FIRST_SECONDS = 1.0
LONGEST_SECONDS = 60.0
FIRST_PERIOD_SECONDS = 60.0
PERIOD_SECONDS = 900.0
"""How often everything is asked anew, as Mesos suggests, in case an update was lost; sooner at
first: an agent that a new master did not know comes back without a word of what runs there."""
BATCH = 500
BATCH_SECONDS = 0.5

Tasks = Mapping[str, str | None]
"""Agent ids by task id."""


def tasks_of(previews: Iterable[PreviewRecord]) -> Tasks:
    """Return the task of every preview that may have one."""
    return {p.task_id: p.agent_id for p in previews if p.state in WITH_TASK and p.task_id}


class Reconciliation:
    """The tasks that have not answered, how often they were asked, when to ask again.

    One at a time: to `begin` anew ends the one before. `full_query_due` is when to ask for all
    tasks that Mesos has, also those that nobody here knows of.
    """

    def __init__(self) -> None:
        self._pending: dict[str, str | None] = {}
        self._begun = False
        self._unasked: list[str] = []
        self._rounds = 0
        self._due = 0.0
        self._period = FIRST_PERIOD_SECONDS
        self.full_query_due = float("inf")

    def restart(self, now: float) -> None:
        """Forget what was asked of another master; it is time to ask for everything."""
        self._pending = {}
        self._begun = False
        self._period = FIRST_PERIOD_SECONDS
        self.full_query_due = now

    def note_full_query(self, now: float) -> None:
        """Note that everything was asked for; it is due again ever more seldom."""
        self.full_query_due = now + self._period
        self._period = min(PERIOD_SECONDS, 2 * self._period)

    def stop(self) -> None:
        """Ask for nothing until it is opened again."""
        self._pending = {}
        self._begun = False
        self.full_query_due = float("inf")

    def begin(self, tasks: Tasks, now: float) -> None:
        """Ask for `tasks` and no others, at once."""
        self._pending = dict(tasks)
        self._begun = True
        self._again(now)

    def query(self, tasks: Tasks, now: float) -> None:
        """Ask for some more tasks, at once."""
        if tasks:
            self._pending |= tasks
            self._again(now)

    def answered(self, task_id: str) -> None:
        """Ask no more for a task that has answered, or has no preview any more."""
        self._pending.pop(task_id, None)

    def is_pending(self, task_id: str) -> bool:
        """Tell whether a task is asked for, or is yet to be, and has not answered."""
        return not self._begun or task_id in self._pending

    def next_batch(self, now: float) -> Tasks:
        """Return the tasks to ask for now; none if it is not time."""
        if now < self._due or not self._pending:
            return {}
        unasked = [task for task in self._unasked or self._pending if task in self._pending]
        batch, self._unasked = unasked[:BATCH], unasked[BATCH:]
        if self._unasked:
            self._due = now + BATCH_SECONDS
        else:
            self._due = now + min(LONGEST_SECONDS, FIRST_SECONDS * 2**self._rounds)
            self._rounds += 1
        return {task: self._pending[task] for task in batch}

    def _again(self, now: float) -> None:
        self._unasked = []
        self._rounds = 0
        self._due = now
