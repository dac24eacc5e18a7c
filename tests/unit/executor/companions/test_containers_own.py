"""What a commit says of its containers: names, shared volumes, and how each one ends."""

import dataclasses
from pathlib import Path

from executor.companions.companion_errors import CompanionFailed
from executor.limits.confinement import limits
from executor.ports import ContainerSpec, Exit
from prevs.commit_settings import RunSettings
from prevs.companions import Companion
from prevs.containers import BuildSettings, ContainerSettings
from tests.fakes.containers import App
from tests.unit.executor.attempt.test_attempt import ATTEMPT
from tests.unit.executor.companions.world import DB, CompanionWorld


def test_all_names_of_all_containers_lead_to_their_network(tmp_path: Path) -> None:
    cache = Companion("cache", image="redis:8", container=ContainerSettings(names=("store",)))
    world = CompanionWorld(tmp_path, DB, cache)
    own = ContainerSettings(names=("www",), user="1000")
    world.settings = dataclasses.replace(world.settings, service="web", container=own)
    world.stop_at(1000.0)
    assert world.run() is None
    db, second, app = world.containers.specs
    assert db.hosts == ("app", "web", "www", "db", "cache", "store")
    assert (second.own, app.own) == (cache.container, own)


def test_a_volume_with_a_name_is_one_for_all_who_name_it(tmp_path: Path) -> None:
    worker = Companion(
        "worker", volumes=("/own",), container=ContainerSettings(shared={"/in": "media"})
    )
    world = CompanionWorld(tmp_path, worker)
    web = ContainerSettings(shared={"/out": "media", "/more": "more"})
    world.settings = dataclasses.replace(world.settings, container=web)
    assert world.settings.has_volumes
    assert not RunSettings(companions=(Companion("db"),)).has_volumes
    world.stop_at(1000.0)
    assert world.run() is None
    first, app = (spec.volumes for spec in world.containers.specs)
    assert first["/in"] == app["/out"] != app["/more"]
    assert set(first) == {"/own", "/in"}


def test_a_container_that_asks_for_less_time_to_end_gets_less(tmp_path: Path) -> None:
    hasty = Companion("hasty", container=ContainerSettings(stop_grace=2.0))
    world = CompanionWorld(tmp_path, hasty)
    stubborn = App(obeys_sigterm=False)
    world.containers = world.containers_of({ATTEMPT.image: stubborn})
    own = ContainerSettings(stop_grace=3.0)
    world.settings = dataclasses.replace(world.settings, container=own)
    world.stop_at(500.0)
    assert world.run() is None
    assert world.signals.now() == 505.0
    longer = ContainerSettings(stop_grace=1e6)
    hasty = dataclasses.replace(hasty, container=longer)
    world.settings = dataclasses.replace(world.settings, container=longer, companions=(hasty,))
    world.stop_at(500.0)
    assert world.run() is None
    assert world.signals.now() <= 500.0 + 2 * world.signals.grace


def test_a_companion_may_write_nowhere_but_to_its_volumes(tmp_path: Path) -> None:
    world = CompanionWorld(tmp_path, Companion("db", volumes=("/data",), read_only=True))
    world.stop_at(1000.0)
    assert world.run() is None
    db, app = world.containers.specs
    assert (db.read_only, app.read_only, list(db.volumes)) == (True, False, ["/data"])


def test_folders_in_memory_are_within_the_memory_of_their_container() -> None:
    own = ContainerSettings(tmpfs={"/run": 16, "/big": 1000, "/all": 0}, shared_memory=1000)
    spec = ContainerSpec("name", "image", 0.1, 128, {}, {}, read_only=True, own=own)
    found = limits(spec)
    assert {path: text.rpartition("=")[2] for path, text in found["tmpfs"].items()} == {
        "/tmp": "1777",
        "/run": "16m",
        "/big": "128m",
        "/all": "128m",
    }
    assert found["shm_size"] == "128m"
    plain = limits(dataclasses.replace(spec, own=ContainerSettings(), read_only=False))
    assert (plain["shm_size"], plain["tmpfs"]) == ("64m", {})
    rights = ("cap_drop", "cap_add", "security_opt", "pids_limit", "mem_limit", "ulimits")
    assert [found[one] for one in rights] == [plain[one] for one in rights]


