"""The gap in an attempt's log, which reads as zeros. Pure.

An executor keeps a log's beginning and end, and frees the part between (executor/log/output.py).
"""

from collections.abc import Callable

_PAGE = 4096
_ZEROS = bytes(_PAGE)


def cut_at_gap(data: bytes) -> bytes:
    """Return the bytes before the first gap: all of them without one, none inside one."""
    found = data.find(_ZEROS)
    return data if found < 0 else data[:found]


def find_gap_end(read_page: Callable[[int], bytes], begin: int, size: int) -> int:
    """Return the end of the gap around `begin`, in a log of `size` bytes.

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


def omission_line(begin: int, end: int) -> bytes:
    """Return the line that replaces the bytes between two offsets.

    More may be missing: in a flood Docker drops output before the executor reads it, an unknown
    amount (executor/container/log_follower.py).
    """
    return b"\n== at least %.1f MB are left out here: too much was printed to keep ==\n" % (
        (end - begin) / 1e6
    )
