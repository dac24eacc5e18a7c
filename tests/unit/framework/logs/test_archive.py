"""framework/logs/archive.py: the archived end of a log, once its sandbox is gone."""

import dataclasses
from pathlib import Path

import pytest

from framework.errors import Unavailable
from framework.logs.archive import ArchivedSandboxes, LogArchive
from prevs.records import AppRecord, PreviewRecord
from prevs.states import State
from tests.fakes.asgi import ApiInProcess
from tests.fakes.sandboxes import FakeSandboxes

SHA = "a" * 40
TASK = f"hello.{SHA}.t1"
FAILED = PreviewRecord("hello", SHA, State.FAILED, task_id=TASK, agent_id="S0")
WHOLE = b"one\ntwo\nthree\n"
LOG = f"/v1/previews/hello/{SHA}/log"


class World:
    """A failed attempt with an archived log, and its sandbox."""

    def __init__(self, folder: Path) -> None:
        self.kept = LogArchive(folder / "logs")
        assert self.kept.tasks() == set()
        self.sandboxes = FakeSandboxes()
        self.lasting = ArchivedSandboxes(self.sandboxes, self.kept)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_the_archive_is_read_after_the_sandbox_is_gone(world: World) -> None:
    world.kept.keep(TASK, WHOLE, len(WHOLE))
    assert world.lasting.read(FAILED, 0) == (WHOLE, 14)
    assert world.lasting.read(FAILED, 4) == (b"two\nthree\n", 14)
    assert world.lasting.read(FAILED, 14) == (b"", 14)
    assert world.lasting.read(FAILED, 500) == (b"", 500)
    assert world.lasting.tail(FAILED, 7) == (b"three\n", 14)
    assert world.lasting.tail(FAILED, 3) == (b"ee\n", 14)


def test_while_the_agent_is_away_only_logs_outside_the_archive_are_unavailable(
    world: World,
) -> None:
    world.sandboxes.away = True
    with pytest.raises(Unavailable):
        world.lasting.read(FAILED, 0)
    world.kept.keep(TASK, WHOLE, len(WHOLE))
    assert world.lasting.read(FAILED, 0) == (WHOLE, 14)
    assert world.lasting.read(FAILED, 14) == (b"", 14)


def test_offsets_are_those_of_the_whole_log_and_a_line_marks_the_gap(world: World) -> None:
    world.kept.keep(TASK, b"three\n", 1014)
    data, after = world.lasting.read(FAILED, 0)
    assert (data, after) == (b"== what came before is gone ==\nthree\n", 1014)
    assert world.lasting.read(FAILED, 1009) == (b"hree\n", 1014)
    world.kept.keep(TASK, b"three\n", 8)
    assert world.lasting.read(FAILED, 0) == (b"=\nthree\n", 8)


def test_the_sandbox_comes_before_the_archive(world: World) -> None:
    world.sandboxes.output[TASK] = WHOLE
    world.kept.keep(TASK, b"three\n", 14)
    assert world.lasting.read(FAILED, 0) == (WHOLE, 14)
    assert world.lasting.read(FAILED, 14) == (b"", 14)


def test_the_log_of_a_stopped_preview_is_kept_too(world: World) -> None:
    world.kept.keep(TASK, WHOLE, len(WHOLE))
    stopped = dataclasses.replace(FAILED, state=State.STOPPED)
    assert world.lasting.read(stopped, 0) == (WHOLE, 14)
    running = dataclasses.replace(FAILED, state=State.RUNNING)
    assert world.lasting.read(running, 0) == (b"", 0)


def test_a_file_of_somebody_else_is_ignored(world: World, tmp_path: Path) -> None:
    (tmp_path / "logs" / TASK).write_bytes(b"no number\nx")
    assert world.kept.read(TASK, 0) == (b"", 0)


def test_the_api_shows_an_archived_log_as_text_as_events_and_as_a_tail(world: World) -> None:
    world.kept.keep(TASK, "zwölf\nthree\n".encode(), 2000)
    api = ApiInProcess(sandboxes=world.lasting)
    api.previews.add_app(AppRecord("hello", "/srv/git/hello"))
    api.previews.known["hello", SHA] = FAILED
    world.sandboxes.away = True
    answer = api.call("GET", LOG)
    assert answer.headers["X-Next-Offset"] == "2000"
    assert answer.text == "== what came before is gone ==\nzwölf\nthree\n"
    answer = api.call("GET", LOG, headers={"Accept": "text/event-stream"})
    assert "id: 2000\n" in answer.text
    assert answer.text.rstrip().rpartition("event: ")[2].startswith("end\n")
    shown = api.call("GET", LOG.removesuffix("/log")).json()
    assert shown["log_tail"].endswith("zwölf\nthree\n")
