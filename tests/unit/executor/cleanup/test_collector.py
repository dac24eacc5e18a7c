"""executor/cleanup/collector.py: when it collects, and when it has removed enough."""

import errno
import logging
import os
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from executor.cleanup.collector import DiskCollector
from executor.cleanup.policy import DAY, KEPT, Artifact, Kind, Watermarks
from executor.errors import DockerUnavailable, Stopped
from executor.limits.disk_usage import DiskUsage
from executor.workspace.usage_locks import UsageLocks
from tests.fakes.attempts import JumpingSignals

GB = 10**9


class Shelf:
    """A Store in memory: each artifact takes 10 of the 100 GB that its disk has."""

    ages = True
    caches = True

    def __init__(self, disk: Path, artifacts: Sequence[Artifact], cached: int = 0) -> None:
        self.disk = disk
        self.kept = list(artifacts)
        self.cached = cached
        self.held: set[str] = set()
        self.without_inode: set[str] = set()
        self.pruned: list[float] = []

    def artifacts(self) -> Sequence[Artifact]:
        return list(self.kept)

    def remove(self, artifact: Artifact) -> bool:
        if artifact.name in self.held:
            return False
        if artifact.name in self.without_inode:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self.kept.remove(artifact)
        return True

    def prune(self, before: float) -> None:
        self.pruned.append(before)
        self.cached = 0

    def names(self) -> str:
        return " ".join(artifact.name for artifact in self.kept)

    def usage(self, _: Path) -> DiskUsage:
        return DiskUsage(100 * GB, 10 * GB * (len(self.kept) + self.cached))


class World:
    def __init__(self, folder: Path, names: str, kind: Kind = Kind.IMAGE, cached: int = 0) -> None:
        self.time = 1000 * DAY
        self.folder = folder
        ages = range(len(names.split()), 0, -1)
        artifacts = [
            Artifact(kind, name, self.time - age * DAY)
            for name, age in zip(names.split(), ages)  # noqa: B905  # as old as their place
        ]
        self.shelf = Shelf(folder, artifacts, cached)
        self.starts = 0

    def collector(self) -> DiskCollector:
        return DiskCollector(
            self.folder,
            Watermarks(85.0, 75.0),
            UsageLocks(self.folder),
            lambda: [self.shelf],
            measure=self.shelf.usage,
            now=lambda: self.time,
        )

    def note_start(self) -> None:
        self.starts += 1

    def make_room(self) -> None:
        self.collector().make_room(JumpingSignals(), self.note_start)


NINE = "a b c d e f g h i"


def test_above_the_high_mark_things_go_until_the_low_one(tmp_path: Path) -> None:
    world = World(tmp_path, NINE)
    world.make_room()
    assert world.shelf.names() == "c d e f g h i"
    assert world.starts == 1


