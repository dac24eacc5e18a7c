"""What a Mesos task status (v1 JSON) means for a preview, as tables. No I/O."""

import base64
import binascii
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from framework.ports.tasks import StatusKind, TaskStatus
from prevs.messages import TaskReport
from prevs.records import Failure, RecordError
from prevs.states import Cause, Phase

_PROTOCOLS = ("h2",)
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


_PLAIN_STATES: Mapping[str, StatusKind] = {
    "TASK_STAGING": StatusKind.ALIVE,
    "TASK_KILLING": StatusKind.KILLING,
    "TASK_UNREACHABLE": StatusKind.AWAY,
    "TASK_UNKNOWN": StatusKind.UNKNOWN,
    "TASK_KILLED": StatusKind.ENDED,
    "TASK_LOST": StatusKind.ENDED,
    "TASK_DROPPED": StatusKind.ENDED,
    "TASK_GONE": StatusKind.ENDED,
    "TASK_GONE_BY_OPERATOR": StatusKind.ENDED,
}

_NEVER_BEGAN = ("TASK_DROPPED", "TASK_ERROR")
"""The executor never got such a task (mesos.proto). Its agent may have dropped it as the executor
was just ending, or the master refused it as that had ended."""

_PHASES: Mapping[Phase, StatusKind] = {
    Phase.FETCHING: StatusKind.BUILDING,
    Phase.BUILDING: StatusKind.BUILDING,
    Phase.STARTING: StatusKind.STARTING,
    Phase.CHECKING: StatusKind.STARTING,
}

_ENDS: Mapping[str, tuple[Cause, str]] = {
    "REASON_CONTAINER_LIMITATION_MEMORY": (
        Cause.OUT_OF_MEMORY,
        "It used more memory than it may have.",
    ),
    "REASON_CONTAINER_LIMITATION_DISK": (
        Cause.EXECUTOR_FAILED,
        "Its sandbox used more disk than it may have.",
    ),
    "REASON_CONTAINER_LIMITATION": (
        Cause.EXECUTOR_FAILED,
        "It went beyond a limit of its sandbox.",
    ),
    "REASON_CONTAINER_LAUNCH_FAILED": (
        Cause.EXECUTOR_FAILED,
        "The agent could not start the executor.",
    ),
    "REASON_EXECUTOR_TERMINATED": (
        Cause.EXECUTOR_FAILED,
        "The executor ended without saying how the task ended.",
    ),
    "REASON_EXECUTOR_REGISTRATION_TIMEOUT": (
        Cause.EXECUTOR_FAILED,
        "The executor did not register with its agent in time.",
    ),
    "REASON_EXECUTOR_REREGISTRATION_TIMEOUT": (
        Cause.TASK_LOST,
        "The executor did not come back after its agent had restarted.",
    ),
    "REASON_EXECUTOR_UNREGISTERED": (
        Cause.EXECUTOR_FAILED,
        "The executor left before it had reported how the task ended.",
    ),
    "REASON_INVALID_OFFERS": (Cause.TASK_LOST, "The offer was gone when it was accepted."),
    "REASON_TASK_INVALID": (Cause.TASK_REJECTED, "Mesos refused the task."),
    "REASON_TASK_UNAUTHORIZED": (
        Cause.TASK_REJECTED,
        "Mesos does not allow this framework to run the task.",
    ),
    "REASON_TASK_GROUP_INVALID": (Cause.TASK_REJECTED, "Mesos refused the task."),
    "REASON_SLAVE_REMOVED": (Cause.TASK_LOST, "Its agent is gone."),
    "REASON_AGENT_REMOVED": (Cause.TASK_LOST, "Its agent is gone."),
    "REASON_SLAVE_DISCONNECTED": (Cause.TASK_LOST, "Its agent lost its connection."),
    "REASON_AGENT_DISCONNECTED": (Cause.TASK_LOST, "Its agent lost its connection."),
    "REASON_SLAVE_RESTARTED": (Cause.TASK_LOST, "Its agent restarted without it."),
    "REASON_AGENT_RESTARTED": (Cause.TASK_LOST, "Its agent restarted without it."),
    "REASON_SLAVE_UNKNOWN": (Cause.TASK_LOST, "Its agent is not known."),
    "REASON_AGENT_UNKNOWN": (Cause.TASK_LOST, "Its agent is not known."),
    "REASON_SLAVE_REREGISTERED": (Cause.TASK_LOST, "Its agent came back without it."),
    "REASON_AGENT_REREGISTERED": (Cause.TASK_LOST, "Its agent came back without it."),
    "REASON_SLAVE_DRAINING": (Cause.TASK_LOST, "Its agent is being drained."),
    "REASON_AGENT_DRAINING": (Cause.TASK_LOST, "Its agent is being drained."),
    "REASON_SLAVE_REMOVED_BY_OPERATOR": (Cause.TASK_LOST, "Its agent was removed."),
    "REASON_AGENT_REMOVED_BY_OPERATOR": (Cause.TASK_LOST, "Its agent was removed."),
    "REASON_CONTAINER_PREEMPTED": (Cause.TASK_LOST, "Something else took its resources."),
    "REASON_RESOURCES_UNKNOWN": (Cause.TASK_LOST, "Its resources are not known."),
    "REASON_GC_ERROR": (Cause.TASK_LOST, "Its agent could not clean up for it."),
    "REASON_MASTER_DISCONNECTED": (Cause.TASK_LOST, "The master was not connected."),
    "REASON_RECONCILIATION": (Cause.TASK_LOST, "Mesos does not have the task."),
}
"""What a reason of Mesos means if the executor could not report the cause itself."""

