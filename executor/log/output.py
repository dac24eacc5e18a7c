"""The attempt's log: a file in the sandbox, which the Mesos UI and the framework show to people.

It is the sandbox's stdout for a preview; a job has a file of its own, as its executor may run
several.

However much an application prints, the file takes a bounded part of the disk. The beginning (the
build, the start) and the end are kept. The part between becomes a hole, which takes no space. All
offsets stay the same for those who read by offset (framework/logs/sparse_log.py).
"""

from __future__ import annotations

import contextlib
import logging
import os
import stat
import threading
from collections.abc import Callable

BEGINNING = 4 * 1024 * 1024
"""Bytes at the beginning of a log that are kept."""

END = 4 * 1024 * 1024
"""Bytes at the end that are kept at least; at most twice as many are."""

_FULL = b"\n== the log is full: what follows is not kept ==\n"
_KEEP_SIZE_PUNCH_HOLE = 0x01 | 0x02

logger = logging.getLogger(__name__)


def punch(descriptor: int, offset: int, length: int) -> None:
    """Free the blocks of a part of a file, which then reads as zeros. Raises OSError."""
    import ctypes  # only for long logs: it takes a megabyte

    libc = ctypes.CDLL(None, use_errno=True)
    done = libc.fallocate(
        ctypes.c_int(descriptor),
        ctypes.c_int(_KEEP_SIZE_PUNCH_HOLE),
        ctypes.c_int64(offset),
        ctypes.c_int64(length),
    )
    if done != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


class Output:
    """Writes to a file descriptor without a buffer. Thread safe.

    `beginning` and `end` are like BEGINNING and END, multiples of 4096; `punch` makes holes. Only
    files are bounded. (A pipe leads to a logger, which has its own limit.)
    """

    def __init__(
        self,
        descriptor: int,
        *,
        beginning: int = BEGINNING,
        end: int = END,
        punch: Callable[[int, int, int], None] = punch,
    ) -> None:
        self._descriptor = descriptor
        self._beginning = beginning
        self._end = end
        self._punch = punch
        self._lock = threading.Lock()
        self._at_line_start = True
        self._is_bounded = stat.S_ISREG(os.fstat(descriptor).st_mode)
        self._is_full = False
        self._unchecked = 0

    def write(self, data: bytes) -> None:
        """Append bytes of a build's or an application's output."""
        with self._lock:
            self._append(data)

    def header(self, text: str) -> None:
        """Append a line of our own that announces what follows."""
        with self._lock:
            start = b"" if self._at_line_start else b"\n"
            self._append(start + f"== {text} ==\n".encode(errors="replace"))

    def flush(self) -> None:
        """Do nothing: everything is written already."""

    def close(self) -> None:
        """Close the file descriptor, and drop what is still written: it may be another file's."""
        with self._lock:
            self._is_full = True
            os.close(self._descriptor)

    def _append(self, data: bytes) -> None:
        if data:
            self._at_line_start = data.endswith(b"\n")
        # A full disk must not end the preview.
        with contextlib.suppress(OSError):
            for begin in range(0, len(data), self._end):
                self._append_piece(data[begin : begin + self._end])

    def _append_piece(self, data: bytes) -> None:
        if self._is_full:
            return
        self._unchecked += len(data)
        while data:
            data = data[os.write(self._descriptor, data) :]
        if self._is_bounded and self._unchecked >= self._end:
            self._unchecked = 0
            self._make_room()

    def _make_room(self) -> None:
        size = os.fstat(self._descriptor).st_size
        length = (size - self._end - self._beginning) // 4096 * 4096
        if length <= 0:
            return
        try:
            self._punch(self._descriptor, self._beginning, length)
        except OSError:
            logger.exception("the sandbox's file system cannot make holes: the log ends here")
            self._is_full = True
            os.write(self._descriptor, _FULL)
