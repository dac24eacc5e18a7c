"""executor/attempt/reporter.py and task_states.py: what Mesos hears of an attempt."""

import base64
import dataclasses
import itertools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from executor.attempt.reporter import Reporter
from executor.errors import AppExited, OutOfMemory
from executor.limits.confinement import Confinement, read_addresses
from executor.ports import Finished
from executor.service import describe_isolation
from prevs.messages import Isolation, TaskReport
from prevs.states import Cause, Phase
from prevs.work import Progress
from tests.fakes.attempts import RecordingLink

TASK = "hello.0123.abc"
CALLS: dict[str, Callable[[Reporter], None]] = {
    "TASK_STARTING": lambda reporter: reporter.progress(Phase.BUILDING, "Building."),
    "TASK_RUNNING": lambda reporter: reporter.running("It answers.", checked=0.5),
    "TASK_KILLING": lambda reporter: reporter.killing("It ends."),
    "TASK_KILLED": lambda reporter: reporter.ended(None),
    "TASK_FAILED": lambda reporter: reporter.ended(AppExited(3, answered=False)),
    "TASK_FINISHED": lambda reporter: reporter.ended(Finished(b"42")),
}
ENDS = {"TASK_KILLED", "TASK_FAILED", "TASK_FINISHED"}


def report_of(link: RecordingLink) -> TaskReport:
    return TaskReport.decode(base64.b64decode(link.statuses[-1]["data"]))


@pytest.fixture
def link() -> RecordingLink:
    return RecordingLink()


@pytest.fixture
def reporter(link: RecordingLink) -> Reporter:
    return Reporter(TASK, link.send_update)


def test_a_failure_carries_cause_exit_code_and_sentence(
    link: RecordingLink, reporter: Reporter
) -> None:
    reporter.ended(AppExited(3, answered=False))
    assert link.statuses[0]["task_id"] == {"value": TASK}
    assert link.statuses[0]["state"] == "TASK_FAILED"
    assert "exited with code 3" in link.statuses[0]["message"]
    assert report_of(link) == TaskReport(Phase.ENDED, Cause.APP_EXITED, 3)


def test_a_command_that_succeeded_is_finished_with_its_result(
    link: RecordingLink, reporter: Reporter
) -> None:
    reporter.killing("It ends.")
    reporter.ended(Finished(b"\0\xff", Progress(100, "done")))
    assert link.states == ["TASK_KILLING", "TASK_FINISHED"]
    assert link.statuses[-1]["message"] == "Its command exited with code 0."
    report = TaskReport(Phase.ENDED, exit_code=0, progress=Progress(100, "done"), result="AP8=")
    assert report_of(link) == report


def test_progress_is_reported_while_the_command_runs_and_not_afterwards(
    link: RecordingLink, reporter: Reporter
) -> None:
    reporter.running("It runs its command.")
    assert report_of(link) == TaskReport(Phase.RUNNING)
    reporter.progressed(Progress(40, "half way"))
    assert report_of(link) == TaskReport(Phase.RUNNING, progress=Progress(40, "half way"))
    reporter.shared("sha256:" + "1" * 64)
    assert report_of(link).progress == Progress(40, "half way")
    reporter.ended(Finished(b""))
    reporter.progressed(Progress(50, "late"))
    assert link.states == ["TASK_RUNNING"] * 3 + ["TASK_FINISHED"]


def test_each_report_has_the_isolation_of_the_agent_as_far_as_it_is_known(
    link: RecordingLink,
) -> None:
    confined = Confinement(allowed=read_addresses(["10.1.0.0/16"]), required=True)
    reporter = Reporter(TASK, link.send_update, describe_isolation(confined))
    reporter.progress(Phase.BUILDING, "Building.")
    expected = Isolation(allowed=("10.1.0.0/16",), required=True)
    assert report_of(link).isolation == expected
    reporter.set_isolation("open", "there is no iptables")
    reporter.set_isolation("builds_open", "")
    expected = dataclasses.replace(expected, open="there is no iptables", builds_open="")
    reporter.running("It answers.", checked=0.5)
    assert report_of(link).isolation == expected
    reporter.shared("sha256:" + "1" * 64)
    assert report_of(link).isolation == expected
    reporter.ended(AppExited(3, answered=True))
    assert report_of(link).isolation == expected


def test_memory_that_ran_out_is_a_limitation_for_mesos(
    link: RecordingLink, reporter: Reporter
) -> None:
    reporter.ended(OutOfMemory(137, 64))
    assert link.statuses[0]["reason"] == "REASON_CONTAINER_LIMITATION_MEMORY"
    assert "64 MB" in link.statuses[0]["message"]