def test_each_companion_with_a_build_of_its_own_is_built_from_the_one_commit(
    tmp_path: Path,
) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "Dockerfile").write_text("FROM scratch\n")
    own = BuildSettings(context="two", dockerfile="two/Dockerfile", args={"A": "1"})
    first = Companion("first", build=own)
    twin = Companion("twin", build=own)
    same = Companion("same", build=ATTEMPT.order.build)
    world = CompanionWorld(tmp_path, first, twin, same)
    tag = ATTEMPT._replace(build=own, whose="first").image
    world.containers = world.containers_of({ATTEMPT.image: App(), tag: App()})
    world.stop_at(1000.0)
    assert world.run() is None
    assert world.images.built == [tag]
    assert [spec.image for spec in world.containers.specs] == [tag, tag, *[ATTEMPT.image] * 2]
    assert world.images.contexts[0].folder == tmp_path / "two"
    assert any(one.startswith("building") and one.endswith("(first)") for one in world.log.headers)
    assert tag.startswith(f"{ATTEMPT.image}-to-")


def test_an_image_that_the_agent_has_is_used_as_it_is(tmp_path: Path) -> None:
    world = CompanionWorld(tmp_path, DB)
    world.containers = world.containers_of({ATTEMPT.image: App(), "postgres:17": App()})
    world.pulls.there.add("postgres:17")
    world.pulls.error = AssertionError("no registry is asked")
    world.stop_at(1000.0)
    assert world.run() is None
    assert "postgres:17 for db is this agent's own image" in world.log.headers
    assert world.containers.specs[0].image == "postgres:17"


def test_one_that_runs_once_is_waited_for_and_its_end_ends_nothing(tmp_path: Path) -> None:
    migrate = Companion("migrate", command=("migrate",), once=True)
    after = Companion("worker", after=("migrate",))
    world = CompanionWorld(tmp_path, migrate, after, apps={"migrate": App()})
    world.signals.plan(7.0, lambda: world.named("migrate").end(Exit(0, False)))
    world.signals.plan(500.0, world.signals.stop)
    assert world.run() is None
    assert world.started() == ["migrate", "worker", "app"]
    assert "waiting for migrate (its end)" in world.reports.details
    # It cannot own a network that others need.
    assert [spec.joins for spec in world.containers.specs] == ["", "", ""]
    assert world.containers.specs[2].aliases == ("app",)


def test_one_that_has_to_succeed_and_fails_ends_the_attempt(tmp_path: Path) -> None:
    migrate = Companion("migrate", command=("migrate",), once=True)
    world = CompanionWorld(tmp_path, migrate, apps={"migrate": App(exits=Exit(3, False))})
    error = world.run()
    assert isinstance(error, CompanionFailed)
    assert "exited with code 3, and has to exit with 0" in str(error)


def test_the_commit_says_how_often_and_how_long_one_is_looked_at(tmp_path: Path) -> None:
    slow = dataclasses.replace(DB, ready_every=4.0, ready_limit=10.0)
    world = CompanionWorld(tmp_path, slow)
    world.ready_after = {"db": 1e9}
    error = world.run()
    assert "was not ready within 10 s" in str(error)
    # After 0, 4, 8 and 10 seconds.
    assert len(world.readiness.looked) == 4


def test_containers_that_are_apart_have_names_and_publish_by_themselves(tmp_path: Path) -> None:
    cache = Companion("cache", image="redis:8", container=ContainerSettings(names=("store",)))
    world = CompanionWorld(tmp_path, cache)
    world.settings = dataclasses.replace(world.settings, apart=True, service="web")
    world.stop_at(1000.0)
    assert world.run() is None
    first, app = world.containers.specs
    assert (first.ports, first.hosts, first.joins) == ((), (), "")
    assert first.aliases == ("cache", "store")
    assert app.aliases == ("app", "web")
    assert app.ports


def test_the_name_app_is_that_of_a_companion_that_a_compose_file_calls_so(tmp_path: Path) -> None:
    behind = Companion("app-2", container=ContainerSettings(names=("app",)))
    world = CompanionWorld(tmp_path, behind)
    world.settings = dataclasses.replace(world.settings, apart=True, service="nginx")
    world.stop_at(1000.0)
    assert world.run() is None
    first, app = world.containers.specs
    assert (first.aliases, app.aliases) == (("app-2", "app"), ("nginx",))
