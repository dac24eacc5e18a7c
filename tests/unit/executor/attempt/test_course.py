"""executor/attempt/course.py: one attempt from its commit to its end, on fakes without waiting."""

import threading
from pathlib import Path

from executor.attempt.course import IMAGE_GONE
from executor.errors import (
    BuildFailed,
    CommitMissing,
    DockerfileMissing,
    ExecutorError,
    ImageMissing,
    StartFailed,
)
from prevs.states import Cause, Phase
from tests.fakes.attempts import FakeCheckout, FakeImages, FakeRegistry
from tests.fakes.containers import App, FakeContainer, FakeContainers
from tests.unit.executor.attempt.test_attempt import ATTEMPT
from tests.unit.executor.attempt.world import World


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
    assert IMAGE_GONE in world.log.headers
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
    assert isinstance(error, ExecutorError)
    assert error.cause is Cause.EXECUTOR_FAILED
