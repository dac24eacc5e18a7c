"""executor/workspace/custody.py: when the guardian is needed, and when it may go."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from executor.workspace.custody import LABEL, Custody
from executor.workspace.guardian import Guardian
from executor.workspace.work_folder import Folder


class World:
    """A custody in a folder, and what its guardian hears."""

    def __init__(self, folder: Path) -> None:
        self._hears, tells = os.pipe()
        self.path = folder
        self.folder = Folder(folder)
        self.custody = Custody(folder, Guardian(tells))
        self._tells = tells

    def heard(self) -> list[str]:
        os.write(self._tells, b"\n")
        return os.read(self._hears, 4096).decode().split("\n")[:-2]

    def close(self) -> None:
        os.close(self._tells)
        os.close(self._hears)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.close()


def test_an_attempt_lives_from_its_beginning_to_its_end(world: World) -> None:
    world.custody.begin("a")
    assert world.folder.lives("a")
    world.custody.end()
    assert not world.folder.lives("a")
    assert world.folder.tasks() == []
    assert world.heard() == [f"attempt a {world.path}", "done"]


def test_a_container_that_may_be_left_keeps_the_guardian_and_the_lock(world: World) -> None:
    world.custody.begin("a")
    world.custody.take("prevs-a")
    world.custody.end()
    assert world.folder.tasks() == ["a"]
    assert world.heard() == [f"attempt a {world.path}", "container prevs-a"]


def test_a_container_that_is_gone_is_forgotten(world: World) -> None:
    world.custody.begin("a")
    world.custody.take("prevs-a")
    world.custody.release()
    world.custody.end()
    assert world.folder.tasks() == []
    assert world.heard()[1:] == ["container prevs-a", "gone", "done"]


def test_an_executor_without_a_task_has_nothing_to_guard(world: World) -> None:
    world.custody.end()
    assert world.heard() == ["done"]


def test_a_container_is_found_by_the_folder_of_its_attempt(world: World) -> None:
    assert world.custody.labels() == {LABEL: world.folder.id()}


def test_a_reaper_that_fails_is_in_nobodys_way(world: World) -> None:
    def reap(folder: Folder) -> None:
        raise OSError("no space left")

    world.custody.reap(reap)
    world.custody.clear_way()


def test_a_guardian_that_is_gone_costs_nothing(tmp_path: Path) -> None:
    hears, tells = os.pipe()
    os.close(hears)
    Guardian(tells).container("prevs-a")
    os.close(tells)
