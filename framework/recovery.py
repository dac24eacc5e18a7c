"""What to ask Mesos after a (re)subscription: the state of each task, until each has answered.

A master that has just taken over answers nothing for an agent that has not come back yet, so the
question is repeated, ever more slowly, for the tasks that are left.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from framework.lifecycle import WITH_TASK
from prevs.records import PreviewRecord

FIRST_SECONDS = 1.0
LONGEST_SECONDS = 60.0
PERIOD_SECONDS = 900.0
"""How often everything is asked anew, as Mesos suggests, in case an update was lost."""

Tasks = Mapping[str, str | None]
"""Agent ids by task id."""


class Reconciliation(NamedTuple):
    """The tasks that have not answered, how often they were asked, when to ask again."""

    pending: Tasks
    asked: int
    due: float


def begin(previews: Iterable[PreviewRecord], now: float) -> Reconciliation:
    """Return the reconciliation of every preview that may have a task, due at once."""
    pending = {p.task_id: p.agent_id for p in previews if p.state in WITH_TASK and p.task_id}
    return Reconciliation(pending, 0, now)


def asking(run: Reconciliation, tasks: Tasks, now: float) -> Reconciliation:
    """Return `run` with some more tasks to ask for, at once."""
    if not tasks:
        return run
    return Reconciliation({**run.pending, **tasks}, 0, now)


def answered(run: Reconciliation, task_id: str) -> Reconciliation:
    """Return `run` without a task that has answered, or has no preview any more."""
    if task_id not in run.pending:
        return run
    left = {task: agent for task, agent in run.pending.items() if task != task_id}
    return run._replace(pending=left)


def ask(run: Reconciliation, now: float) -> tuple[Tasks, Reconciliation]:
    """Return the tasks to ask for now (none if it is not time), and the run after that."""
    if now < run.due or not run.pending:
        return {}, run
    wait = min(LONGEST_SECONDS, FIRST_SECONDS * 2**run.asked)
    return run.pending, run._replace(asked=run.asked + 1, due=now + wait)
