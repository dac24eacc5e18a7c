"""Reads an attempt's log, which lacks its middle if it is long, and says who wrote what.

An executor keeps a log's beginning and end, and frees the part between, which then reads as zeros.
Which bytes these are is in the file beside the log (prevs/log_sources.py): an application may print
zeros, too.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple, Protocol

from framework.ports import LogExcerpt, LogPart
from prevs.log_sources import PER_BYTE, Source, find_gaps, find_runs, gap_text

_PAGE = 4096
_ZEROS = bytes(_PAGE)
_TOO_MUCH = "too much was printed to keep"


class FileRead(Protocol):
    """Reads a growing file."""

    def __call__(self, offset: int, length: int) -> tuple[bytes, int]:
        """Return at most so many bytes, and where they begin; at the offset -1, only its size."""
        ...


class LogFiles(NamedTuple):
    """The log of an attempt, and the file that says who wrote what."""

    log: FileRead
    sources: FileRead


def read_text(files: LogFiles, offset: int, length: int) -> tuple[bytes, int]:
    """Return some bytes of the log from `offset` on, and the offset after them.

    A line replaces what is missing. Nothing at the end of the log.
    """
    data, begin = files.log(offset, length)
    if not (data.startswith(b"\0") or data.endswith(b"\0") or _ZEROS in data):
        return data, begin + len(data)
    parts = _find_parts(files, data, begin)
    if parts is None:
        return _read_unmarked(files.log, data, begin)
    return b"".join(part.data for part in parts.parts), parts.end


def read_parts(files: LogFiles, offset: int, length: int) -> LogExcerpt | None:
    """Return the next parts of the log from `offset` on; None if nobody knows who wrote what."""
    data, begin = files.log(offset, length)
    return _find_parts(files, data, begin) if data else LogExcerpt((), begin)


def _find_parts(files: LogFiles, data: bytes, begin: int) -> LogExcerpt | None:
    """Return whose these bytes are, up to what is missing; that alone if it comes first."""
    # Read after the log: what is missing by now is not taken for the log's.
    first = begin // PER_BYTE
    needed = -(-(begin + len(data)) // PER_BYTE) - first
    sources, _ = files.sources(first, needed)
    if len(sources) < needed:
        return None
    found: list[LogPart] = []
    at = 0
    for run in find_runs(sources, begin, len(data)):
        if run.source is Source.NOBODY:
            break
        piece = data[at : at + run.size]
        if run.source is Source.PREVS:
            piece = piece[: len(piece) - _count_held_back(piece, keeps=bool(at))]
            found += _split(piece)
        else:
            found.append(LogPart(run.source, piece))
        at += len(piece)
        if len(piece) < run.size:
            break
    if found:
        return LogExcerpt(tuple(found), begin + at)
    end = _find_marked_end(files.sources, begin)
    return LogExcerpt((_omission(begin, end),), end) if end > begin else None


def _count_held_back(data: bytes, *, keeps: bool) -> int:
    """Return how many bytes at the end are of a line of prevs that is not all there.

    It is read as a whole the next time; if nothing else is here (`keeps`), it is no such line.
    """
    whole = data.rfind(b"\n") + 1
    return len(data) - whole if data.startswith(b"==", whole) and (whole or keeps) else 0


def _split(data: bytes) -> Iterator[LogPart]:
    """Yield what prevs wrote, with its lines that replace something as parts of their own."""
    at = 0
    for begin, end, missing in find_gaps(data):
        if at < begin:
            yield LogPart(Source.PREVS, data[at:begin])
        yield LogPart(Source.NOBODY, data[begin:end], missing)
        at = end
    if at < len(data):
        yield LogPart(Source.PREVS, data[at:])


def _find_marked_end(read: FileRead, begin: int) -> int:
    """Return where somebody wrote again, from `begin` on, at which nobody did."""
    first = begin // PER_BYTE
    _, size = read(-1, 0)
    page, _ = read(first, _PAGE)
    # What comes before `begin` may be somebody's.
    page = bytes([page[0] >> 2 * (begin % PER_BYTE) << 2 * (begin % PER_BYTE)]) + page[1:]
    if not page.strip(b"\0"):
        first = find_gap_end(lambda at: read(at, _PAGE)[0], first, size)
        page, _ = read(first, _PAGE)
    skipped = len(page) - len(page.lstrip(b"\0"))
    if skipped == len(page):
        return PER_BYTE * (first + skipped)
    last = page[skipped]
    return PER_BYTE * (first + skipped) + next(n for n in range(PER_BYTE) if last >> 2 * n & 3)


def _omission(begin: int, end: int) -> LogPart:
    line = f"\n== {gap_text(end - begin, _TOO_MUCH)} ==\n"
    return LogPart(Source.NOBODY, line.encode(), end - begin)


def _read_unmarked(read: FileRead, data: bytes, begin: int) -> tuple[bytes, int]:
    """Return the bytes before the first gap; the line that replaces it if it comes first."""
    kept = cut_at_gap(data)
    if kept:
        return kept, begin + len(kept)
    _, size = read(-1, 0)
    end = find_gap_end(lambda at: read(at, _PAGE)[0], begin, size)
    return _omission(begin, end).data, end


def cut_at_gap(data: bytes) -> bytes:
    """Return the bytes before the first page of zeros: all of them without one."""
    found = data.find(_ZEROS)
    return data if found < 0 else data[:found]


def find_gap_end(read_page: Callable[[int], bytes], begin: int, size: int) -> int:
    """Return the end of the zeros around `begin`, in a file of `size` bytes.

    `read_page` returns up to 4096 bytes from an offset. A gigabyte takes some twenty calls.
    """
    first, last = -(-begin // _PAGE), -(-max(begin, size) // _PAGE)
    while first < last:
        middle = (first + last) // 2
        if read_page(middle * _PAGE).strip(b"\0"):
            last = middle
        else:
            first = middle + 1
    return min(max(begin, first * _PAGE), max(begin, size))
