"""framework/logs/sparse_log.py: the gap in a log."""

from hypothesis import given
from hypothesis import strategies as st

from framework.logs.sparse_log import cut_at_gap, find_gap_end, omission_line


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


def test_a_gap_is_reported_with_the_smallest_size_it_can_have() -> None:
    """Docker keeps 20 MB of output, and a flood is printed faster than it is read."""
    line = omission_line(4_000_000, 280_800_000)
    assert line == b"\n== at least 276.8 MB are left out here: too much was printed to keep ==\n"
