"""executor/attempt/job.py: one attempt from its commit to its end, on fakes that take no time."""

import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from executor.attempt.attempt import Attempt
from executor.attempt.image_provider import PUSH_END
from executor.attempt.job import AttemptTools, Job
from executor.errors import (
    AppExited,
    BuildFailed,
    CommitMissing,
    DockerfileMissing,
    ExecutorError,
    ImageMissing,
    NeverListened,
    NotServing,
    OutOfMemory,
    StartFailed,
    Unhealthy,
)
from executor.ports import HTTP2, Answer, Exit
from prevs.states import Cause, Phase
from tests.fakes.attempts import (
    FakeCheckout,
    FakeImages,
    FakeRegistry,
    FakeVolumes,
    JumpingSignals,
    MemoryLog,
    RecordingReports,
    ScriptedProbe,
)
from tests.fakes.containers import App, FakeContainer, FakeContainers
from tests.unit.executor.attempt.test_attempt import ATTEMPT

OK = Answer(connected=True, status=200)
REFUSED = Answer(connected=False)
NOT_SERVING = Answer(True, passed=False, problem="its health service answers NOT_SERVING")


class World:
    """An agent in memory: a commit with a Dockerfile, an image of it, an app that stays up."""

    def __init__(self, folder: Path, app: App | None = None) -> None:
        (folder / "Dockerfile").write_text("FROM scratch\n")
        self.log = MemoryLog()
        self.signals = JumpingSignals()
        self.images = FakeImages([ATTEMPT.image])
        self.containers = FakeContainers({ATTEMPT.image: app or App()}, self.log)
        self.disk_is_full = False
        self.volumes = FakeVolumes()
        self.reports = RecordingReports()
        self.probe = ScriptedProbe(OK)
        self.checkout = FakeCheckout(folder)
        self.registry: FakeRegistry | None = None

    def _make_room(self, on_start: Callable[[], None]) -> None:
        if self.disk_is_full:
            on_start()

    def containers_of(self, apps: Mapping[str, App]) -> FakeContainers:
        return FakeContainers(apps, self.log)

    def run(self, attempt: Attempt = ATTEMPT, push_end: float = PUSH_END) -> ExecutorError | None:
        tools = AttemptTools(
            checkout=lambda: self.checkout,
            make_room=self._make_room,
            images=self.images,
            containers=self.containers,
            volumes=self.volumes,
            probe=self.probe,
            reports=self.reports,
            log=self.log,
            signals=self.signals,
            now=self.signals.now,
            registry=self.registry,
        )
        return Job(attempt, tools, push_end=push_end).run()

    def stop_at(self, seconds: float) -> None:
        signals = JumpingSignals()
        signals.plan(seconds, signals.stop)
        self.signals = signals

    def end_at(self, seconds: float, end: Exit) -> None:
        self.signals = JumpingSignals()
        self.signals.plan(seconds, lambda: self.container.end(end))

    @property
    def container(self) -> FakeContainer:
        (container,) = self.containers.running.values()
        return container


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_with_an_image_it_starts_at_once_and_runs_until_a_stop(world: World) -> None:
    world.stop_at(1000.0)
    assert world.run() is None
    assert world.reports.phases == [Phase.STARTING, Phase.RUNNING]
    assert world.images.built == []
    assert world.containers.running == {}


def test_a_slow_end_of_a_push_takes_nothing_from_the_applications_grace(world: World) -> None:
    pushing, stopped = threading.Event(), threading.Event()
    seen: list[bool] = []

    class SlowRegistry(FakeRegistry):
        def push(self, tag: str, *, limit: float) -> str:
            pushing.set()
            seen.append(stopped.wait(10.0))
            return super().push(tag, limit=limit)

    def stop() -> None:
        assert pushing.wait(10.0)
        world.signals.stop()

    world.containers.terminating = stopped.set
    world.registry = SlowRegistry(world.images)
    world.signals.plan(1000.0, stop)
    assert world.run(push_end=60.0) is None
    assert seen == [True]
    assert world.registry.ended
    assert len(world.registry.pushed) == 1


def test_without_an_image_it_fetches_and_builds_first(world: World) -> None:
    world.images = FakeImages()
    world.stop_at(1000.0)
    assert world.run() is None
    phases = [Phase.FETCHING, Phase.BUILDING, Phase.STARTING, Phase.RUNNING]
    assert world.reports.phases == phases
    assert world.images.built == [ATTEMPT.image]
    assert world.images.labels["prevs.commit"] == ATTEMPT.order.sha
    assert world.log.headers[0] == "fetching commit 5c80e7d"
    assert world.log.headers[1] == "building prevs/hello:5c80e7d"


