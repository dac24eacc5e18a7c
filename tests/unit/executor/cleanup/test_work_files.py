"""executor/cleanup/work_files.py: mirrors that go, and trees that nobody will use."""

import os
from pathlib import Path

from executor.cleanup.policy import Kind
from executor.cleanup.work_files import MirrorStore, TreeStore
from executor.workspace import usage_locks
from executor.workspace.usage_locks import Uses
from executor.workspace.work_folder import Folder


def mirror(folder: Path, name: str) -> Path:
    path = folder / "mirrors" / name
    (path / "objects").mkdir(parents=True)
    os.utime(path, (100.0, 100.0))
    return path


def test_a_mirror_goes_unless_somebody_reads_it(tmp_path: Path) -> None:
    path = mirror(tmp_path, "a.git")
    used = Uses(tmp_path)
    store = MirrorStore(tmp_path, used)
    (thing,) = store.things()
    assert thing == (Kind.MIRROR, "a.git", 100.0, False)
    with used.using(usage_locks.mirror(path)):
        assert not store.remove(thing)
    assert path.exists()
    (later,) = store.things()
    assert later.used > 100.0
    assert store.remove(thing)
    assert list((tmp_path / "mirrors").iterdir()) == []
    assert store.remove(thing)


def test_what_is_left_of_a_removal_that_was_broken_off_is_a_leftover(tmp_path: Path) -> None:
    mirror(tmp_path, "going-1")
    store = MirrorStore(tmp_path, Uses(tmp_path))
    (thing,) = store.things()
    assert thing.kind is Kind.LEFTOVER
    assert store.remove(thing)
    assert store.things() == []


def test_an_agent_that_fetched_nothing_has_no_mirrors_and_no_trees(tmp_path: Path) -> None:
    assert MirrorStore(tmp_path, Uses(tmp_path)).things() == []
    assert TreeStore(tmp_path).things() == []


def test_the_trees_of_dead_attempts_go(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    lock = folder.hold("hello.1.living")
    for task in ("hello.1.living", "hello.1.dead"):
        folder.tree(task).mkdir(parents=True)
        (tmp_path / "trees" / f"{task}.index").touch()
    store = TreeStore(tmp_path)
    things = store.things()
    assert {thing.name for thing in things} == {"hello.1.dead", "hello.1.dead.index"}
    assert all(store.remove(thing) for thing in things)
    left = {path.name for path in (tmp_path / "trees").iterdir()}
    assert left == {"hello.1.living", "hello.1.living.index"}
    os.close(lock)
