import base64
from typing import Any

import pytest

from framework.mesos.task_status import read
from framework.ports.tasks import StatusKind
from prevs.messages import TaskReport
from prevs.records import Failure
from prevs.states import Cause, Phase


def status(state: str, report: TaskReport | None = None, **more: Any) -> dict[str, Any]:
    if report:
        more["data"] = base64.b64encode(report.encode()).decode()
    return {"task_id": {"value": "t1"}, "agent_id": {"value": "agent-1"}, "state": state, **more}


# Every task state of Mesos 1.11, without a word from an executor.
STATES = {
    "TASK_STAGING": StatusKind.ALIVE,
    "TASK_STARTING": StatusKind.ALIVE,
    "TASK_RUNNING": StatusKind.HEALTHY,
    "TASK_KILLING": StatusKind.KILLING,
    "TASK_FINISHED": StatusKind.ENDED,
    "TASK_FAILED": StatusKind.ENDED,
    "TASK_KILLED": StatusKind.ENDED,
    "TASK_ERROR": StatusKind.ENDED,
    "TASK_LOST": StatusKind.ENDED,
    "TASK_DROPPED": StatusKind.ENDED,
    "TASK_UNREACHABLE": StatusKind.AWAY,
    "TASK_GONE": StatusKind.ENDED,
    "TASK_GONE_BY_OPERATOR": StatusKind.ENDED,
    "TASK_UNKNOWN": StatusKind.UNKNOWN,
}


@pytest.mark.parametrize(("state", "kind"), STATES.items())
def test_every_state_of_mesos_has_a_meaning(state: str, kind: StatusKind) -> None:
    report = read(status(state))
    assert (report.kind, report.failure is not None) == (kind, kind is StatusKind.ENDED)


def test_an_unknown_state_is_unreadable_and_not_guessed() -> None:
    report = read(status("TASK_ODD", uuid="u"))
    assert (report.kind, report.state, report.uuid) == (StatusKind.UNREADABLE, "TASK_ODD", "u")


PHASES = {
    Phase.FETCHING: StatusKind.BUILDING,
    Phase.BUILDING: StatusKind.BUILDING,
    Phase.STARTING: StatusKind.STARTING,
    Phase.CHECKING: StatusKind.STARTING,
}


def test_the_phase_of_the_executor_is_passed_on() -> None:
    task_report = TaskReport(Phase.CHECKING, detail="503", began={"checking": 1.5})
    report = read(status("TASK_STARTING", task_report))
    assert (report.phase, report.detail, report.began) == ("checking", "503", {"checking": 1.5})


DIGEST = "sha256:" + "d" * 64


@pytest.mark.parametrize("state", ["TASK_STARTING", "TASK_RUNNING", "TASK_FAILED"])
def test_the_digest_of_an_image_is_passed_on(state: str) -> None:
    assert read(status(state, TaskReport(Phase.RUNNING, digest=DIGEST))).digest == DIGEST


@pytest.mark.parametrize("digest", ["", "latest", DIGEST + "0", "sha256:../../etc/passwd"])
def test_an_invalid_digest_is_passed_on_as_none(digest: str) -> None:
    assert read(status("TASK_RUNNING", TaskReport(Phase.RUNNING, digest=digest))).digest == ""


@pytest.mark.parametrize(
    ("reported", "protocol"), [("h2", "h2"), ("", ""), ("h3", ""), ("a b", "")]
)
def test_a_protocol_that_proxies_know_is_passed_on(reported: str, protocol: str) -> None:
    task_report = TaskReport(Phase.RUNNING, protocol=reported)
    assert read(status("TASK_RUNNING", task_report)).protocol == protocol


@pytest.mark.parametrize(("phase", "kind"), PHASES.items())
def test_a_starting_task_has_the_phase_of_its_executor(phase: Phase, kind: StatusKind) -> None:
    report = read(status("TASK_STARTING", TaskReport(phase)))
    assert (report.kind, report.phase) == (kind, phase.value)


def test_an_unhealthy_task_runs_and_is_not_healthy() -> None:
    assert read(status("TASK_RUNNING", healthy=False)).kind is StatusKind.UNHEALTHY


def failure_of(update: dict[str, Any]) -> Failure:
    failure = read(update).failure
    assert failure is not None
    return failure


def test_the_executors_report_of_an_end_is_the_failure() -> None:
    report = TaskReport(Phase.ENDED, Cause.BUILD_FAILED, 2)
    failure = failure_of(status("TASK_FAILED", report, message="Step 3 failed."))
    assert failure == Failure(Cause.BUILD_FAILED, "Step 3 failed.", 2)


