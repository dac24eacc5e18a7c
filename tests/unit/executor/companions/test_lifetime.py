"""executor/companions: a whole attempt with companions, in memory."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from executor.companions.companion_errors import (
    CompanionFailed,
    CompanionImageMissing,
    CompanionRegistryUnreachable,
    TogetherFull,
)
from executor.errors import AppExited, DiskFull, StartFailed
from executor.ports import ContainerSpec, Exit, PublishedPort
from prevs import names
from prevs.companions import Companion
from prevs.containers import ContainerSettings, Keep
from prevs.states import Cause, Phase
from tests.fakes.containers import App, FakeContainer
from tests.unit.executor.attempt.test_attempt import ATTEMPT
from tests.unit.executor.companions.world import CACHE, DB, WORKER, CompanionWorld

OF_TWO = {names.image_tag("hello", sha): App() for sha in ("a" * 40, "b" * 40)}
"""The images of two commits."""


@pytest.fixture
def world(tmp_path: Path) -> CompanionWorld:
    return CompanionWorld(tmp_path, DB, CACHE, WORKER)


def test_companions_start_in_order_then_hooks_then_the_application(world: CompanionWorld) -> None:
    world.settings = dataclasses.replace(world.settings, hooks=(("work",),))
    world.containers = world.containers_of(
        {**dict.fromkeys(world.tags.values(), App()), "work": App(exits=Exit(0, False))}
    )
    world.settings = dataclasses.replace(world.settings, companions=(DB, CACHE))
    world.ready_after = {"db": 3.0, "cache": 5.0}
    world.stop_at(1000.0)
    assert world.run() is None
    assert world.started() == ["db", "cache", "1", "app"]
    # The second waits for the first.
    assert world.readiness.looked.index("cache") == world.readiness.looked.count("db")
    assert world.reports.details == [
        "pulling postgres:17",
        "pulling redis:8",
        "starting db, cache",
        "waiting for db (pg_isready)",
        "waiting for cache (port 6379)",
        "hook 1/1 work",
    ]
    assert world.reports.phases[-1] is Phase.RUNNING
    assert world.containers.running == {}


def test_the_first_companion_owns_the_network(world: CompanionWorld) -> None:
    world.stop_at(1000.0)
    order = dataclasses.replace(ATTEMPT.order, gates=("shop.localhost",))
    assert world.run(ATTEMPT._replace(order=order)) is None
    db, cache, worker, app = world.containers.specs
    assert db.ports == (PublishedPort(order.container_port, order.host, order.host_port),)
    assert (db.hosts, db.joins) == (("app", "db", "cache", "worker"), "")
    assert db.gates == ("shop.localhost",)
    assert [(one.ports, one.joins, one.hosts, one.gates) for one in (cache, worker, app)] == [
        ((), db.name, (), ())
    ] * 3
    assert len({db.name, cache.name, worker.name, app.name}) == 4
    assert (db.mem, app.mem) == (256, order.mem)


def test_only_code_of_the_commit_gets_the_variables_of_the_app(world: CompanionWorld) -> None:
    world.stop_at(1000.0)
    world.run()
    db, _, worker, app = (spec.environment for spec in world.containers.specs)
    assert "APP_KEY" not in db
    assert db["PREVS_COMMIT"] == ATTEMPT.order.sha
    assert (worker["APP_KEY"], worker["QUEUE"]) == ("known", "all")
    assert ("PORT" in worker, "PORT" in app, "QUEUE" in app) == (False, True, False)


def test_images_are_pulled_only_if_they_are_not_there_and_are_kept(world: CompanionWorld) -> None:
    world.stop_at(1000.0)
    world.run()
    assert world.pulls.pulled == ["postgres:17", "redis:8"]
    assert world.held == [world.tags["db"], world.tags["cache"]]
    world.stop_at(1000.0)
    world.pulls.error = AssertionError("the registry is not asked")
    assert world.run() is None
    assert world.pulls.pulled == ["postgres:17", "redis:8"]


def test_without_its_registry_an_image_without_a_tag_is_as_it_was(tmp_path: Path) -> None:
    world = CompanionWorld(tmp_path, Companion("db", image="postgres"))
    world.pulls.error = CompanionRegistryUnreachable("db", "postgres", "it is away")
    assert isinstance(world.run(), CompanionRegistryUnreachable)
    world.pulls.there.add(world.tags["db"])
    world.stop_at(1000.0)
    assert world.run() is None
    assert "postgres is as it was pulled before: it is away" in world.log.headers


@pytest.mark.parametrize("image", ["10.0.0.1/db", names.image_tag("other", "ab" * 20), "A B"])
def test_what_builds_may_not_start_from_is_not_pulled(tmp_path: Path, image: str) -> None:
    world = CompanionWorld(tmp_path, Companion("db", image=image))
    error = world.run()
    assert isinstance(error, CompanionImageMissing)
    assert error.cause is Cause.BUILD_FAILED
    assert world.pulls.pulled == []


def test_a_stage_is_built_once_and_not_if_it_is_the_applications(tmp_path: Path) -> None:
    worker = Companion("worker", target="worker")
    world = CompanionWorld(tmp_path, worker)
    tag = ATTEMPT._replace(stage="worker").image
    world.containers = world.containers_of({ATTEMPT.image: App(), tag: App()})
    world.stop_at(1000.0)
    assert world.run() is None
    assert world.images.built == [tag]
    assert world.held == [tag]
    assert tag.startswith(f"{ATTEMPT.image}-to-")


def test_one_that_is_never_ready_fails_at_the_limit(world: CompanionWorld) -> None:
    world.ready_after = {"db": 1e9}
    error = world.run()
    assert isinstance(error, CompanionFailed)
    assert error.cause is Cause.COMPANION_FAILED
    assert f"within {ATTEMPT.order.start_limit:g} s: `pg_isready` exited with code 2" in str(error)
    assert b"db | no response\n" in world.log.data
    assert world.started() == ["db"]
    assert world.containers.running == {}


@pytest.mark.parametrize(
    ("end", "words"),
    [
        (Exit(1, False), "The companion db exited with code 1, and"),
        (Exit(0, False), "The companion db exited with code 0, and"),
        (Exit(127, False), "exited with code 127 (its command was not found), and"),
        (Exit(137, True), "The companion db was killed because it used more than its 256 MB"),
        (Exit(None, False), "ended while Docker did not answer"),
        (Exit(137, False, is_removed=True), "The companion db was removed, and not by prevs"),
    ],
)
def test_one_that_ends_ends_the_attempt(world: CompanionWorld, end: Exit, words: str) -> None:
    world.signals.plan(500.0, lambda: world.named("db").end(end))
    error = world.run()
    assert isinstance(error, CompanionFailed)
    assert (error.name, error.exit_code) == ("db", end.code)
    assert words in str(error)
    assert world.containers.running == {}


def test_an_application_that_fails_with_its_database_is_not_blamed(world: CompanionWorld) -> None:
    def fail() -> None:
        # docker reports the end of the database later.
        world.signals.plan(world.signals.now() + 1.0, lambda: world.named("db").end(Exit(1, False)))
        world.containers.running[names.container_name(ATTEMPT.task_id)].end(Exit(9, False))

    world.signals.plan(500.0, fail)
    assert isinstance(world.run(), CompanionFailed)


def test_an_application_that_fails_alone_is_blamed(world: CompanionWorld) -> None:
    world.signals.plan(
        500.0,
        lambda: world.containers.running[names.container_name(ATTEMPT.task_id)].end(Exit(9, False)),
    )
    error = world.run()
    assert isinstance(error, AppExited)
    assert error.exit_code == 9
    # Its companions have time to write what they have.
    assert world.containers.running == {}


def test_after_a_try_whose_image_was_gone_the_next_watches_its_companions(
    world: CompanionWorld,
) -> None:
    begin = world.containers.start

    def start(*args: object, **kwargs: object) -> FakeContainer:
        # The application's, of the first try.
        world.containers.missing = int(len(world.containers.specs) == 3)
        return begin(*args, **kwargs)  # type: ignore[arg-type]

    world.containers.start = start  # type: ignore[method-assign]
    world.signals.plan(500.0, lambda: world.named("cache").end(Exit(1, False)))
    error = world.run()
    assert isinstance(error, CompanionFailed)
    assert error.name == "cache"
    assert world.started() == ["db", "cache", "worker", "app"] * 2
    assert world.containers.running == {}


def test_one_that_nothing_can_join_any_more_is_named(world: CompanionWorld) -> None:
    begin = world.containers.start

    def start(spec: ContainerSpec, **kwargs: Any) -> FakeContainer:
        if spec.joins:
            later = world.signals.now() + 1.0
            world.signals.plan(later, lambda: world.named("db").end(Exit(1, False)))
            raise StartFailed("cannot join network of a non running container")
        return begin(spec, **kwargs)

    world.containers.start = start  # type: ignore[method-assign]
    error = world.run()
    assert isinstance(error, CompanionFailed)
    assert "The companion db exited with code 1" in str(error)


@pytest.mark.parametrize(("who", "shown"), [("cache", "cache"), ("", "the application")])
def test_a_full_disk_names_who_wrote_last(world: CompanionWorld, who: str, shown: str) -> None:
    def fail() -> None:
        def full() -> Exit | None:
            raise DiskFull(2048)

        world.named(who).exit = full  # type: ignore[method-assign]

    world.signals.plan(500.0, fail)
    error = world.run()
    assert isinstance(error, TogetherFull)
    assert f"together wrote more than 2048 MB to the disk; {shown} wrote last" in str(error)


def test_at_a_stop_the_application_ends_first_and_the_database_last(world: CompanionWorld) -> None:
    ended: list[str] = []
    world.stop_at(500.0)
    begin = world.containers.start

    def start(*args: object, **kwargs: object) -> FakeContainer:
        container = begin(*args, **kwargs)  # type: ignore[arg-type]
        spec = world.containers.specs[-1]
        stop = container.terminate

        def terminate() -> bool:
            ended.append(spec.labels.get("prevs.companion", "app"))
            return stop()

        container.terminate = terminate  # type: ignore[method-assign]
        return container

    world.containers.start = start  # type: ignore[method-assign]
    assert world.run() is None
    assert ended == ["app", "worker", "cache", "db"]
    assert world.signals.now() == 500.0


def test_a_stop_while_it_is_waited_for_ends_all(world: CompanionWorld) -> None:
    world.ready_after = {"db": 1e9}
    world.stop_at(20.0)
    assert world.run() is None
    assert world.started() == ["db"]
    assert world.containers.running == {}


def test_hooks_run_once_for_the_volumes_of_all(tmp_path: Path) -> None:
    world = CompanionWorld(tmp_path, DB, apps={"seed": App(exits=Exit(0, False))})
    world.settings = dataclasses.replace(world.settings, hooks=(("seed",),))
    for _ in range(2):
        world.stop_at(1000.0)
        assert world.run() is None
    assert world.started() == ["db", "1", "app", "db", "app"]
    assert world.containers.specs[0].volumes != {}
    assert world.containers.specs[2].volumes == {}
    # Another database is empty.
    world.volumes.there.clear()
    world.stop_at(1000.0)
    assert world.run() is None
    assert world.started()[5:] == ["db", "1", "app"]


def test_volumes_at_the_same_path_are_not_the_same(tmp_path: Path) -> None:
    other = Companion("other", image="postgres:17", volumes=("/data",))
    world = CompanionWorld(tmp_path, DB, other)
    world.settings = dataclasses.replace(world.settings, volumes=("/data",))
    world.stop_at(1000.0)
    assert world.run() is None
    used = [name for spec in world.containers.specs for name in spec.volumes.values()]
    assert len(set(used)) == len(used) == 3


def test_the_companions_of_an_instance_have_volumes_of_their_own(tmp_path: Path) -> None:
    world = CompanionWorld(tmp_path, DB)
    used = []
    for instance in ("", "7be0ac6d" * 5, ""):
        order = dataclasses.replace(ATTEMPT.order, instance=instance, variant=instance and "x")
        world.stop_at(1000.0)
        assert world.run(ATTEMPT._replace(order=order)) is None
        db = world.containers.specs[-2]
        used.append(db.volumes["/data"])
        assert db.environment.get("PREVS_STACK") == (order.variant or None)
    assert used[0] == used[2] != used[1]


def test_memory_kills_of_a_companion_are_logged(world: CompanionWorld) -> None:
    world.stop_at(1000.0)
    world.signals.plan(100.0, lambda: None)

    begin = world.containers.start

    def start(*args: object, **kwargs: object) -> FakeContainer:
        container = begin(*args, **kwargs)  # type: ignore[arg-type]
        if world.containers.specs[-1].labels.get("prevs.companion") == "db":
            container.kills = lambda: int(world.signals.now() // 100)
        return container

    world.containers.start = start  # type: ignore[method-assign]
    assert world.run() is None
    told = [header for header in world.log.headers if header.startswith("memory ran out")]
    assert [header.split(" since")[0].rsplit("db ", 1)[1] for header in told] == [
        "once",
        "2 times",
        "4 times",
        "8 times",
    ]
    assert world.reports.kills == []


def test_its_volumes_are_of_the_branch_unless_its_file_says_commit(tmp_path: Path) -> None:
    used: dict[str, set[str]] = {"db": set(), "cache": set()}
    cache = dataclasses.replace(CACHE, volumes=("/data",), keep=Keep.COMMIT)
    world = CompanionWorld(tmp_path, DB, cache, apps=OF_TWO)
    for sha in ("a" * 40, "b" * 40):
        world.stop_at(1000.0)
        order = dataclasses.replace(ATTEMPT.order, sha=sha, data="main")
        assert world.run(ATTEMPT._replace(order=order)) is None
        for spec in world.containers.specs[-3:-1]:
            used[spec.labels["prevs.companion"]].update(spec.volumes.values())
    assert (len(used["db"]), len(used["cache"])) == (1, 2)


def test_what_several_containers_share_is_of_the_branch_if_one_says_so(tmp_path: Path) -> None:
    shares = ContainerSettings(shared={"/files": "files"})
    worker = dataclasses.replace(DB, volumes=(), container=shares)
    world = CompanionWorld(tmp_path, worker, apps=OF_TWO)
    world.settings = dataclasses.replace(world.settings, container=shares)
    used = []
    for sha in ("a" * 40, "b" * 40):
        world.stop_at(1000.0)
        order = dataclasses.replace(ATTEMPT.order, sha=sha, data="main")
        assert world.run(ATTEMPT._replace(order=order)) is None
        used += [spec.volumes["/files"] for spec in world.containers.specs[-2:]]
    assert len(set(used)) == 1
