"""executor/attempt/work.py: the command of a job until its exit, its time limit or a stop."""

import base64
import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from executor.attempt.attempt import Attempt
from executor.attempt.course import Use
from executor.attempt.task_states import Outcome, TaskState, last_status
from executor.attempt.work import Work, work_spec
from executor.errors import DiskFull, DockerUnavailable, ExecutorError
from executor.job_errors import (
    CommandExited,
    EndUnknown,
    JobDiskFull,
    JobOutOfMemory,
    ResultUnusable,
    TimedOut,
)
from executor.ports import ContainerSpec, Exit, Finished, Left
from prevs import names
from prevs.commit_settings import RunSettings
from prevs.states import Cause, Phase
from prevs.work import Progress
from prevs.work import Work as Ordered
from tests.fakes.containers import App, FakeContainer, FakeContainers
from tests.unit.executor.attempt.test_attempt import ORDER
from tests.unit.executor.attempt.world import World
from tests.waits import wait_until

WORK = Ordered("k3j9x0q2ab", ("report", "--all"), timeout=60.0)
DONE = Exit(0, out_of_memory=False)


class JobWorld(World):
    """An agent in memory, with a job whose command is `app`."""

    def __init__(self, folder: Path, app: App) -> None:
        order = dataclasses.replace(ORDER, container_port=0, host_port=0, work=WORK)
        super().__init__(folder, app, attempt=Attempt("hello.job.abc", "agent-1", "c1", order))
        self.slow = 1.0

    def _use(self, attempt: Attempt) -> Use:
        return Work(
            attempt,
            WORK,
            containers=self.containers,
            reports=self.reports,
            log=self.log,
            signals=self.signals,
            now=self.signals.now,
            artifacts=self.folder,
            slow=self.slow,
        )


def test_a_command_that_succeeds_is_finished_with_what_it_left(tmp_path: Path) -> None:
    world = JobWorld(tmp_path, App(left=Left(b"42", progress=b"100 done\n", artifacts=2)))
    world.end_at(50.0, DONE)
    assert world.run() == Finished(b"42", Progress(100, "done"))
    assert world.reports.phases == [Phase.STARTING, Phase.RUNNING]
    headers = ["running report --all", "kept 2 files of /run/prevs/artifacts"]
    assert world.log.headers == headers
    assert world.containers.running == {}


class SlowContainers(FakeContainers):
    """Starts a container only once `told` returns True."""

    def __init__(self, world: JobWorld, told: Callable[[], bool]) -> None:
        super().__init__({world.attempt.image: App()}, world.log)
        self._told = told

    def start(self, spec: ContainerSpec, *, on_exit: Callable[[], None]) -> FakeContainer:
        wait_until(self._told)
        return super().start(spec, on_exit=on_exit)


@pytest.mark.parametrize(
    ("attempt", "phases"),
    [("abc-1", [Phase.STARTING, Phase.RUNNING]), ("abc-2", [Phase.RUNNING])],
)
def test_only_the_first_job_of_an_executor_reports_that_it_starts(
    tmp_path: Path, attempt: str, phases: list[Phase]
) -> None:
    world = JobWorld(tmp_path, App())
    world.attempt = world.attempt._replace(task_id=names.task_id("hello", "a" * 40, attempt))
    world.end_at(50.0, DONE)
    world.run()
    assert world.reports.phases == phases


def test_a_later_job_reports_that_it_starts_if_that_is_slow(tmp_path: Path) -> None:
    world = JobWorld(tmp_path, App())
    world.attempt = world.attempt._replace(task_id=names.task_id("hello", "a" * 40, "abc-2"))
    world.containers = SlowContainers(world, lambda: world.reports.phases == [Phase.STARTING])
    world.end_at(50.0, DONE)
    world.slow = 0.0
    world.run()
    assert world.reports.phases == [Phase.STARTING, Phase.RUNNING]


@pytest.mark.parametrize(
    ("end", "kind", "fields"),
    [
        (Exit(3, False), CommandExited, {"exit_code": 3}),
        (Exit(137, False), CommandExited, {"exit_code": 137}),
        (Exit(137, True), JobOutOfMemory, {"exit_code": 137, "mem": 64}),
        (Exit(None, False), EndUnknown, {}),
        (Exit(137, False, is_removed=True), EndUnknown, {}),
    ],
    ids=["it fails", "it is killed", "memory runs out", "docker is away", "it is removed"],
)
def test_a_command_that_does_not_succeed_is_a_failure_with_the_reason(
    tmp_path: Path, end: Exit, kind: type[ExecutorError], fields: dict[str, object]
) -> None:
    world = JobWorld(tmp_path, App())
    world.end_at(50.0, end)
    error = world.run()
    assert type(error) is kind
    assert fields.items() <= vars(error).items()
    assert "application" not in str(error)
    assert world.containers.running == {}