def test_an_attempt_that_waits_for_another_build_reports_it(world: World) -> None:
    world.images = FakeImages()
    world.images.busy = True
    world.stop_at(1000.0)
    assert world.run() is None
    assert world.reports.details == ["another attempt on this agent is building this commit"]
    assert world.reports.phases[:3] == [Phase.FETCHING, Phase.FETCHING, Phase.BUILDING]
    assert (
        "another attempt on this agent is building this commit: waiting for it" in world.log.headers
    )


def test_an_attempt_that_frees_disk_space_reports_it(world: World) -> None:
    world.images = FakeImages()
    world.disk_is_full = True
    world.stop_at(1000.0)
    assert world.run() is None
    assert world.reports.details == [
        "the agent's disk is nearly full: removing what has not been used for long"
    ]
    assert world.images.built == [ATTEMPT.image]


def test_an_image_that_is_removed_before_its_container_is_there_is_built_again(
    world: World,
) -> None:
    world.containers.missing = 1
    world.stop_at(1000.0)
    world.images.looks = [True, False, False]
    assert world.run() is None
    assert world.images.built == [ATTEMPT.image]
    assert world.reports.phases[-1] is Phase.RUNNING


def test_an_image_that_is_removed_again_and_again_fails_the_attempt(world: World) -> None:
    world.containers.missing = 2
    assert isinstance(world.run(), ImageMissing)


def test_a_failed_build_starts_nothing_and_reports_its_last_step(world: World) -> None:
    failure = BuildFailed("Step 2/2 …", 1)

    def fail() -> None:
        raise failure

    world.images = FakeImages(during_build=fail, steps=["1/2 FROM scratch", "2/2 RUN make"])
    assert world.run() is failure
    assert world.reports.details == ["2/2 RUN make"]
    assert world.containers.specs == []


def test_a_commit_that_is_gone_starts_nothing(world: World, tmp_path: Path) -> None:
    world.images = FakeImages()
    world.checkout = FakeCheckout(tmp_path, CommitMissing("/repo", ATTEMPT.order.sha))
    assert isinstance(world.run(), CommitMissing)
    assert world.reports.phases == [Phase.FETCHING]
    assert world.containers.specs == []


def test_a_commit_without_a_dockerfile_is_not_built(world: World, tmp_path: Path) -> None:
    world.images = FakeImages()
    (tmp_path / "Dockerfile").unlink()
    assert isinstance(world.run(), DockerfileMissing)
    assert world.images.built == []


def test_a_stop_during_the_build_starts_nothing_and_is_no_failure(world: World) -> None:
    def stop() -> None:
        world.signals.stop()
        world.signals.check()

    world.images = FakeImages(during_build=stop)
    assert world.run() is None
    assert world.containers.specs == []


def test_an_error_that_a_stop_causes_is_part_of_the_stop(world: World) -> None:
    def stop() -> None:
        world.signals.stop()
        raise BuildFailed("The builder was killed.")

    world.images = FakeImages(during_build=stop)
    assert world.run() is None


def test_a_stop_before_the_start_starts_nothing(world: World) -> None:
    world.signals.stop()
    assert world.run() is None
    assert world.reports.phases == []


def test_an_application_that_cannot_start_fails_with_the_reason(world: World) -> None:
    world.containers = FakeContainers({}, world.log)
    error = world.run()
    assert isinstance(error, StartFailed)
    assert world.containers.running == {}


def test_a_slow_health_check_is_reported_once(world: World) -> None:
    world.probe = ScriptedProbe(*[REFUSED] * 40, Answer(True, 503), OK)
    world.stop_at(1000.0)
    assert world.run() is None
    assert world.reports.phases == [Phase.STARTING, Phase.CHECKING, Phase.RUNNING]
    assert 1.0 < world.reports.checked < ATTEMPT.order.start_limit


def test_the_protocol_of_the_answer_is_reported(world: World) -> None:
    world.probe = ScriptedProbe(REFUSED, Answer(True, passed=True, protocol=HTTP2))
    world.stop_at(1000.0)
    assert world.run() is None
    assert world.reports.protocol == HTTP2


