"""executor/cleanup/work_files.py: old mirrors, and trees that are no longer needed."""

import os
from pathlib import Path

from executor.cleanup.policy import Kind
from executor.cleanup.work_files import MirrorStore, TreeStore
from executor.workspace import usage_locks
from executor.workspace.usage_locks import UsageLocks
from executor.workspace.work_folder import WorkFolder


def mirror(folder: Path, name: str) -> Path:
    path = folder / "mirrors" / name
    (path / "objects").mkdir(parents=True)
    os.utime(path, (100.0, 100.0))
    return path


def test_a_mirror_goes_unless_it_is_being_read(tmp_path: Path) -> None:
    path = mirror(tmp_path, "a.git")
    uses = UsageLocks(tmp_path)
    store = MirrorStore(tmp_path, uses)
    (artifact,) = store.artifacts()
    assert artifact == (Kind.MIRROR, "a.git", 100.0, False)
    with uses.using(usage_locks.mirror(path)):
        assert not store.remove(artifact)
    assert path.exists()
    (later,) = store.artifacts()
    assert later.used > 100.0
    assert store.remove(artifact)
    assert list((tmp_path / "mirrors").iterdir()) == []
    assert store.remove(artifact)


def test_the_rest_of_an_interrupted_removal_is_a_leftover(tmp_path: Path) -> None:
    mirror(tmp_path, "going-1")
    store = MirrorStore(tmp_path, UsageLocks(tmp_path))
    (artifact,) = store.artifacts()
    assert artifact.kind is Kind.LEFTOVER
    assert store.remove(artifact)
    assert store.artifacts() == []


def test_an_agent_that_fetched_nothing_has_no_mirrors_and_no_trees(tmp_path: Path) -> None:
    assert MirrorStore(tmp_path, UsageLocks(tmp_path)).artifacts() == []
    assert TreeStore(tmp_path).artifacts() == []


def test_the_trees_of_dead_attempts_go(tmp_path: Path) -> None:
    folder = WorkFolder(tmp_path)
    lock = folder.hold("hello.1.living")
    for task in ("hello.1.living", "hello.1.dead"):
        folder.tree(task).mkdir(parents=True)
        (tmp_path / "trees" / f"{task}.index").touch()
    store = TreeStore(tmp_path)
    artifacts = store.artifacts()
    assert {artifact.name for artifact in artifacts} == {"hello.1.dead", "hello.1.dead.index"}
    assert all(store.remove(artifact) for artifact in artifacts)
    left = {path.name for path in (tmp_path / "trees").iterdir()}
    assert left == {"hello.1.living", "hello.1.living.index"}
    os.close(lock)
