"""Hooks in executor/attempt/serve.py: what runs first, how often, and how it fails."""

import dataclasses
from pathlib import Path

import pytest

from executor.attempt.attempt import Attempt
from executor.attempt.task_states import Outcome
from executor.errors import DockerUnavailable, HookFailed
from executor.ports import Exit
from prevs import names
from prevs.commit_settings import RunSettings
from prevs.containers import Keep
from prevs.states import Cause, Phase
from tests.fakes.containers import App
from tests.unit.executor.attempt.test_attempt import ATTEMPT
from tests.unit.executor.attempt.world import World

DONE = App(exits=Exit(0, out_of_memory=False))
MIGRATE = ("python", "manage.py", "migrate")
SEED = ("seed", "--all")
OLDER, NEWER = "a" * 40, "b" * 40


class HookWorld(World):
    """An agent with an app whose hooks are the apps `migrate` and `seed`."""

    def __init__(self, folder: Path, migrate: App = DONE, seed: App = DONE) -> None:
        super().__init__(folder)
        self.containers = self.containers_of(
            {
                **{names.image_tag("hello", sha): App() for sha in (OLDER, NEWER)},
                ATTEMPT.image: App(),
                "python manage.py migrate": migrate,
                "seed --all": seed,
            }
        )

    def commands(self) -> list[tuple[str, ...]]:
        """Return the commands since the last call."""
        ran = [tuple(spec.command) for spec in self.containers.specs]
        self.containers.specs.clear()
        return ran

    def run_with(self, *volumes: str) -> Outcome:
        return self.run(attempt(*volumes))

    def run_to_the_end(self, *volumes: str) -> list[tuple[str, ...]]:
        self.stop_at(1000.0)
        assert self.run_with(*volumes) is None
        return self.commands()


def attempt(*volumes: str) -> Attempt:
    settings = RunSettings(hooks=(MIGRATE, SEED), volumes=volumes)
    return ATTEMPT._replace(order=dataclasses.replace(ATTEMPT.order, run=settings))


@pytest.fixture
def world(tmp_path: Path) -> HookWorld:
    return HookWorld(tmp_path)


def test_hooks_run_in_order_before_the_application_and_are_reported(world: HookWorld) -> None:
    assert world.run_to_the_end() == [MIGRATE, SEED, ()]
    assert world.reports.details == ["hook 1/2 python manage.py migrate", "hook 2/2 seed --all"]
    assert world.reports.phases == [Phase.STARTING, Phase.RUNNING]
    assert world.log.headers == [
        "hook 1/2: python manage.py migrate",
        "hook 2/2: seed --all",
        "starting prevs/hello:5c80e7d",
    ]
    assert world.containers.running == {}


def test_without_volumes_they_run_at_each_attempt(world: HookWorld) -> None:
    assert world.run_to_the_end() == world.run_to_the_end() == [MIGRATE, SEED, ()]


def test_with_volumes_they_run_once_for_each_set_of_them(world: HookWorld) -> None:
    assert world.run_to_the_end("/data", "/more") == [MIGRATE, SEED, ()]
    assert world.run_to_the_end("/data", "/more") == [()]
    world.volumes.there.popitem()
    assert world.run_to_the_end("/data", "/more") == [MIGRATE, SEED, ()]


def test_an_instance_has_volumes_of_its_own_and_keeps_them(world: HookWorld) -> None:
    """Beside the preview of its commit, and that of the same commit in another variant."""
    ids = ("", "7be0ac6d" * 5, "0f1e2d3c" * 5)
    used = []
    for instance in (*ids, *ids):
        order = dataclasses.replace(attempt("/data").order, instance=instance)
        world.stop_at(1000.0)
        assert world.run(ATTEMPT._replace(order=order)) is None
        used.append(world.containers.specs[-1].volumes["/data"])
    assert len(set(used)) == 3
    assert used[:3] == used[3:]
    assert world.commands() == [MIGRATE, SEED, ()] * 3 + [()] * 3, "each is prepared once"


def of_branch(sha: str, keep: Keep = Keep.BRANCH, data: str = "main") -> Attempt:
    order = attempt("/data").order
    run = dataclasses.replace(order.run, keep=keep)
    return ATTEMPT._replace(order=dataclasses.replace(order, sha=sha, run=run, data=data))


def test_the_next_commit_of_a_branch_has_its_data_and_is_prepared_once(tmp_path: Path) -> None:
    """It may have migrations that the one before did not have."""
    world, used = HookWorld(tmp_path), []
    for sha in (OLDER, NEWER, NEWER, OLDER):
        world.stop_at(1000.0)
        assert world.run(of_branch(sha)) is None
        used.append(world.containers.specs[-1].volumes["/data"])
    assert len(set(used)) == 1
    assert world.commands() == [MIGRATE, SEED, (), MIGRATE, SEED, (), (), ()]
    assert world.volumes.labels["prevs.branch"] == "main"


@pytest.mark.parametrize(
    ("keep", "data"), [(Keep.COMMIT, "main"), (Keep.BRANCH, "")], ids=["by its file", "no branch"]
)
def test_data_of_a_commit_are_its_own(world: HookWorld, keep: Keep, data: str) -> None:
    used = []
    for sha in (OLDER, NEWER):
        world.stop_at(1000.0)
        assert world.run(of_branch(sha, keep, data)) is None
        used.append(world.containers.specs[-1].volumes["/data"])
    assert len(set(used)) == 2


