"""Who wrote each byte of an attempt's log, and the lines that stand where some of it is missing.

The log itself is what people read. Beside it, the file FILE has two bits for each of its bytes, so
what concerns the byte n of the log is in the byte n // 4 of the file. A part of the log that was
not kept has none there. Executors write both, the framework reads them. Pure.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterator
from typing import NamedTuple, Optional

FILE = "stdout.sources"
"""The name of the file, beside the log `stdout`."""

PER_BYTE = 4
"""How many bytes of the log one byte of the file is for."""


class Source(enum.IntEnum):
    """Who wrote a byte: nobody (it is missing), a command in a container, or prevs and builds."""

    NOBODY = 0
    STDOUT = 1
    STDERR = 2
    PREVS = 3


_WHOLE = {source: bytes([source * 0b01010101]) for source in Source}
_RUNS = re.compile(rb"\x00+|\x55+|\xaa+|\xff+|[^\x00\x55\xaa\xff]")
_GAP = re.compile(rb"^== (?:([\d,]+) bytes are|output may be) missing here: [^\n]* ==\n", re.M)


class Run(NamedTuple):
    """So many bytes in a row have this source."""

    source: Source
    size: int


def mark(begin: int, size: int, source: Source, before: int = 0) -> bytes:
    """Return what the file has from the offset `begin // PER_BYTE` on.

    `size` bytes of the log, at least one, have this source from `begin` on. If something is before
    `begin`, `before` is the byte that the file has at that offset.
    """
    first, rest = begin % PER_BYTE, (begin + size) % PER_BYTE
    made = bytearray(_WHOLE[source] * -(-(first + size) // PER_BYTE))
    earlier = (1 << 2 * first) - 1
    made[0] = made[0] & ~earlier | before & earlier
    if rest:
        made[-1] &= (1 << 2 * rest) - 1
    return bytes(made)


def find_runs(data: bytes, begin: int, size: int) -> Iterator[Run]:
    """Yield who wrote `size` bytes of a log from `begin` on.

    `data` is the file from the offset `begin // PER_BYTE` on. What it does not reach is nobody's.
    """
    skip = begin % PER_BYTE
    source, count = Source.NOBODY, 0
    for one in _find_uneven_runs(data[: -(-(skip + size) // PER_BYTE)]):
        cut = min(one.size, skip)
        skip -= cut
        length = min(one.size - cut, size)
        size -= length
        if one.source is not source and count:
            yield Run(source, count)
            count = 0
        source, count = one.source, count + length
    if source is not Source.NOBODY and size:
        if count:
            yield Run(source, count)
        source, count = Source.NOBODY, 0
    if count + size:
        yield Run(source, count + size)


def _find_uneven_runs(data: bytes) -> Iterator[Run]:
    for found in _RUNS.finditer(data):
        text = found.group()
        source = Source(text[0] & 3)
        if text[:1] == _WHOLE[source]:
            yield Run(source, len(text) * PER_BYTE)
        else:
            for shift in range(0, 8, 2):
                yield Run(Source(text[0] >> shift & 3), 1)


def gap_text(size: Optional[int], why: str) -> str:
    """Return the text of the line that replaces `size` bytes; None if nobody knows how many."""
    missing = "output may be" if size is None else f"{size:,} bytes are"
    return f"{missing} missing here: {why}"


def find_gaps(data: bytes) -> Iterator[tuple[int, int, Optional[int]]]:
    """Yield where lines of such texts are in what prevs wrote, and how many bytes each replaces."""
    for found in _GAP.finditer(data):
        size = found[1]
        yield found.start(), found.end(), None if size is None else int(size.replace(b",", b""))