def test_memory_kills_are_reported_while_the_application_goes_on(world: World) -> None:
    """Not each time: workers that die again and again are reported once a minute."""
    world.stop_at(1000.0)
    start = world.containers.start

    def begin(*args: Any, **kwargs: Any) -> FakeContainer:
        container = start(*args, **kwargs)
        container.kills = lambda: (
            int(world.signals.now() // 10) if world.signals.now() < 500 else 49
        )
        return container

    world.containers.start = begin  # type: ignore[method-assign]
    assert world.run() is None
    first, *more = world.reports.kills
    assert first == 1
    assert sorted(more) == more
    assert (len(more) < 10, more[-1]) == (True, 49)
    headers = [text for text in world.log.headers if text.startswith("memory ran out")]
    assert len(headers) == len(world.reports.kills)
    assert "a process of the application once since the start" in headers[0]
    assert "a process of the application 49 times since the start" in headers[-1]
    assert headers[0].endswith(f"at its {ATTEMPT.order.mem} MB; the application keeps running")


def test_an_application_that_is_killed_itself_is_not_reported_as_running(world: World) -> None:
    world.end_at(100.0, Exit(137, True))
    start = world.containers.start

    def begin(*args: Any, **kwargs: Any) -> FakeContainer:
        container = start(*args, **kwargs)
        # The kernel has counted it, and docker reports the end a second later.
        container.kills = lambda: int(world.signals.now() >= 99.0)
        return container

    world.containers.start = begin  # type: ignore[method-assign]
    assert isinstance(world.run(), OutOfMemory)
    assert world.reports.kills == []


def test_an_application_that_never_listens_fails_at_the_limit_and_is_removed(world: World) -> None:
    world.probe = ScriptedProbe(REFUSED)
    assert isinstance(world.run(), NeverListened)
    assert world.signals.now() == pytest.approx(ATTEMPT.order.start_limit)
    assert world.containers.running == {}


@pytest.mark.parametrize(
    ("exits", "answers", "end", "kind", "fields", "message"),
    [
        (None, [REFUSED, Answer(True, 500)], None, Unhealthy, {"status": 500}, "500"),
        (None, [REFUSED, NOT_SERVING], None, NotServing, {"status": None}, "answers NOT_SERVING"),
        (Exit(3, False), [REFUSED], None, AppExited, {"exit_code": 3}, "before it answered"),
        (Exit(1, False), [OK], None, AppExited, {"exit_code": 1}, "before it answered"),
        (None, [OK], Exit(0, False), AppExited, {"exit_code": 0}, "after it had answered"),
        (None, [OK], Exit(137, True), OutOfMemory, {"exit_code": 137, "mem": 64}, "64 MB"),
        (None, [OK], Exit(137, False), AppExited, {"exit_code": 137}, "(killed, as the"),
    ],
    ids=[
        "it answers badly",
        "its health service answers that it does not serve",
        "it exits before it answers",
        "another one listens on the port, and it exits",
        "it exits later, even with code 0",
        "it needs too much memory",
        "it is killed, and docker does not know why",
    ],
)
def test_an_application_that_fails_is_removed_with_the_reason(
    tmp_path: Path,
    exits: Exit | None,
    answers: list[Answer],
    end: Exit | None,
    kind: type[ExecutorError],
    fields: dict[str, object],
    message: str,
) -> None:
    world = World(tmp_path, App(exits=exits))
    world.probe = ScriptedProbe(*answers)
    if end:
        world.end_at(500.0, end)
    error = world.run()
    assert type(error) is kind
    assert fields.items() <= vars(error).items()
    assert message in str(error)
    assert (Phase.RUNNING in world.reports.phases) is bool(end)
    assert world.containers.running == {}


def test_an_application_gets_its_stop_signal_before_it_is_removed(world: World) -> None:
    ends: list[FakeContainer] = []

    def stop() -> None:
        ends.append(world.container)
        world.signals.stop(10.0)

    world.signals.plan(50.0, stop)
    assert world.run() is None
    assert ends[0].terminated
    assert world.signals.now() == 50.0


def test_an_application_that_ignores_the_signal_is_removed_after_its_grace(tmp_path: Path) -> None:
    world = World(tmp_path, App(obeys_sigterm=False))
    world.stop_at(50.0)
    assert world.run() is None
    assert world.signals.now() == 60.0
    assert world.containers.running == {}


def test_an_unexpected_failure_is_reported_too(world: World) -> None:
    def fail() -> None:
        raise ZeroDivisionError

    world.images = FakeImages(during_build=fail)
    error = world.run()
    assert error is not None
    assert error.cause is Cause.EXECUTOR_FAILED
