"""executor/workspace/work_folder.py: the locks that distinguish living attempts from dead ones."""

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from executor.workspace.work_folder import WorkFolder
from tests.waits import wait_until


def test_a_folder_keeps_its_name_and_no_two_have_the_same(tmp_path: Path) -> None:
    first = WorkFolder(tmp_path / "one").id()
    assert first
    assert WorkFolder(tmp_path / "one").id() == first
    assert WorkFolder(tmp_path / "two").id() != first
    assert [entry.name for entry in (tmp_path / "one").iterdir()] == ["id"]


def test_all_readers_of_the_id_at_one_time_get_the_same(tmp_path: Path) -> None:
    for number in range(20):
        folder = WorkFolder(tmp_path / str(number))
        with ThreadPoolExecutor(4, initializer=threading.Barrier(4).wait) as pool:
            assert len(set(pool.map(WorkFolder.id, [folder] * 4))) == 1


def test_an_attempt_lives_until_its_holder_lets_go(tmp_path: Path) -> None:
    folder = WorkFolder(tmp_path)
    assert not folder.lives("a")
    lock = folder.hold("a")
    assert folder.lives("a")
    assert not folder.lives("b")
    os.close(lock)
    assert not folder.lives("a")


def test_the_traces_of_a_dead_attempt_go_and_those_of_a_living_one_stay(tmp_path: Path) -> None:
    folder = WorkFolder(tmp_path)
    living, dead = folder.hold("living"), folder.hold("dead")
    for task in ("living", "dead"):
        folder.tree(task).mkdir(parents=True)
        (folder.tree(task) / "Dockerfile").touch()
        folder.index(task).touch()
        folder.keys(task).mkdir()
        (folder.keys(task) / "key").touch()
    os.close(dead)
    assert folder.tasks() == ["dead", "living"]
    folder.forget("dead")
    folder.forget("living")
    folder.forget("nothing")
    assert folder.tasks() == ["living"]
    assert sorted(entry.name for entry in (tmp_path / "trees").iterdir()) == [
        *["living", "living.index", "living.keys"],
    ]
    os.close(living)


def test_an_unused_folder_has_no_attempts(tmp_path: Path) -> None:
    assert WorkFolder(tmp_path / "nothing").tasks() == []


def test_an_attempt_that_begins_while_others_look_lives(tmp_path: Path) -> None:
    folder = WorkFolder(tmp_path)
    ended = threading.Event()

    def look() -> None:
        while not ended.is_set():
            folder.forget("a")

    looker = threading.Thread(target=look)
    looker.start()
    try:
        for _ in range(300):
            lock = folder.hold("a")
            # A reader holds the lock for a moment; what matters is that the file stays.
            assert (tmp_path / "attempts" / "a").stat().st_ino == os.fstat(lock).st_ino
            os.close(lock)
    finally:
        ended.set()
        looker.join()


def test_a_tree_is_gone_at_once_and_its_files_with_the_attempt_at_the_latest(
    tmp_path: Path,
) -> None:
    folder = WorkFolder(tmp_path)
    for _ in range(2):
        (folder.tree("hello.1.a") / "sub").mkdir(parents=True)
        folder.discard("hello.1.a")
        assert not folder.tree("hello.1.a").exists()
    folder.remove_files("hello.1.a")
    wait_until(lambda: list((tmp_path / "trees").iterdir()) == [])
    folder.discard("hello.1.b")
