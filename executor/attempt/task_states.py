"""Makes TaskStatus messages in Mesos's v1 JSON. Pure."""

import base64
import enum
from collections.abc import Mapping
from typing import Any

from executor.errors import ExecutorError
from prevs.messages import TaskReport
from prevs.states import Cause, Phase


class TaskState(enum.Enum):
    """The Mesos task states of an attempt, in order; the last two are final."""

    STARTING = "TASK_STARTING"
    RUNNING = "TASK_RUNNING"
    KILLING = "TASK_KILLING"
    KILLED = "TASK_KILLED"
    FAILED = "TASK_FAILED"

    @property
    def terminal(self) -> bool:
        """Whether nothing follows this state."""
        return self in (TaskState.KILLED, TaskState.FAILED)


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


def failed(error: ExecutorError) -> TaskReport:
    """Return the last report of an attempt that failed."""
    return TaskReport(Phase.ENDED, error.cause, error.exit_code)