@pytest.mark.parametrize("end", [Exit(3, False), Exit(137, True)])
def test_a_command_that_fails_keeps_its_result(tmp_path: Path, end: Exit) -> None:
    world = JobWorld(tmp_path, App(left=Left(b"3 of 40 tests failed")))
    world.end_at(50.0, end)
    outcome = world.run()
    state, report, _ = last_status(outcome)
    assert (state, report.exit_code) == (TaskState.FAILED, end.code)
    assert base64.b64decode(report.result) == b"3 of 40 tests failed"


def test_a_command_that_runs_too_long_keeps_its_result(tmp_path: Path) -> None:
    world = JobWorld(tmp_path, App(left=Left(b"half of it")))
    _, report, _ = last_status(world.run())
    assert (report.cause, base64.b64decode(report.result)) == (Cause.TIMED_OUT, b"half of it")


def test_a_result_that_cannot_be_kept_does_not_hide_the_failure(tmp_path: Path) -> None:
    world = JobWorld(tmp_path, App(left=Left(None, "It has 70,000 bytes.")))
    world.end_at(50.0, Exit(3, False))
    error = world.run()
    assert isinstance(error, CommandExited)
    assert (error.exit_code, error.result) == (3, b"")
    assert world.log.headers[-1] == "its result cannot be used: It has 70,000 bytes."


def test_what_docker_loses_is_no_failure_of_the_command() -> None:
    assert EndUnknown("it is away").cause is Cause.DOCKER_UNAVAILABLE


def test_a_command_that_fills_the_disk_is_ended_as_a_command(tmp_path: Path) -> None:
    world = JobWorld(tmp_path, App())
    raise_at(world, 50.0, DiskFull(7))
    error = world.run()
    assert isinstance(error, JobDiskFull)
    assert (error.limit, "application" in str(error)) == (7, False)


def raise_at(world: JobWorld, seconds: float, error: ExecutorError) -> None:
    """Let exit() of the container raise an error at a time."""

    def fail() -> Exit | None:
        raise error

    def begin() -> None:
        world.container.exit = fail  # type: ignore[method-assign]

    world.signals.plan(seconds, begin)


@pytest.mark.parametrize("obeys", [True, False])
def test_the_time_limit_ends_a_command_within_its_grace(tmp_path: Path, obeys: bool) -> None:
    world = JobWorld(tmp_path, App(obeys_sigterm=obeys))
    containers: list[FakeContainer] = []
    world.signals.plan(1.0, lambda: containers.append(world.container))
    error = world.run()
    assert isinstance(error, TimedOut)
    assert str(error).startswith("It ran longer than its timeout of 60 s.")
    assert containers[0].terminated
    assert world.signals.now() == 60.0 + (0.0 if obeys else ORDER.stop_grace)
    assert world.containers.running == {}


def test_the_time_limit_holds_while_docker_does_not_answer(tmp_path: Path) -> None:
    world = JobWorld(tmp_path, App())

    def fail() -> bool:
        raise DockerUnavailable("it restarts")

    world.containers.terminating = fail
    assert isinstance(world.run(), TimedOut)
    assert world.containers.running == {}


def test_a_command_that_ends_at_its_time_limit_has_ended_by_itself(tmp_path: Path) -> None:
    world = JobWorld(tmp_path, App(left=Left(b"42")))
    # docker tells of it only after it was asked to end the command.
    tell_late(world, DONE)
    assert world.run() == Finished(b"42")


def tell_late(world: JobWorld, end: Exit) -> None:
    """Let the container have ended, but tell of it only once it was to be terminated."""

    def terminate() -> bool:
        world.container.end(end)
        return False

    def begin(*args: Any, **kwargs: Any) -> FakeContainer:
        container = start(*args, **kwargs)
        container.terminate = terminate  # type: ignore[method-assign]
        return container

    start = world.containers.start
    world.containers.start = begin  # type: ignore[method-assign]


def test_a_stop_ends_the_command_and_is_no_failure(tmp_path: Path) -> None:
    world = JobWorld(tmp_path, App(obeys_sigterm=False))
    world.signals.plan(30.0, world.signals.stop)
    assert world.run() is None
    assert world.signals.now() >= 30.0 + world.signals.grace
    assert world.containers.running == {}


