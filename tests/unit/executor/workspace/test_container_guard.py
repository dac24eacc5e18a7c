"""executor/workspace/container_guard.py: when the watchdog is needed, and when it may go."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

import executor.workspace.watchdog
from executor.workspace.container_guard import LABEL, ContainerGuard
from executor.workspace.watchdog import Watchdog
from executor.workspace.work_folder import WorkFolder
from tests.waits import wait_until


class World:
    """A guard in a folder, and its messages to its watchdog."""

    def __init__(self, folder: Path) -> None:
        self._read_end, self._write_end = os.pipe()
        self.path = folder
        self.folder = WorkFolder(folder)
        self.guard = ContainerGuard(folder, Watchdog(self._write_end))

    def sent(self) -> list[str]:
        os.write(self._write_end, b"\n")
        return os.read(self._read_end, 4096).decode().split("\n")[:-2]

    def close(self) -> None:
        os.close(self._write_end)
        os.close(self._read_end)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.close()


def test_an_attempt_lives_from_its_beginning_to_its_end(world: World) -> None:
    world.guard.begin("a")
    assert world.folder.lives("a")
    world.guard.end()
    assert not world.folder.lives("a")
    assert world.folder.tasks() == []
    assert world.sent() == [f"attempt a {world.path}", "done"]


def test_a_possible_container_keeps_the_watchdog_and_the_lock(world: World) -> None:
    world.guard.begin("a")
    world.guard.register("prevs-a")
    world.guard.end()
    assert world.folder.tasks() == ["a"]
    assert world.sent() == [f"attempt a {world.path}", "container prevs-a"]


def test_a_container_that_is_gone_is_forgotten(world: World) -> None:
    world.guard.begin("a")
    world.guard.register("prevs-a")
    world.guard.unregister("prevs-a")
    world.guard.end()
    assert world.folder.tasks() == []
    assert world.sent()[1:] == ["container prevs-a", "gone prevs-a", "done"]


def test_the_watchdog_stays_while_any_container_may_be_left(world: World) -> None:
    world.guard.begin("a")
    world.guard.register("prevs-a")
    world.guard.register("prevs-b")
    world.guard.unregister("prevs-a")
    world.guard.end()
    assert world.folder.tasks() == ["a"]
    assert "done" not in world.sent()


def test_an_executor_without_a_task_has_nothing_to_guard(world: World) -> None:
    world.guard.end()
    assert world.sent() == ["done"]


def test_a_container_is_found_by_the_folder_of_its_attempt(world: World) -> None:
    assert world.guard.labels() == {LABEL: world.folder.id()}


def test_a_failing_reaper_stops_nothing(world: World) -> None:
    reaped: list[str] = []

    def reap(folder: WorkFolder) -> None:
        reaped.append(folder.id())
        raise OSError("no space left")

    world.guard.reap(reap)
    world.guard.wait_for_reaper()
    assert reaped == [world.folder.id()]


def test_a_missing_watchdog_stops_nothing(tmp_path: Path) -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    Watchdog(write_end).container("prevs-a")
    os.close(write_end)


def test_one_attempt_after_the_other_is_guarded(world: World) -> None:
    world.guard.begin("a")
    world.guard.register("prevs-a")
    world.guard.unregister("prevs-a")
    assert world.guard.end()
    world.guard.begin("b")
    assert (world.folder.lives("a"), world.folder.lives("b")) == (False, True)
    world.guard.register("prevs-b")
    assert not world.guard.end()
    assert world.folder.tasks() == ["b"]
    assert world.sent()[3:] == ["done", f"attempt b {world.path}", "container prevs-b"]


def test_what_is_left_of_the_last_of_many_attempts_fits_into_an_argument(tmp_path: Path) -> None:
    got = tmp_path / "got"
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nprintf %s "$4" >{got}.half\nmv {got}.half {got}\n')
    python.chmod(0o755)
    read_end, write_end = os.pipe()
    script = Path(executor.workspace.watchdog.__file__).with_name("watchdog.sh")
    shell = os.posix_spawn(
        "/bin/sh",
        ["sh", str(script), str(python), "MARK=1"],
        os.environ,
        file_actions=[(os.POSIX_SPAWN_DUP2, read_end, 0)],
    )
    os.close(read_end)
    os.waitpid(shell, 0)
    watchdog = Watchdog(write_end)
    for number in range(700):
        watchdog.attempt("/a folder", f"hello.{'a' * 40}.k3j9x0q2ab-{number}")
        watchdog.container(f"prevs-{number}")
        watchdog.gone(f"prevs-{number}")
        watchdog.done()
    watchdog.attempt("/a folder", "last")
    watchdog.container("prevs-last")
    os.close(write_end)
    wait_until(got.exists)
    assert got.read_text() == "attempt last /a folder\ncontainer prevs-last\n"


def test_what_stays_for_the_next_attempts_is_removed_by_the_watchdog(world: World) -> None:
    world.guard.begin("a")
    world.guard.keep("prevs-kept")
    # Nothing else is left, so another attempt may follow. But the watchdog may not go.
    assert world.guard.end()
    assert world.sent() == [f"attempt a {world.path}", "container prevs-kept"]
    world.guard.begin("b")
    # It has forgotten what it was told before.
    assert world.sent() == [f"attempt b {world.path}", "container prevs-kept"]
    assert world.guard.end()
    assert world.sent() == []


def test_what_stays_belongs_to_an_attempt_that_lives_as_long(world: World) -> None:
    world.guard.begin("a")
    world.guard.keep("prevs-kept")
    world.guard.end()
    world.guard.begin("b")
    world.guard.end()
    # Else the reaper of another executor would remove it.
    assert world.folder.lives("a")
    assert not world.folder.lives("b")
    world.guard.unregister("prevs-kept")
    assert world.folder.tasks() == []
    assert world.guard.end()
    assert world.sent()[-2:] == ["gone prevs-kept", "done"]


def test_what_stayed_and_is_gone_leaves_the_attempt_alive_that_runs(world: World) -> None:
    world.guard.begin("a")
    world.guard.keep("prevs-kept")
    world.guard.unregister("prevs-kept")
    assert world.folder.lives("a")
    world.guard.end()
    assert world.sent()[-1] == "done"