_OWN_ENDS = ("TASK_FAILED", "TASK_FINISHED")
"""The ends that executors report."""

_RETOLD = ("REASON_SLAVE_REREGISTERED", "REASON_AGENT_REREGISTERED", "REASON_RECONCILIATION")
"""Reasons of statuses that a master makes of a task's state, without the executor's report."""

_NOT_FETCHED = (
    "The agent could not fetch the executor from the framework. Agents must reach the framework "
    "at PREVS_ADVERTISE."
)


def read(status: Mapping[str, Any]) -> TaskStatus:
    """Return a status as a report of ours."""
    state = status["state"]
    report = _task_report(status)
    kind = _kind(state, report, healthy=status.get("healthy", True))
    if report is None and state in _OWN_ENDS and status.get("reason") in _RETOLD:
        # The agent sends the report of the end until it is acknowledged: it is still to come.
        kind = StatusKind.ALIVE
    return TaskStatus(
        task_id=status["task_id"]["value"],
        agent_id=status.get("agent_id", {}).get("value"),
        kind=kind,
        phase=report.phase.value if report else "",
        failure=_failure(status, report) if kind is StatusKind.ENDED else None,
        detail=report.detail if report else "",
        began=report.began if report else MappingProxyType({}),
        digest=_digest(report),
        protocol=report.protocol if report and report.protocol in _PROTOCOLS else "",
        memory_kills=report.memory_kills if report else 0,
        isolation=report.isolation if report else None,
        progress=report.progress if report else None,
        is_success=state == "TASK_FINISHED" and report is not None and report.cause is None,
        never_began=state in _NEVER_BEGAN and status.get("reason") != "REASON_RECONCILIATION",
        result=report.result if report else "",
        state=state,
        uuid=status.get("uuid", ""),
    )


def _digest(report: TaskReport | None) -> str:
    """Return the digest in a report, "" if it is malformed: images are pulled by that name."""
    return report.digest if report and _DIGEST.fullmatch(report.digest) else ""


def _kind(state: str, report: TaskReport | None, *, healthy: bool) -> StatusKind:
    if state in _PLAIN_STATES:
        return _PLAIN_STATES[state]
    if state == "TASK_STARTING":
        return _PHASES.get(report.phase, StatusKind.ALIVE) if report else StatusKind.ALIVE
    if state == "TASK_RUNNING":
        return StatusKind.HEALTHY if healthy else StatusKind.UNHEALTHY
    if state in (*_OWN_ENDS, "TASK_ERROR"):
        return StatusKind.ENDED
    return StatusKind.UNREADABLE


def _failure(status: Mapping[str, Any], report: TaskReport | None) -> Failure:
    state, message = status["state"], status.get("message", "")
    if report and report.cause:
        return Failure(report.cause, message or report.cause.value, report.exit_code)
    if state == "TASK_FINISHED":
        return Failure(Cause.APP_EXITED, message or "The application ended by itself.", 0)
    reason = status.get("reason", "")
    if state == "TASK_DROPPED" and reason == "REASON_EXECUTOR_TERMINATED":
        return Failure(Cause.TASK_LOST, "The executor that was to take it had just ended.")
    if state == "TASK_ERROR" and reason != "REASON_INVALID_OFFERS":
        return Failure(Cause.TASK_REJECTED, _sentence("Mesos refused the task.", message))
    if reason in _ENDS:
        cause, sentence = _ENDS[reason]
        if reason == "REASON_CONTAINER_LAUNCH_FAILED" and "Failed to fetch" in message:
            sentence = _NOT_FETCHED
        return Failure(cause, _sentence(sentence, message))
    cause = Cause.EXECUTOR_FAILED if state == "TASK_FAILED" else Cause.TASK_LOST
    return Failure(cause, message or f"The task ended ({reason or state}).")


def _sentence(sentence: str, detail: str) -> str:
    return f"{sentence} ({detail.rstrip('.')})" if detail else sentence


def _task_report(status: Mapping[str, Any]) -> TaskReport | None:
    """Return the executor's report; Mesos's own statuses have none, nor do other executors'."""
    data = status.get("data")
    if not data:
        return None
    try:
        return TaskReport.decode(base64.b64decode(data, validate=True))
    except (binascii.Error, RecordError):
        return None
