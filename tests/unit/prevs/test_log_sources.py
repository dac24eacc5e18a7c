"""prevs/log_sources.py: who wrote each byte of a log."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from prevs.log_sources import PER_BYTE, Run, Source, find_gaps, find_runs, gap_text, mark

written = st.lists(
    st.tuples(st.sampled_from(list(Source)[1:]), st.integers(1, 40)), min_size=1, max_size=20
)


def encode(runs: list[tuple[Source, int]]) -> bytearray:
    """Return the file for a log that was written in these runs."""
    file, begin = bytearray(), 0
    for source, size in runs:
        offset = begin // PER_BYTE
        before = file[offset] if begin % PER_BYTE else 0
        file[offset:] = mark(begin, size, source, before)
        begin += size
    return file


@given(written, st.data())
def test_every_part_of_a_log_has_its_sources(
    runs: list[tuple[Source, int]], data: st.DataObject
) -> None:
    each = [source for source, size in runs for _ in range(size)]
    begin = data.draw(st.integers(0, len(each) - 1))
    size = data.draw(st.integers(1, len(each) - begin))
    part = bytes(encode(runs)[begin // PER_BYTE :])
    found = list(find_runs(part, begin, size))
    assert [source for source, count in found for _ in range(count)] == each[begin : begin + size]
    assert all(one.source is not other.source for one, other in itertools.pairwise(found))


@given(written, st.integers(0, 50))
def test_what_the_file_does_not_reach_is_nobodys(runs: list[tuple[Source, int]], more: int) -> None:
    size = sum(count for _, count in runs)
    found = list(find_runs(bytes(encode(runs)), 0, size + more))
    assert sum(count for _, count in found) == size + more
    beyond = [source for source, count in found for _ in range(count)][size:]
    assert set(beyond) <= {Source.NOBODY}


def test_a_part_that_was_freed_is_nobodys() -> None:
    file = encode([(Source.STDOUT, 40)])
    file[2:5] = bytes(3)
    assert list(find_runs(bytes(file), 0, 40)) == [
        Run(Source.STDOUT, 8),
        Run(Source.NOBODY, 12),
        Run(Source.STDOUT, 20),
    ]


def test_a_gap_is_found_by_its_line() -> None:
    known, unknown = gap_text(1_234_567, "the disk was full"), gap_text(None, "docker was away")
    text = f"x\n== {known} ==\n== kept 3 files ==\n== {unknown} ==\n".encode()
    assert [(text[begin:end], size) for begin, end, size in find_gaps(text)] == [
        (f"== {known} ==\n".encode(), 1_234_567),
        (f"== {unknown} ==\n".encode(), None),
    ]
