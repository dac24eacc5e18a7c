"""Makes TaskStatus messages in Mesos's v1 JSON. Pure."""

import base64
import enum
from collections.abc import Mapping
from typing import Any, Union

from executor.errors import ExecutorError
from executor.ports import Finished
from prevs.messages import TaskReport
from prevs.states import Cause, Phase

Outcome = Union[ExecutorError, Finished, None]
"""How an attempt ended: why it failed, what its command left, or None if it was stopped."""


class TaskState(enum.Enum):
    """The Mesos task states of an attempt, in order; the last three are final."""

    STARTING = "TASK_STARTING"
    RUNNING = "TASK_RUNNING"
    KILLING = "TASK_KILLING"
    KILLED = "TASK_KILLED"
    FAILED = "TASK_FAILED"
    FINISHED = "TASK_FINISHED"

    @property
    def terminal(self) -> bool:
        """Whether nothing follows this state."""
        return self in (TaskState.KILLED, TaskState.FAILED, TaskState.FINISHED)


def status(
    task_id: str, state: TaskState, report: TaskReport, *, message: str
) -> Mapping[str, Any]:
    """Return the TaskStatus of an attempt."""
    fields: dict[str, Any] = {
        "task_id": {"value": task_id},
        "state": state.value,
        "message": message,
        "data": base64.b64encode(report.encode()).decode(),
    }
    if state is TaskState.RUNNING:
        fields["healthy"] = True
        fields["reason"] = "REASON_TASK_HEALTH_CHECK_STATUS_UPDATED"
    if report.cause is Cause.OUT_OF_MEMORY:
        fields["reason"] = "REASON_CONTAINER_LIMITATION_MEMORY"
    return fields


def last_status(outcome: Outcome) -> tuple[TaskState, TaskReport, str]:
    """Return the final state of an attempt, its report, and its sentence for people."""
    if outcome is None:
        return TaskState.KILLED, TaskReport(Phase.ENDED), "It was stopped."
    if isinstance(outcome, Finished):
        result = base64.b64encode(outcome.result).decode()
        report = TaskReport(Phase.ENDED, exit_code=0, progress=outcome.progress, result=result)
        return TaskState.FINISHED, report, "Its command exited with code 0."
    result = base64.b64encode(outcome.result).decode()
    report = TaskReport(Phase.ENDED, outcome.cause, outcome.exit_code, result=result)
    return TaskState.FAILED, report, str(outcome)
