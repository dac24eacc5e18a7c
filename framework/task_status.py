"""A Mesos task status (v1 JSON) as what it means for a preview. A table; no I/O."""

import base64
import binascii
import enum
from collections.abc import Mapping
from typing import Any, NamedTuple

from prevs.messages import TaskReport
from prevs.records import Failure, RecordError
from prevs.states import Cause, Phase


class Kind(enum.Enum):
    """What a status says about the task."""

    ALIVE = "alive"  # it is there; nothing else is said
    BUILDING = "building"
    STARTING = "starting"
    HEALTHY = "healthy"
    KILLING = "killing"
    AWAY = "away"  # its agent does not answer; the task may run on
    UNKNOWN = "unknown"  # the master has not heard of it, perhaps because it is new itself
    FAILED = "failed"  # ended, and would again
    KILLED = "killed"  # ended because somebody asked
    LOST = "lost"  # ended or never begun, through no fault of the application

    @property
    def terminal(self) -> bool:
        """Tell whether nothing of the task is left."""
        return self in (Kind.FAILED, Kind.KILLED, Kind.LOST)


class Report(NamedTuple):
    """A status, read. `failure` is set for failed, killed and lost tasks."""

    task_id: str
    agent_id: str | None
    kind: Kind
    phase: str
    message: str
    failure: Failure | None


class UnknownTaskState(Exception):
    """A status with a task state that Mesos 1.11 does not have."""


_PLAIN_STATES: Mapping[str, Kind] = {
    "TASK_STAGING": Kind.ALIVE,
    "TASK_KILLING": Kind.KILLING,
    "TASK_UNREACHABLE": Kind.AWAY,
    "TASK_UNKNOWN": Kind.UNKNOWN,
    "TASK_KILLED": Kind.KILLED,
    "TASK_LOST": Kind.LOST,
    "TASK_DROPPED": Kind.LOST,
    "TASK_GONE": Kind.LOST,
    "TASK_GONE_BY_OPERATOR": Kind.LOST,
}

_PHASES: Mapping[Phase, Kind] = {
    Phase.FETCHING: Kind.BUILDING,
    Phase.BUILDING: Kind.BUILDING,
    Phase.STARTING: Kind.STARTING,
    Phase.CHECKING: Kind.STARTING,
}

_ENDS: Mapping[str, tuple[Kind, Cause, str]] = {
    "REASON_CONTAINER_LIMITATION_MEMORY": (
        Kind.FAILED,
        Cause.OUT_OF_MEMORY,
        "It used more memory than it may have.",
    ),
    "REASON_CONTAINER_LIMITATION_DISK": (
        Kind.FAILED,
        Cause.EXECUTOR_FAILED,
        "Its sandbox used more disk than it may have.",
    ),
    "REASON_CONTAINER_LIMITATION": (
        Kind.FAILED,
        Cause.EXECUTOR_FAILED,
        "It went beyond a limit of its sandbox.",
    ),
    "REASON_CONTAINER_LAUNCH_FAILED": (
        Kind.LOST,
        Cause.EXECUTOR_FAILED,
        "The agent could not start the executor.",
    ),
    "REASON_EXECUTOR_TERMINATED": (
        Kind.LOST,
        Cause.EXECUTOR_FAILED,
        "The executor ended without saying how the task ended.",
    ),
    "REASON_EXECUTOR_REGISTRATION_TIMEOUT": (
        Kind.LOST,
        Cause.EXECUTOR_FAILED,
        "The executor did not register with its agent in time.",
    ),
    "REASON_EXECUTOR_REREGISTRATION_TIMEOUT": (
        Kind.LOST,
        Cause.TASK_LOST,
        "The executor did not come back after its agent had restarted.",
    ),
    "REASON_EXECUTOR_UNREGISTERED": (
        Kind.LOST,
        Cause.EXECUTOR_FAILED,
        "The executor left before it had reported how the task ended.",
    ),
    "REASON_INVALID_OFFERS": (
        Kind.LOST,
        Cause.TASK_LOST,
        "The offer had gone when it was taken.",
    ),
    "REASON_TASK_INVALID": (
        Kind.FAILED,
        Cause.TASK_REJECTED,
        "Mesos refuses the task.",
    ),
    "REASON_TASK_UNAUTHORIZED": (
        Kind.FAILED,
        Cause.TASK_REJECTED,
        "Mesos does not allow this framework to run the task.",
    ),
    "REASON_TASK_GROUP_INVALID": (
        Kind.FAILED,
        Cause.TASK_REJECTED,
        "Mesos refuses the task.",
    ),
    "REASON_SLAVE_REMOVED": (Kind.LOST, Cause.TASK_LOST, "Its agent is gone."),
    "REASON_AGENT_REMOVED": (Kind.LOST, Cause.TASK_LOST, "Its agent is gone."),
    "REASON_SLAVE_DISCONNECTED": (Kind.LOST, Cause.TASK_LOST, "Its agent lost its connection."),
    "REASON_AGENT_DISCONNECTED": (Kind.LOST, Cause.TASK_LOST, "Its agent lost its connection."),
    "REASON_SLAVE_RESTARTED": (Kind.LOST, Cause.TASK_LOST, "Its agent restarted without it."),
    "REASON_AGENT_RESTARTED": (Kind.LOST, Cause.TASK_LOST, "Its agent restarted without it."),
    "REASON_SLAVE_UNKNOWN": (Kind.LOST, Cause.TASK_LOST, "Its agent is not known."),
    "REASON_AGENT_UNKNOWN": (Kind.LOST, Cause.TASK_LOST, "Its agent is not known."),
    "REASON_SLAVE_DRAINING": (Kind.LOST, Cause.TASK_LOST, "Its agent is being drained."),
    "REASON_AGENT_DRAINING": (Kind.LOST, Cause.TASK_LOST, "Its agent is being drained."),
    "REASON_SLAVE_REMOVED_BY_OPERATOR": (Kind.LOST, Cause.TASK_LOST, "Its agent was removed."),
    "REASON_AGENT_REMOVED_BY_OPERATOR": (Kind.LOST, Cause.TASK_LOST, "Its agent was removed."),
    "REASON_CONTAINER_PREEMPTED": (Kind.LOST, Cause.TASK_LOST, "Something else took its place."),
    "REASON_RESOURCES_UNKNOWN": (Kind.LOST, Cause.TASK_LOST, "Its resources are not known."),
    "REASON_GC_ERROR": (Kind.LOST, Cause.TASK_LOST, "Its agent could not clean up for it."),
    "REASON_MASTER_DISCONNECTED": (Kind.LOST, Cause.TASK_LOST, "The master was not there."),
    "REASON_RECONCILIATION": (Kind.LOST, Cause.TASK_LOST, "Mesos does not have the task."),
}
"""What a reason of Mesos means where the executor could not say it itself."""