def test_things_go_for_their_inodes_until_those_are_below_the_low_mark(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    world = World(tmp_path, NINE)
    shelf = world.shelf
    shelf.usage = lambda _: DiskUsage(100, 20, 1000, 100 * len(shelf.kept))  # type: ignore[method-assign]  # of small files
    world.make_room()
    assert shelf.names() == "c d e f g h i"
    assert "90.0 % of its inodes are used" in caplog.text


def test_below_the_high_mark_nothing_goes(tmp_path: Path) -> None:
    world = World(tmp_path, "a b c d e f g h")
    world.make_room()
    world.collector().look()
    assert world.shelf.names() == "a b c d e f g h"
    assert world.starts == 0


def test_an_item_that_is_about_to_be_used_stays_and_the_next_one_goes(tmp_path: Path) -> None:
    world = World(tmp_path, NINE)
    world.shelf.held = {"a"}
    world.make_room()
    assert world.shelf.names() == "a d e f g h i"


def test_without_an_inode_for_the_lock_of_one_item_the_next_one_goes(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    world = World(tmp_path, NINE)
    world.shelf.without_inode = {"a"}
    world.make_room()
    assert world.shelf.names() == "a d e f g h i"
    assert "could not remove the image a" in caplog.text


def test_the_cache_goes_before_items_that_were_used_since(tmp_path: Path) -> None:
    world = World(tmp_path, "a b c d", cached=5)
    world.make_room()
    assert world.shelf.names() == "a b c d"
    assert world.shelf.pruned == [world.time - 30 * DAY]


def test_it_ends_when_nothing_more_can_be_removed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    world = World(tmp_path, NINE)
    world.shelf.held = set(NINE.split())
    world.make_room()
    assert world.shelf.names() == NINE
    assert "nothing more can be removed" in caplog.text


def test_builds_soon_after_a_collection_in_vain_start_at_once(tmp_path: Path) -> None:
    world = World(tmp_path, NINE)
    world.shelf.held = set(NINE.split())
    world.make_room()
    world.time = next(tmp_path.glob("in-vain-*")).stat().st_mtime
    pruned = list(world.shelf.pruned)
    world.make_room()
    assert (world.starts, world.shelf.pruned) == (1, pruned)
    world.time += 601
    world.shelf.held = set()
    world.make_room()
    assert world.starts == 2
    assert world.shelf.names() == "c d e f g h i"


def test_a_full_disk_is_collected_however_often_that_was_in_vain(tmp_path: Path) -> None:
    world = World(tmp_path, NINE)
    world.shelf.held = set(NINE.split())
    world.make_room()
    world.time = next(tmp_path.glob("in-vain-*")).stat().st_mtime
    world.shelf.cached = 1
    world.make_room()
    assert world.starts == 2
    assert world.shelf.cached == 0


def test_a_stop_ends_it(tmp_path: Path) -> None:
    world = World(tmp_path, NINE)
    signals = JumpingSignals()
    signals.stop()
    with pytest.raises(Stopped):
        world.collector().make_room(signals, world.note_start)
    assert world.shelf.names() == NINE


def test_without_docker_a_build_goes_on(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    def fail() -> list[Shelf]:
        raise DockerUnavailable("gone")

    collector = DiskCollector(tmp_path, Watermarks(85.0, 75.0), UsageLocks(tmp_path), fail)
    collector.make_room(JumpingSignals(), lambda: None)
    collector.look()
    assert caplog.text.count("unused files could not be collected") == 2


def test_a_collection_runs_once_per_interval_for_all_executors_of_an_agent(tmp_path: Path) -> None:
    world = World(tmp_path, NINE)
    world.collector().look()
    assert world.shelf.names() == "c d e f g h i"
    world.shelf.cached = 3
    world.time = (tmp_path / "collected").stat().st_mtime
    world.collector().look()
    assert world.shelf.names() == "c d e f g h i"
    world.time += 601
    world.collector().look()
    assert world.shelf.names() == "d e f g h i"


def test_the_first_collection_needs_no_new_inode(tmp_path: Path) -> None:
    over = threading.Event()
    over.set()
    looking, building = World(tmp_path / "1", NINE), World(tmp_path / "2", NINE)
    for world in (looking, building):
        world.folder.mkdir()
        (world.folder / "collected").symlink_to("nowhere/to")  # no note can be made
        world.collector().watch(over)
    made = sorted(tmp_path.rglob("*"))
    looking.collector().look()
    building.make_room()
    assert looking.shelf.names() == building.shelf.names() == "c d e f g h i"
    assert sorted(tmp_path.rglob("*")) == made


def test_no_two_collections_run_at_the_same_time(tmp_path: Path) -> None:
    world = World(tmp_path, NINE)
    other = World(tmp_path, NINE)
    there, go_on = threading.Event(), threading.Event()

    def wait(_: Path) -> DiskUsage:
        there.set()
        assert go_on.wait(60)
        return DiskUsage(100, 0)

    world.shelf.usage = wait  # type: ignore[method-assign]  # a slow disk
    looking = threading.Thread(target=world.collector().look)
    looking.start()
    assert there.wait(60)
    # As if it had begun long ago.
    os.utime(tmp_path / "collected", (0.0, 0.0))
    other.collector().look()
    go_on.set()
    looking.join()
    assert other.shelf.names() == NINE


def test_a_collection_removes_volumes_that_were_unused_for_long(tmp_path: Path) -> None:
    world = World(tmp_path, "a b", Kind.VOLUME)
    world.time += KEPT - 1.5 * DAY
    world.collector().look()
    assert world.shelf.names() == "b"


def test_a_collection_marks_running_items_as_in_use(tmp_path: Path) -> None:
    world = World(tmp_path, "a")
    uses = UsageLocks(tmp_path)
    uses.hold("image a")
    (file,) = (tmp_path / "uses").iterdir()
    os.utime(file, (100.0, 100.0))
    DiskCollector(tmp_path, Watermarks(85.0, 75.0), uses, lambda: [world.shelf]).look()
    assert (uses.last("image a") or 0.0) > 100.0


def test_each_disk_is_collected_on_its_own(tmp_path: Path) -> None:
    full = World(tmp_path, NINE).shelf
    other = World(Path("/proc"), "x y").shelf

    def usage(folder: Path) -> DiskUsage:
        return full.usage(folder) if folder == tmp_path else DiskUsage(100, 10)

    collector = DiskCollector(
        tmp_path, Watermarks(85.0, 75.0), UsageLocks(tmp_path), lambda: [full, other], measure=usage
    )
    collector.make_room(JumpingSignals(), lambda: None)
    assert full.names() == "c d e f g h i"
    assert other.names() == "x y"


def test_a_disk_that_was_collected_in_vain_does_not_keep_another_one_full(tmp_path: Path) -> None:
    stuck, other = World(tmp_path, NINE).shelf, World(Path("/proc"), "a b").shelf
    stuck.held = set(NINE.split())

    def usage(folder: Path) -> DiskUsage:
        return stuck.usage(folder) if folder == tmp_path else other.usage(folder)

    uses = UsageLocks(tmp_path)
    collector = DiskCollector(
        tmp_path, Watermarks(85.0, 75.0), uses, lambda: [stuck, other], measure=usage
    )

    def make_room() -> None:
        collector.make_room(JumpingSignals(), lambda: None)

    make_room()
    assert other.names() == "a b", "it had room"
    pruned = list(stuck.pruned)
    other.cached = 8
    make_room()
    assert other.cached == 0
    assert stuck.pruned == pruned