def released(sha: str, data: str = "main", *volumes: str) -> Attempt:
    """Return an attempt whose hooks have the names that people know."""
    run = RunSettings(volumes=volumes, keep=Keep.BRANCH, release=(MIGRATE,), seed_hooks=(SEED,))
    order = dataclasses.replace(ATTEMPT.order, sha=sha, run=run, data=data)
    return ATTEMPT._replace(order=order)


def test_a_release_runs_once_for_each_commit_and_a_seed_once_for_new_data(
    world: HookWorld,
) -> None:
    for sha, data in ((OLDER, "main"), (OLDER, "main"), (NEWER, "main"), (NEWER, "fix")):
        world.stop_at(1000.0)
        assert world.run(released(sha, data, "/data")) is None
    assert world.commands() == [MIGRATE, SEED, (), (), MIGRATE, (), MIGRATE, SEED, ()]


def test_without_volumes_release_and_seed_run_at_each_attempt(world: HookWorld) -> None:
    for _ in range(2):
        world.stop_at(1000.0)
        assert world.run(released(OLDER, "")) is None
    assert world.commands() == [MIGRATE, SEED, ()] * 2


def test_data_that_a_commit_without_a_seed_has_begun_are_not_new(world: HookWorld) -> None:
    for attempt_ in (of_branch(OLDER), released(NEWER, "main", "/data")):
        world.stop_at(1000.0)
        assert world.run(attempt_) is None
    assert world.commands() == [MIGRATE, SEED, (), MIGRATE, ()]


def test_a_seed_that_failed_runs_again_and_the_release_does_not(tmp_path: Path) -> None:
    world = HookWorld(tmp_path, seed=App(exits=Exit(1, False)))
    for ran in ([MIGRATE, SEED], [SEED]):
        assert isinstance(world.run(released(OLDER, "main", "/data")), HookFailed)
        assert world.commands() == ran


def test_all_kinds_run_in_their_order_and_are_counted_together(world: HookWorld) -> None:
    order = released(OLDER, "main", "/data").order
    run = dataclasses.replace(order.run, hooks=(SEED,))
    world.stop_at(1000.0)
    assert world.run(ATTEMPT._replace(order=dataclasses.replace(order, run=run))) is None
    assert world.commands() == [SEED, MIGRATE, SEED, ()]
    assert world.reports.details[-1] == "hook 3/3 seed --all"


def test_the_containers_of_hooks_and_application_have_the_same_volumes(world: HookWorld) -> None:
    world.stop_at(1000.0)
    assert world.run_with("/data") is None
    assert len(world.containers.specs) == 3
    assert {tuple(spec.volumes) for spec in world.containers.specs} == {("/data",)}
    assert len({name for spec in world.containers.specs for name in spec.volumes.values()}) == 1
    assert world.volumes.labels["prevs.commit"] == ATTEMPT.order.sha


def test_a_hook_that_fails_ends_the_attempt_and_is_run_again_by_the_next(tmp_path: Path) -> None:
    world = HookWorld(tmp_path, migrate=App(b"no such table", Exit(4, False)))
    error = world.run_with("/data")
    assert isinstance(error, HookFailed)
    assert error.cause is Cause.HOOK_FAILED
    assert error.exit_code == 4
    assert error.hook == "python manage.py migrate"
    assert "exited with code 4" in str(error)
    assert world.commands() == [MIGRATE]
    assert world.containers.running == {}
    world.run_with("/data")
    assert world.commands() == [MIGRATE]


def test_the_success_of_one_hook_does_not_count_for_all(tmp_path: Path) -> None:
    world = HookWorld(tmp_path, seed=App(exits=Exit(1, False)))
    for _ in range(2):
        assert isinstance(world.run_with("/data"), HookFailed)
        assert world.commands() == [MIGRATE, SEED]


@pytest.mark.parametrize(
    ("end", "message"),
    [(Exit(137, True), "64 MB"), (Exit(127, False), "its command was not found")],
    ids=["it needs too much memory", "its command is not there"],
)
def test_the_error_of_a_hook_names_the_reason(tmp_path: Path, end: Exit, message: str) -> None:
    error = HookWorld(tmp_path, migrate=App(exits=end)).run_with()
    assert isinstance(error, HookFailed)
    assert message in str(error)


def test_each_hook_has_the_start_limit(tmp_path: Path) -> None:
    world = HookWorld(tmp_path, seed=App())
    error = world.run_with("/data")
    assert isinstance(error, HookFailed)
    assert error.exit_code is None
    assert f"within {ATTEMPT.order.start_limit:g} s" in str(error)
    assert world.signals.now() == pytest.approx(ATTEMPT.order.start_limit)
    assert world.containers.running == {}


def test_a_stop_ends_a_hook_and_starts_nothing_more(tmp_path: Path) -> None:
    world = HookWorld(tmp_path, migrate=App(obeys_sigterm=False))
    world.stop_at(20.0)
    assert world.run_with("/data") is None
    assert world.signals.now() == 30.0  # with its grace
    assert world.commands() == [MIGRATE]
    assert world.containers.running == {}


def test_a_stop_in_the_last_moment_of_a_hook_starts_nothing_more(tmp_path: Path) -> None:
    world = HookWorld(tmp_path)
    world.containers.removing = world.signals.stop
    assert world.run_with("/data") is None
    assert world.commands() == [MIGRATE]


def test_without_docker_the_volumes_fail_with_a_reason(world: HookWorld) -> None:
    def fail(*_: object, **__: object) -> list[object]:
        raise DockerUnavailable("gone")

    world.volumes.have = fail  # type: ignore[method-assign, assignment]  # a daemon that is away
    assert isinstance(world.run_with("/data"), DockerUnavailable)
