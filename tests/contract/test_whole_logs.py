"""What executors write of an attempt's log, and what the framework reads of it: the same bytes.

executor/log/output.py and framework/logs/sparse_log.py share a pair of files.
"""

import errno
import itertools
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from executor.log.output import Output, open_sources
from framework.logs.sparse_log import FileRead, LogFiles, read_parts, read_text
from framework.ports import LogPart
from prevs.log_sources import FILE, Source, find_gaps

PAGE = 4096
PIECE = 5000
"""How many bytes a read gets at most."""

WRITERS = (Source.STDOUT, Source.STDERR, Source.PREVS)


class Write(NamedTuple):
    """So many bytes of a source, and how many reads follow."""

    source: Source
    size: int
    reads: int


writes = st.lists(
    st.builds(Write, st.sampled_from(WRITERS), st.integers(1, 9000), st.integers(0, 2)),
    min_size=1,
    max_size=25,
)


def printed(written: Sequence[Write]) -> list[bytes]:
    """Return what is written: no two parts are alike, and there are zeros in them."""
    numbers = itertools.count()
    return [
        b"".join(b"%d\0\n" % next(numbers) for _ in range(one.size // 3 + 1))[: one.size]
        if one.size % 7
        else bytes(one.size)
        for one in written
    ]


class Log:
    """A log in a folder, which keeps a page at its beginning and one or two at its end."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        descriptor = os.open(folder / "stdout", os.O_RDWR | os.O_CREAT | os.O_APPEND)
        self.output = Output(descriptor, open_sources(folder), beginning=PAGE, end=PAGE)
        self.files = LogFiles(self._reader("stdout"), self._reader(FILE))

    def _reader(self, name: str) -> FileRead:
        def read(offset: int, length: int) -> tuple[bytes, int]:
            data = (self._folder / name).read_bytes()
            begin = len(data) if offset == -1 else offset
            return data[begin : begin + length], begin

        return read


class Viewer:
    """Reads a log from its beginning."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._offset = 0
        self.parts: list[LogPart] = []

    def read(self) -> bool:
        """Read once; return whether there was anything."""
        found = read_parts(self._log.files, self._offset, PIECE)
        assert found is not None
        self.parts += found.parts
        self._offset = found.end
        return bool(found.parts)

    def check(self, whole: Sequence[tuple[Source, bytes]]) -> None:
        """Check that it has seen all in its place, or how many bytes it has not seen there."""
        sources = [source for source, data in whole for _ in data]
        everything = b"".join(data for _, data in whole)
        at = 0
        for source, data, missing in self.parts:
            assert missing is not None
            if source is Source.NOBODY:
                at += missing
                continue
            assert everything[at : at + len(data)] == data
            assert set(sources[at : at + len(data)]) == {source}
            at += len(data)
        assert at == len(everything)


@settings(deadline=None)
@given(writes)
def test_what_is_shown_is_what_was_written_and_every_gap_says_its_size(
    written: list[Write],
) -> None:
    texts = printed(written)
    whole = [(one.source, text) for one, text in zip(written, texts, strict=True)]
    with tempfile.TemporaryDirectory() as folder:
        log = Log(Path(folder))
        follower = Viewer(log)
        for one, text in zip(written, texts, strict=True):
            log.output.write(text, one.source)
            for _ in range(one.reads):
                follower.read()
        later = Viewer(log)
        for viewer in (follower, later):
            while viewer.read():
                pass
            viewer.check(whole)
        sizes = [part.missing for part in later.parts if part.source is Source.NOBODY]
        size = sum(map(len, texts))
        assert len(sizes) <= 1, "only the middle is missing"
        assert not sizes or size > 2 * PAGE
        assert size - sum(one or 0 for one in sizes) >= min(size, 2 * PAGE)
        check_text(log, b"".join(texts))
        log.output.close()


def check_text(log: Log, everything: bytes) -> None:
    """Check that the log as text has its beginning and its end, and how much is in between."""
    text, offset = b"", 0
    while (found := read_text(log.files, offset, PIECE))[0]:
        text, offset = text + found[0], found[1]
    gaps = list(find_gaps(text))
    if not gaps:
        assert text == everything
        return
    [(begin, end, missing)] = gaps
    first, last = text[: begin - 1], text[end:]
    assert everything.startswith(first)
    assert everything.endswith(last)
    assert len(first) + (missing or 0) + len(last) == len(everything)


def failing(fails: Iterator[bool], write: Callable[[int, bytes], int]) -> Callable[..., int]:
    """Return an os.write() that fails where `fails` says so, after half of what it is given."""

    def attempt(descriptor: int, data: bytes) -> int:
        if not next(fails):
            return write(descriptor, data)
        if len(data) > 1:
            return write(descriptor, data[: len(data) // 2])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    return attempt


@given(st.lists(st.booleans(), max_size=60), st.lists(st.integers(1, 60), min_size=1, max_size=12))
def test_what_a_full_disk_did_not_take_is_counted_at_its_place(
    fails: list[bool], sizes: list[int]
) -> None:
    texts = [bytes([65 + number]) * size for number, size in enumerate(sizes)]
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        log = Log(Path(folder))
        # A disk that is full fails the rest of a write too.
        planned = itertools.chain(*([one] * 9 if one else [one] for one in fails))
        write = failing(itertools.chain(planned, itertools.repeat(False)), os.write)
        patch.setattr(os, "write", write)
        for text in texts:
            log.output.write(text, Source.STDOUT)
        log.output.flush()
        patch.undo()
        log.output.flush()
        viewer = Viewer(log)
        while viewer.read():
            pass
        viewer.parts = [part for part in viewer.parts if part.source is not Source.PREVS]
        viewer.check([(Source.STDOUT, text) for text in texts])
        log.output.close()