def read(status: Mapping[str, Any]) -> Report:
    """Return what a status means. Raises UnknownTaskState."""
    state = status["state"]
    report = _task_report(status)
    kind = _kind(state, report, healthy=status.get("healthy", True))
    message = status.get("message", "")
    failure = None
    if kind.terminal:
        kind, failure = _end(kind, status, report)
    return Report(
        task_id=status["task_id"]["value"],
        agent_id=status.get("agent_id", {}).get("value"),
        kind=kind,
        phase=report.phase.value if report else "",
        message=message,
        failure=failure,
    )


def _kind(state: str, report: TaskReport | None, *, healthy: bool) -> Kind:
    if state in _PLAIN_STATES:
        return _PLAIN_STATES[state]
    if state == "TASK_STARTING":
        return _PHASES.get(report.phase, Kind.ALIVE) if report else Kind.ALIVE
    if state == "TASK_RUNNING":
        return Kind.HEALTHY if healthy else Kind.ALIVE
    if state in ("TASK_FAILED", "TASK_ERROR", "TASK_FINISHED"):
        return Kind.FAILED
    raise UnknownTaskState(state)


def _end(kind: Kind, status: Mapping[str, Any], report: TaskReport | None) -> tuple[Kind, Failure]:
    message = status.get("message", "")
    if report and report.cause:
        return kind, Failure(report.cause, message or report.cause.value, report.exit_code)
    if status["state"] == "TASK_FINISHED":
        return kind, Failure(Cause.APP_EXITED, message or "The application ended by itself.", 0)
    reason = status.get("reason", "")
    if status["state"] == "TASK_ERROR" and reason != "REASON_INVALID_OFFERS":
        return Kind.FAILED, Failure(Cause.TASK_REJECTED, _sentence(_ENDS_ERROR, message))
    known = _ENDS.get(reason)
    if known is None:
        default = Cause.EXECUTOR_FAILED if kind is Kind.FAILED else Cause.TASK_LOST
        return kind, Failure(default, message or f"The task ended ({reason or status['state']}).")
    end, cause, sentence = known
    # What Mesos itself calls killed stays so: it matters whether somebody asked for it.
    return (kind if kind is Kind.KILLED else end), Failure(cause, _sentence(sentence, message))


_ENDS_ERROR = "Mesos refuses the task."


def _sentence(sentence: str, detail: str) -> str:
    return f"{sentence} ({detail.rstrip('.')})" if detail else sentence


def _task_report(status: Mapping[str, Any]) -> TaskReport | None:
    """Return what the executor says; Mesos's own answers, and foreign executors', carry none."""
    data = status.get("data")
    if not data:
        return None
    try:
        return TaskReport.decode(base64.b64decode(data, validate=True))
    except (binascii.Error, RecordError):
        return None
