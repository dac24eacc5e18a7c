"""executor/log/output.py: the attempt's log."""

import errno
import os
from pathlib import Path

import pytest

from executor.log.output import Output


def written(*pieces: bytes | str) -> bytes:
    """Return the log of bytes, and of texts as headers."""
    reader, writer = os.pipe()
    output = Output(writer)
    for piece in pieces:
        output.header(piece) if isinstance(piece, str) else output.write(piece)
    os.close(writer)
    with os.fdopen(reader, "rb") as file:
        return file.read()


@pytest.mark.parametrize(
    ("pieces", "found"),
    [
        ((b"\xff\x00a", b"b\n"), b"\xff\x00ab\n"),
        (("one", b"x\n", "two"), b"== one ==\nx\n== two ==\n"),
        ((b"$ ", "one"), b"$ \n== one ==\n"),
        ((b"x", b"", "h"), b"x\n== h ==\n"),
    ],
)
def test_bytes_are_passed_on_unchanged_and_a_header_has_its_own_line(
    pieces: tuple[bytes | str, ...], found: bytes
) -> None:
    assert written(*pieces) == found


def test_a_full_disk_costs_only_the_log() -> None:
    full = os.open("/dev/full", os.O_WRONLY)
    output = Output(full)
    output.write(b"lost")
    output.header("lost too")
    os.close(full)
    assert written(b"kept") == b"kept"


def file_of(tmp_path: Path) -> int:
    """Open a file like Mesos opens a sandbox's stdout."""
    return os.open(tmp_path / "stdout", os.O_RDWR | os.O_CREAT | os.O_APPEND)


def test_the_beginning_and_the_end_of_a_very_long_output_are_kept_at_their_offsets(
    tmp_path: Path,
) -> None:
    file = file_of(tmp_path)
    output = Output(file, beginning=8192, end=16384)
    line = b"%06d and so on\n"
    printed = b"".join(line % number for number in range(100_000))
    for begin in range(0, len(printed), 5000):
        output.write(printed[begin : begin + 5000])
    found = (tmp_path / "stdout").read_bytes()
    assert len(found) == len(printed)
    assert found[:8192] == printed[:8192]
    assert found[-16384:] == printed[-16384:]
    assert found[8192:-65536].strip(b"\0") == b""
    assert os.fstat(file).st_blocks * 512 <= 8192 + 2 * 16384 + 8192
    os.close(file)


def test_a_piece_larger_than_the_whole_limit_is_bounded_too(tmp_path: Path) -> None:
    file = file_of(tmp_path)
    Output(file, beginning=4096, end=8192).write(b"x" * 1_000_000 + b"the end\n")
    assert os.fstat(file).st_blocks * 512 <= 4096 + 2 * 8192 + 8192
    assert (tmp_path / "stdout").read_bytes().endswith(b"xthe end\n")
    os.close(file)


def no_holes(descriptor: int, offset: int, length: int) -> None:
    """Fail like a file system without holes."""
    raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))


def test_if_the_file_system_has_no_holes_the_log_ends_with_a_note(tmp_path: Path) -> None:
    file = file_of(tmp_path)
    output = Output(file, beginning=4096, end=4096, punch=no_holes)
    for _ in range(3):
        output.write(b"x" * 8192)
    found = (tmp_path / "stdout").read_bytes()
    assert found.count(b"the log is full") == 1
    assert len(found) <= 8192 * 2 + 100
    os.close(file)


def test_an_output_that_is_not_a_file_is_not_bounded() -> None:
    data = b"x" * 60_000
    reader, writer = os.pipe()
    Output(writer, beginning=4096, end=4096).write(data)
    os.close(writer)
    with os.fdopen(reader, "rb") as file:
        assert file.read() == data


def test_what_comes_after_the_end_of_a_log_is_not_in_the_next_one(tmp_path: Path) -> None:
    first = os.open(tmp_path / "one", os.O_WRONLY | os.O_CREAT)
    output = Output(first)
    output.write(b"one\n")
    output.close()
    second = os.open(tmp_path / "two", os.O_WRONLY | os.O_CREAT)
    assert second == first  # the system uses a number again
    output.write(b"late\n")
    os.close(second)
    assert (tmp_path / "one").read_bytes() == b"one\n"
    assert (tmp_path / "two").read_bytes() == b""
