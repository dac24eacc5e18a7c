"""framework/logs/sparse_log.py: the gap in a log."""

from hypothesis import given
from hypothesis import strategies as st

from framework.logs.sparse_log import (
    FileRead,
    LogFiles,
    cut_at_gap,
    find_gap_end,
    read_parts,
    read_text,
)
from framework.ports import LogExcerpt, LogPart
from prevs.log_sources import PER_BYTE, Source, gap_text, mark


def test_a_piece_ends_where_a_hole_begins() -> None:
    assert cut_at_gap(b"one\n" + bytes(5000) + b"two\n") == b"one\n"
    assert cut_at_gap(bytes(5000)) == b""


def test_a_few_zeros_belong_to_the_application() -> None:
    assert cut_at_gap(b"a\0b" + bytes(4095) + b"c") == b"a\0b" + bytes(4095) + b"c"


@given(st.integers(1, 300), st.integers(0, 4095), st.integers(1, 20))
def test_the_end_of_a_hole_is_found_with_few_reads(pages: int, into: int, kept_pages: int) -> None:
    end = pages * 4096
    log = bytes(end) + b"x" * 4096 * kept_pages
    offsets: list[int] = []

    def read_page(offset: int) -> bytes:
        offsets.append(offset)
        return log[offset : offset + 4096]

    begin = min(into, end - 4096)
    assert find_gap_end(read_page, begin, len(log)) == end
    assert len(offsets) <= 10


def test_a_log_that_ends_in_zeros_ends_there() -> None:
    log = bytes(10_000)
    assert find_gap_end(lambda at: log[at : at + 4096], 0, len(log)) == len(log)


@given(st.binary(max_size=3), st.integers(0, 20_000))
def test_a_reader_always_makes_progress(edge: bytes, begin: int) -> None:
    log = edge + bytes(9000) + b"x" + bytes(9000) + edge
    end = find_gap_end(lambda at: log[at : at + 4096], begin, len(log))
    if begin < len(log) and not cut_at_gap(log[begin : begin + 65536]):
        assert end > begin


def files_of(log: bytes, sources: bytes = b"") -> LogFiles:
    """Return the files of a log in memory."""

    def reader(data: bytes) -> FileRead:
        def read(offset: int, length: int) -> tuple[bytes, int]:
            begin = len(data) if offset == -1 else offset
            return data[begin : begin + length], begin

        return read

    return LogFiles(reader(log), reader(sources))


def test_of_a_log_of_before_a_page_of_zeros_is_what_is_missing() -> None:
    files = files_of(b"a" * 4096 + bytes(40_960) + b"b\n")
    line = b"\n== 40,960 bytes are missing here: too much was printed to keep ==\n"
    assert read_text(files, 0, 65_536) == (b"a" * 4096, 4096)
    assert read_text(files, 4096, 65_536) == (line, 45_056)
    assert read_text(files, 45_056, 65_536) == (b"b\n", 45_058)
    assert read_parts(files, 0, 65_536) is None


def test_zeros_that_an_application_prints_are_not_missing() -> None:
    log = b"a" + bytes(20_000) + b"b"
    files = files_of(log, mark(0, len(log), Source.STDOUT))
    assert read_text(files, 0, 65_536) == (log, len(log))
    assert read_parts(files, 0, 65_536) == LogExcerpt((LogPart(Source.STDOUT, log),), len(log))


def test_the_lines_that_replace_something_are_parts_of_their_own() -> None:
    line = f"== {gap_text(17, 'the disk was full')} ==\n".encode()
    log = b"out\n== kept 1 file ==\n" + line + b"== bye ==\n"
    runs = [(Source.STDOUT, 4), (Source.PREVS, len(log) - 4)]
    sources, begin = bytearray(), 0
    for source, size in runs:
        sources[begin // PER_BYTE :] = mark(begin, size, source)
        begin += size
    found = read_parts(files_of(log, bytes(sources)), 0, 65_536)
    assert found is not None
    assert found.parts == (
        LogPart(Source.STDOUT, b"out\n"),
        LogPart(Source.PREVS, b"== kept 1 file ==\n"),
        LogPart(Source.NOBODY, line, 17),
        LogPart(Source.PREVS, b"== bye ==\n"),
    )
    # So they are if a read ends in the middle of one.
    parts, end = read_parts(files_of(log, bytes(sources)), 0, 40) or ((), 0)
    assert b"".join(part.data for part in parts) == b"out\n== kept 1 file ==\n"
    assert log[end:].startswith(line)
