"""The part of an attempt's log that is not kept, which reads as zeros. Pure.

An executor keeps a log's beginning and its end, and frees what is between (executor/log/output.py).
"""

from collections.abc import Callable

_PAGE = 4096
_ZEROS = bytes(_PAGE)


def cut_at_gap(data: bytes) -> bytes:
    """Return what comes before a hole, all of it where there is none; nothing in a hole."""
    found = data.find(_ZEROS)
    return data if found < 0 else data[:found]


def find_gap_end(read_page: Callable[[int], bytes], begin: int, size: int) -> int:
    """Return where the hole ends in which `begin` is, of a log of `size` bytes.

    `read_page` gives up to 4096 bytes from an offset. Asks some twenty times for a gigabyte.
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
    """Return the line that stands for what was between two offsets.

    It is the least that is missing: of a flood an agent does not read what Docker lets go of before
    (executor/container/log_follower.py), and nobody knows how much that was.
    """
    return b"\n== at least %.1f MB are left out here: too much was printed to keep ==\n" % (
        (end - begin) / 1e6
    )