def test_a_running_task_is_healthy(link: RecordingLink, reporter: Reporter) -> None:
    reporter.running("It answers.", checked=0.2501)
    assert link.statuses[0]["healthy"] is True
    assert link.statuses[0]["reason"] == "REASON_TASK_HEALTH_CHECK_STATUS_UPDATED"
    assert report_of(link) == TaskReport(Phase.RUNNING, began={"checking": 0.25})


def test_phases_are_reported_one_after_the_other(link: RecordingLink, reporter: Reporter) -> None:
    for phase in (Phase.FETCHING, Phase.BUILDING, Phase.STARTING):
        reporter.progress(phase, "…")
        assert report_of(link) == TaskReport(phase)
    reporter.progress(Phase.CHECKING, "…", detail="503", lasts=1.5)
    assert report_of(link) == TaskReport(Phase.CHECKING, detail="503", began={"checking": 1.5})
    assert link.states == ["TASK_STARTING"] * 4


def test_a_kill_is_reported_with_its_phase(link: RecordingLink, reporter: Reporter) -> None:
    reporter.progress(Phase.BUILDING, "…")
    reporter.killing("…")
    assert report_of(link).phase is Phase.BUILDING


DIGEST = "sha256:" + "d" * 64


def test_a_digest_is_in_the_next_report_and_all_later_ones(
    link: RecordingLink, reporter: Reporter
) -> None:
    reporter.progress(Phase.FETCHING, "…")
    reporter.shared(DIGEST)
    assert len(link.statuses) == 1
    reporter.progress(Phase.STARTING, "…")
    assert report_of(link) == TaskReport(Phase.STARTING, digest=DIGEST)
    reporter.running("…", checked=0.5)
    assert report_of(link).digest == DIGEST
    reporter.ended(None)
    assert report_of(link) == TaskReport(Phase.ENDED, digest=DIGEST)


def test_a_digest_that_becomes_known_while_it_runs_is_reported_at_once(
    link: RecordingLink, reporter: Reporter
) -> None:
    reporter.running("It answers.", checked=0.5)
    reporter.shared(DIGEST)
    assert link.states == ["TASK_RUNNING", "TASK_RUNNING"]
    assert link.statuses[1]["message"] == "It answers."
    assert link.statuses[1]["healthy"] is True
    assert report_of(link) == TaskReport(Phase.RUNNING, digest=DIGEST)


def test_the_protocol_is_in_each_report_of_a_running_application(
    link: RecordingLink, reporter: Reporter
) -> None:
    reporter.running("It answers.", checked=0.5, protocol="h2")
    assert report_of(link).protocol == "h2"
    reporter.shared(DIGEST)
    assert report_of(link) == TaskReport(Phase.RUNNING, digest=DIGEST, protocol="h2")


def test_memory_kills_are_in_a_report_at_once_and_in_later_ones(
    link: RecordingLink, reporter: Reporter
) -> None:
    reporter.running("It answers.", checked=0.5, protocol="h2")
    reporter.short_of_memory(2)
    assert link.states == ["TASK_RUNNING", "TASK_RUNNING"]
    assert report_of(link) == TaskReport(Phase.RUNNING, protocol="h2", memory_kills=2)
    reporter.shared(DIGEST)
    assert report_of(link).memory_kills == 2
    reporter.ended(None)
    reporter.short_of_memory(3)
    assert link.states[-1] == "TASK_KILLED"


@pytest.mark.parametrize("end", ["TASK_KILLING", *sorted(ENDS)])
def test_a_digest_that_is_known_after_the_end_causes_no_report(
    end: str, link: RecordingLink, reporter: Reporter
) -> None:
    reporter.running("It answers.", checked=0.5)
    CALLS[end](reporter)
    reporter.shared(DIGEST)
    assert link.states == ["TASK_RUNNING", end]


@pytest.mark.parametrize("calls", list(itertools.product(CALLS, repeat=3)))
def test_states_never_go_back_and_there_is_one_terminal_state(
    calls: tuple[str, ...], link: RecordingLink, reporter: Reporter
) -> None:
    for call in calls:
        CALLS[call](reporter)
    order = list(CALLS)
    positions = [order.index(state) for state in link.states]
    assert positions == sorted(positions)
    assert sum(state in ENDS for state in link.states) == bool(ENDS & set(calls))
    assert all(link.states.count(s) <= 1 for s in order if s != "TASK_STARTING")


def test_many_threads_that_end_it_send_one_terminal_update(
    link: RecordingLink, reporter: Reporter
) -> None:
    ends = [CALLS[end] for end in ENDS] * 8
    with ThreadPoolExecutor(len(ends)) as pool:
        list(pool.map(lambda end: end(reporter), ends))
    assert len(link.states) == 1
