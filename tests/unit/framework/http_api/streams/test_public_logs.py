import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework.http_api.streams.logs import Logs
from framework.http_api.streams.public_logs import NOTE
from framework.ports import Logged
from prevs.records import PreviewRecord, Step
from prevs.states import State
from tests.fakes.sandboxes import FakeSandboxes

T = TypeVar("T")

BUILD = b"== fetching commit abc ==\n== building ==\nStep 1\n=\n== star\n  == starting\n"
STARTS = b"== starting prevs/hello:abc ==\n"
OWN = b"GET /?token=hunter2\n"
PREVIEW = PreviewRecord("hello", "a" * 40, State.RUNNING, task_id="t1")


def logs(output: bytes, piece_size: int = 64 * 1024) -> Logs:
    sandboxes = FakeSandboxes(piece_size)
    sandboxes.output["t1"] = output
    return Logs(sandboxes)


def run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)


async def read_all(found: Logs, offset: int = 0) -> bytes:
    shown = b""
    while (piece := await found.read(PREVIEW, offset, public=True)).data:
        shown, offset = shown + piece.data, piece.end
    return shown


@pytest.mark.parametrize("begins", [STARTS, b"== hook 1/2: python manage.py migrate ==\n"])
@given(st.integers(13, 90))
def test_a_public_log_ends_where_the_application_begins(begins: bytes, piece_size: int) -> None:
    assert run(read_all(logs(BUILD + begins + OWN, piece_size))) == BUILD + NOTE


@given(st.integers(0, 200), st.integers(13, 90))
def test_no_reader_can_go_on_from_an_offset_behind_the_public_part(
    offset: int, piece_size: int
) -> None:
    whole = BUILD + STARTS + OWN * 5
    shown = run(read_all(logs(whole, piece_size), offset))
    assert shown.removesuffix(NOTE) == BUILD[offset:]


@given(st.integers(13, 90))
def test_a_log_without_an_application_is_public_in_full(piece_size: int) -> None:
    assert run(read_all(logs(BUILD, piece_size))) == BUILD


@given(st.integers(13, 90))
def test_the_last_lines_are_the_last_public_ones(piece_size: int) -> None:
    text = run(logs(BUILD + STARTS + OWN, piece_size).read_tail(PREVIEW, public=True))
    assert text == (BUILD + NOTE).decode()
    long = b"line\n" * 2000 + STARTS + OWN
    text = run(logs(long, 64 * 1024).read_tail(PREVIEW, public=True))
    assert text.startswith("line\n")
    assert text.endswith("line\n" + NOTE.decode())
    assert len(text) <= 4096 + len(NOTE)


class Kept(FakeSandboxes):
    """An archive that has only the end of a log."""

    def read(self, logged: Logged, offset: int) -> tuple[bytes, int]:
        data = b"== what came before is gone ==\n" + OWN
        end = 1000 + len(data)
        return data[max(0, offset - 1000) :], max(offset, end)


def test_a_started_attempt_without_its_beginning_has_no_public_log() -> None:
    failed = PreviewRecord("hello", "a" * 40, State.FAILED, task_id="t1")
    started = PreviewRecord(
        "hello", "a" * 40, State.FAILED, task_id="t1", steps=(Step("starting", 5.0),)
    )
    assert "hunter2" in run(Logs(Kept()).read_text(failed, 0, public=True))[0]
    text, end = run(Logs(Kept()).read_text(started, 0, public=True))
    assert (text, end) == (NOTE.decode(), 0)
    assert "hunter2" not in run(Logs(Kept()).read_tail(started, public=True))
    assert run(Logs(Kept()).read_text(started, 1010, public=True))[0] == ""
