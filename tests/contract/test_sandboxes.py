"""What every implementation of framework.ports.Sandboxes does."""

import contextlib
import dataclasses
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import pytest

from framework.logs.sandbox import AgentSandboxes
from framework.ports import Sandboxes
from prevs.records import PreviewRecord
from prevs.states import State
from tests.fakes.commands import SHA, OneCommand, print_bytes
from tests.fakes.sandboxes import FakeSandboxes
from tests.waits import wait_until

pytestmark = pytest.mark.contract

Writing = Callable[[bytes], AbstractContextManager[tuple[Sandboxes, PreviewRecord]]]


@pytest.fixture(params=["fake", pytest.param("mesos", marks=pytest.mark.daemons)])
def writing(request: pytest.FixtureRequest) -> Writing:
    """Have an attempt whose output is the given bytes."""
    if request.param == "fake":
        return write_to_fake
    mesos: Any = request.getfixturevalue("mesos")

    @contextlib.contextmanager
    def write_to_mesos(data: bytes) -> Iterator[tuple[Sandboxes, PreviewRecord]]:
        one = OneCommand(mesos.master)
        sandboxes = AgentSandboxes(lambda: mesos.master, lambda: one.framework_id)
        with one.run(print_bytes(data)) as preview:
            wait_until(lambda: not data or sandboxes.read(preview, len(data) - 1)[0])
            yield sandboxes, preview

    return write_to_mesos


@contextlib.contextmanager
def write_to_fake(data: bytes) -> Iterator[tuple[Sandboxes, PreviewRecord]]:
    sandboxes = FakeSandboxes()
    preview = PreviewRecord("hello", SHA, State.RUNNING, task_id="t1", agent_id="S0")
    sandboxes.output["t1"] = data
    yield sandboxes, preview


def test_bytes_are_read_as_they_were_written_from_any_offset(writing: Writing) -> None:
    data = bytes(range(256)) + "zwölf €\n".encode()
    with writing(data) as (sandboxes, preview):
        for offset in (0, 1, 200, 259, len(data)):
            assert sandboxes.read(preview, offset) == (data[offset:], len(data))


def test_a_read_behind_the_end_gives_nothing_and_stays_there(writing: Writing) -> None:
    with writing(b"one\n") as (sandboxes, preview):
        assert sandboxes.read(preview, 500) == (b"", 500)


def test_a_long_output_comes_in_pieces_of_64_kb(writing: Writing) -> None:
    data = b"0123456789abcde\n" * 5000
    with writing(data) as (sandboxes, preview):
        first, after = sandboxes.read(preview, 0)
        rest, end = sandboxes.read(preview, after)
        assert (len(first), after, end) == (65536, 65536, len(data))
        assert first + rest == data


def test_the_tail_is_the_last_whole_lines(writing: Writing) -> None:
    with writing(b"one\ntwo\nthree\n") as (sandboxes, preview):
        assert sandboxes.tail(preview, 4096) == (b"one\ntwo\nthree\n", 14)
        assert sandboxes.tail(preview, 12) == (b"two\nthree\n", 14)


def test_an_attempt_that_is_unknown_or_not_there_has_no_output(writing: Writing) -> None:
    with writing(b"one\n") as (sandboxes, preview):
        for change in ({"task_id": None}, {"task_id": f"hello.{SHA}.other"}):
            without = dataclasses.replace(preview, **change)
            assert sandboxes.read(without, 0) == (b"", 0)
            assert sandboxes.tail(without, 10) == (b"", 0)
