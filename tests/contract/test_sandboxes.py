"""What every implementation of framework.ports.Sandboxes does."""

import contextlib
import dataclasses
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Any

import pytest

from framework.logs.sandbox import AgentSandboxes
from framework.ports import Sandboxes, SandboxGone
from prevs.records import PreviewRecord
from prevs.states import State
from tests.fakes.commands import SHA, OneCommand, print_bytes, write_files
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


LINKS = {"artifacts/out": "/etc", "artifacts/passwd": "/etc/passwd"}
"""Links that lead out of a sandbox, which no executor makes."""

Leaving = Callable[[Mapping[str, bytes]], AbstractContextManager[tuple[Sandboxes, PreviewRecord]]]


@pytest.fixture(params=["fake", pytest.param("mesos", marks=pytest.mark.daemons)])
def leaving(request: pytest.FixtureRequest) -> Leaving:
    """Have an attempt that has written these files into its sandbox."""
    if request.param == "fake":
        return leave_in_fake
    mesos: Any = request.getfixturevalue("mesos")

    @contextlib.contextmanager
    def leave_in_mesos(
        files: Mapping[str, bytes],
    ) -> Iterator[tuple[Sandboxes, PreviewRecord]]:
        one = OneCommand(mesos.master)
        sandboxes = AgentSandboxes(lambda: mesos.master, lambda: one.framework_id)
        links = "; ".join(f"ln -s {target} {link}" for link, target in LINKS.items())
        with one.run(f"{write_files(files)}; {links}; echo done; sleep 600") as preview:
            wait_until(lambda: sandboxes.read(preview, 0)[0])
            yield sandboxes, preview

    return leave_in_mesos


@contextlib.contextmanager
def leave_in_fake(files: Mapping[str, bytes]) -> Iterator[tuple[Sandboxes, PreviewRecord]]:
    sandboxes = FakeSandboxes()
    sandboxes.keeps = 86400.0
    preview = PreviewRecord("hello", SHA, State.RUNNING, task_id="t1", agent_id="S0")
    sandboxes.files["t1"] = dict(files)
    yield sandboxes, preview


def read_file(sandboxes: Sandboxes, preview: PreviewRecord, path: str) -> bytes | None:
    """Return what is in a file of a sandbox; None if there is none."""
    file = sandboxes.open_file(preview, path)
    if file is None:
        return None
    try:
        data = b"".join(file.pieces)
    finally:
        file.close()
    assert file.size == len(data)
    return data


def test_files_are_read_whole_by_their_paths(leaving: Leaving) -> None:
    files = {
        "artifacts.json": b"{}",
        "artifacts/a/100 % größe+1 & 'x'.csv": bytes(range(256)),
        "artifacts/empty": b"",
        "artifacts/long.html": bytes(300_000),
    }
    with leaving(files) as (sandboxes, preview):
        for path, data in files.items():
            assert read_file(sandboxes, preview, path) == data


def test_what_is_no_file_within_the_sandbox_is_none(leaving: Leaving) -> None:
    with leaving({"artifacts/a/b": b"1"}) as (sandboxes, preview):
        # The last three are a folder, and links that lead out of the sandbox.
        for path in (
            "artifacts/other",
            "other",
            "artifacts/a",
            "artifacts/passwd",
            "artifacts/out",
        ):
            assert read_file(sandboxes, preview, path) is None


def test_a_sandbox_that_is_not_there_is_gone(leaving: Leaving) -> None:
    with leaving({"artifacts/a": b"1"}) as (sandboxes, preview):
        other = dataclasses.replace(preview, task_id=f"hello.{SHA}.other")
        with pytest.raises(SandboxGone):
            sandboxes.open_file(other, "artifacts/a")


def test_an_agent_says_for_how_long_it_keeps_sandboxes(leaving: Leaving) -> None:
    with leaving({"artifacts/a": b"1"}) as (sandboxes, preview):
        kept = sandboxes.kept_for(preview)
        assert kept is not None
        assert 0 <= kept <= 7 * 86400