REASONS = {
    "REASON_CONTAINER_LIMITATION_MEMORY": Cause.OUT_OF_MEMORY,
    "REASON_CONTAINER_LIMITATION_DISK": Cause.EXECUTOR_FAILED,
    "REASON_CONTAINER_LAUNCH_FAILED": Cause.EXECUTOR_FAILED,
    "REASON_EXECUTOR_TERMINATED": Cause.EXECUTOR_FAILED,
    "REASON_EXECUTOR_REGISTRATION_TIMEOUT": Cause.EXECUTOR_FAILED,
    "REASON_EXECUTOR_REREGISTRATION_TIMEOUT": Cause.TASK_LOST,
    "REASON_SLAVE_REMOVED": Cause.TASK_LOST,
    "REASON_AGENT_REMOVED": Cause.TASK_LOST,
    "REASON_AGENT_DISCONNECTED": Cause.TASK_LOST,
    "REASON_SLAVE_RESTARTED": Cause.TASK_LOST,
    "REASON_AGENT_REREGISTERED": Cause.TASK_LOST,
    "REASON_AGENT_DRAINING": Cause.TASK_LOST,
    "REASON_AGENT_REMOVED_BY_OPERATOR": Cause.TASK_LOST,
    "REASON_SOMETHING_NEW": Cause.EXECUTOR_FAILED,
}


RETOLD = {"REASON_SLAVE_REREGISTERED", "REASON_AGENT_REREGISTERED", "REASON_RECONCILIATION"}


def test_an_end_in_a_reboot_of_its_agent_is_told_as_that() -> None:
    gone = status(
        "TASK_GONE", reason="REASON_AGENT_REREGISTERED", message="Unknown agent reregistered"
    )
    expected = "Its agent came back without it. (Unknown agent reregistered)"
    assert failure_of(gone) == Failure(Cause.TASK_LOST, expected)


@pytest.mark.parametrize(
    ("state", "reason", "cause"),
    [
        *(("TASK_FAILED", reason, REASONS[reason]) for reason in sorted(REASONS.keys() - RETOLD)),
        *(("TASK_LOST", reason, Cause.TASK_LOST) for reason in sorted(RETOLD)),
        # An offer that has gone is no fault of the task.
        ("TASK_ERROR", "REASON_INVALID_OFFERS", Cause.TASK_LOST),
        ("TASK_LOST", "REASON_INVALID_OFFERS", Cause.TASK_LOST),
        ("TASK_DROPPED", "REASON_INVALID_OFFERS", Cause.TASK_LOST),
        ("TASK_ERROR", "REASON_TASK_INVALID", Cause.TASK_REJECTED),
    ],
)
def test_a_failure_without_a_report_is_read_from_its_reason(
    state: str, reason: str, cause: Cause
) -> None:
    failure = failure_of(status(state, reason=reason, message="Mesos's words."))
    assert failure.cause is cause
    assert "Mesos's words" in failure.message


@pytest.mark.parametrize("state", ["TASK_FINISHED", "TASK_FAILED"])
@pytest.mark.parametrize("reason", sorted(RETOLD))
def test_an_end_that_a_new_master_retells_waits_for_the_report_of_its_executor(
    state: str, reason: str
) -> None:
    retold = status(state, reason=reason, message="Unknown agent reregistered")
    assert read(retold).kind is StatusKind.ALIVE
    assert read(retold).failure is None
    told = read(status(state, TaskReport(Phase.ENDED), reason=reason))
    assert told.kind is StatusKind.ENDED


def test_an_application_that_exits_with_0_has_failed_too() -> None:
    failure = failure_of(status("TASK_FINISHED"))
    assert (failure.cause, failure.exit_code) == (Cause.APP_EXITED, 0)


@pytest.mark.parametrize("data", ["%%%", base64.b64encode(b"{}").decode(), ""])
def test_data_that_is_not_a_report_counts_as_none(data: str) -> None:
    assert read(status("TASK_STARTING", data=data)).kind is StatusKind.ALIVE


def test_a_task_whose_executor_could_not_be_fetched_fails_with_advice() -> None:
    message = "Failed to launch container: Failed to fetch all URIs for container 'c': status 1"
    reason = "REASON_CONTAINER_LAUNCH_FAILED"
    failure = failure_of(status("TASK_FAILED", reason=reason, message=message))
    assert failure.cause is Cause.EXECUTOR_FAILED
    assert "PREVS_ADVERTISE" in failure.message
    assert message in failure.message