@pytest.mark.parametrize(
    ("end", "outcome"), [(DONE, Finished(b"42")), (Exit(3, out_of_memory=False), None)]
)
def test_a_command_that_succeeded_before_a_stop_has_succeeded(
    tmp_path: Path, end: Exit, outcome: Outcome
) -> None:
    world = JobWorld(tmp_path, App(left=Left(b"42")))
    tell_late(world, end)
    world.signals.plan(30.0, world.signals.stop)
    assert world.run() == outcome


def test_a_command_that_a_stop_makes_end_well_was_stopped(tmp_path: Path) -> None:
    world = JobWorld(tmp_path, App(left=Left(b"42")))

    def stop() -> None:
        container = world.container
        world.signals.stop()

        def terminate() -> bool:
            container.end(DONE)
            return True

        container.terminate = terminate  # type: ignore[method-assign]

    world.signals.plan(30.0, stop)
    assert world.run() is None


def test_a_result_that_cannot_be_kept_fails_the_job(tmp_path: Path) -> None:
    world = JobWorld(tmp_path, App(exits=DONE, left=Left(None, "It has 70,000 bytes.")))
    error = world.run()
    assert isinstance(error, ResultUnusable)
    assert (error.cause, error.exit_code) == (Cause.RESULT_UNUSABLE, 0)
    assert "It has 70,000 bytes." in str(error)


@pytest.mark.parametrize("code", [0, 3])
def test_only_a_result_is_worth_a_loss(tmp_path: Path, code: int) -> None:
    """If docker goes away after a failure, that stays the reason."""
    world = JobWorld(tmp_path, App())

    def take(folder: Path) -> Left:
        raise DockerUnavailable(f"nothing came into {folder}")

    def end() -> None:
        world.container.take = take  # type: ignore[method-assign]
        world.container.end(Exit(code, out_of_memory=False))

    world.signals.plan(30.0, end)
    assert type(world.run()) is (CommandExited if code else DockerUnavailable)


def test_what_is_not_kept_is_said(tmp_path: Path) -> None:
    world = JobWorld(tmp_path, App(exits=DONE, left=Left(artifacts=1, left_out=3)))
    assert world.run() == Finished(b"")
    assert "kept 1 file of /run/prevs/artifacts" in world.log.headers
    assert any(header.startswith("left out 3 entries of") for header in world.log.headers)


def test_the_container_of_a_job_is_that_of_the_preview_without_what_serves(tmp_path: Path) -> None:
    attempt = JobWorld(tmp_path, App()).attempt
    run = RunSettings(command=("serve",), volumes=("/data",), hooks=(("x",),), read_only=True)
    order = dataclasses.replace(attempt.order, run=run)
    spec = work_spec(attempt._replace(order=order), WORK)
    assert (spec.command, spec.ports, spec.volumes) == (("report", "--all"), (), {})
    assert (spec.read_only, spec.mem, spec.exchange, spec.stdin) == (True, 64, {}, None)
    assert spec.labels["prevs.task"] == attempt.task_id


def test_a_jobs_variables_override_the_apps_and_ours_override_both(tmp_path: Path) -> None:
    attempt = JobWorld(tmp_path, App()).attempt
    order = dataclasses.replace(
        attempt.order,
        run=RunSettings(environment={"A": "commit", "B": "commit", "C": "commit"}),
        environment={"B": "app", "C": "app"},
    )
    work = dataclasses.replace(
        WORK,
        number=2,
        nominal=1700000000.5,
        environment={"C": "job", "PREVS_JOB": "other"},
        variables={"TASK_ID": "k4z7"},
    )
    assert work_spec(attempt._replace(order=order), work).environment == {
        "TASK_ID": "k4z7",
        "A": "commit",
        "B": "app",
        "C": "job",
        "PREVS_APP": "hello",
        "PREVS_COMMIT": order.sha,
        "PREVS_LABEL": "main",
        "PREVS_URL": "http://main.hello.localhost:8080/",
        "PREVS_JOB": "k3j9x0q2ab",
        "PREVS_TRY": "2",
        "PREVS_NOMINAL": "2023-11-14T22:13:20Z",
        "PREVS_RESULT_FILE": "/run/prevs/result",
        "PREVS_PROGRESS_FILE": "/run/prevs/progress",
    }


@pytest.mark.parametrize("stdin", [False, True])
def test_a_payload_is_a_file_and_on_request_the_standard_input(tmp_path: Path, stdin: bool) -> None:
    attempt = JobWorld(tmp_path, App()).attempt
    payload = base64.b64encode(b"\0\xff").decode()
    spec = work_spec(attempt, dataclasses.replace(WORK, payload=payload, stdin=stdin))
    assert spec.exchange == {"payload": b"\0\xff"}
    assert spec.stdin == (b"\0\xff" if stdin else None)
    assert spec.environment["PREVS_PAYLOAD_FILE"] == "/run/prevs/payload"
