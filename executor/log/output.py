"""The attempt's log: a file in the sandbox, which the Mesos UI and the framework show to people.

It is the sandbox's stdout for a preview; a job has a file of its own, as its executor may run
several.

However much an application prints, the file takes a bounded part of the disk. The beginning (the
build, the start) and the end are kept. The part between becomes a hole, which takes no space. All
offsets stay the same for those who read by offset (framework/logs/sandbox.py). Who wrote what, and
where the hole is, is in another file beside it (prevs/log_sources.py).
"""

from __future__ import annotations

import contextlib
import logging
import os
import stat
import threading
from collections.abc import Callable
from pathlib import Path

from prevs.log_sources import FILE, PER_BYTE, Source, gap_text, mark

BEGINNING = 4 * 1024 * 1024
"""Bytes at the beginning of a log that are kept."""

END = 4 * 1024 * 1024
"""Bytes at the end that are kept at least; at most twice as many are."""

_FULL = b"\n== the log is full: what follows is not kept ==\n"
_NO_ROOM = "the agent's disk was full"
_NO_HOLES = "the log was full, and its file system can free no part of it"
_KEEP_SIZE_PUNCH_HOLE = 0x01 | 0x02

logger = logging.getLogger(__name__)


def punch(descriptor: int, offset: int, length: int) -> None:
    """Free the blocks of a part of a file, which then reads as zeros."""
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


def open_sources(folder: Path) -> int | None:
    """Open the file that says who wrote what of the log in `folder`; None if that fails."""
    wanted = os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
    try:
        return os.open(folder / FILE, wanted, 0o644)
    except OSError as exc:
        logger.warning("nobody will know stdout from stderr: %s", exc)
        return None


class Output:
    """Writes to a file descriptor without a buffer. Thread safe.

    Who wrote it goes to the descriptor `sources`, if there is one, which can be read too.
    `beginning` and `end` are like BEGINNING and END, multiples of 4096; `punch` makes holes. Only
    files are bounded. (A pipe leads to a logger, which has its own limit.)
    """

    def __init__(
        self,
        descriptor: int,
        sources: int | None = None,
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
        self._sources = sources if self._is_bounded else None
        self._marked = 0
        self._is_full = False
        self._is_closed = False
        self._unchecked = 0
        self._lost = 0

    def write(self, data: bytes, source: Source = Source.PREVS) -> None:
        """Append bytes of a build's output, or of an application's stdout or stderr."""
        with self._lock:
            self._append(data, source)

    def header(self, text: str) -> None:
        """Append a line of our own that announces what follows."""
        with self._lock:
            start = b"" if self._at_line_start else b"\n"
            self._append(start + f"== {text} ==\n".encode(errors="replace"), Source.PREVS)

    def flush(self) -> None:
        """Append what is missing at the end, if anything is: all else is written already."""
        with self._lock:
            self._tell_lost()

    def close(self) -> None:
        """Close the descriptors, and drop what is still written: they may be other files'."""
        with self._lock:
            self._tell_lost()
            self._is_closed = True
            os.close(self._descriptor)
            if self._sources is not None:
                os.close(self._sources)

    def _append(self, data: bytes, source: Source) -> None:
        if not data or self._is_closed:
            return
        self._at_line_start = data.endswith(b"\n")
        for begin in range(0, len(data), self._end):
            self._append_piece(data[begin : begin + self._end], source)

    def _append_piece(self, data: bytes, source: Source) -> None:
        if self._is_full or not self._tell_lost():
            self._lost += len(data)
            return
        written = self._try_to_write(data, source)
        self._lost += len(data) - written
        self._unchecked += written
        if self._is_bounded and self._unchecked >= self._end:
            self._unchecked = 0
            self._make_room()

    def _tell_lost(self) -> bool:
        """Append what is missing, if anything is; return whether the log has no such gap now."""
        if not self._lost or self._is_closed:
            return True
        why = _NO_HOLES if self._is_full else _NO_ROOM
        text = f"\n== {gap_text(self._lost, why)} ==\n".encode()
        begin = os.fstat(self._descriptor).st_size
        if self._try_to_write(text, Source.PREVS) == len(text):
            self._lost = 0
            return True
        with contextlib.suppress(OSError):
            os.ftruncate(self._descriptor, begin)
        return False

    def _try_to_write(self, data: bytes, source: Source) -> int:
        """Return how many bytes were written: a full disk must not end the preview."""
        written = 0
        with contextlib.suppress(OSError):
            # First, so that whoever reads a byte finds out whose it is.
            self._mark(len(data), source)
            while written < len(data):
                written += os.write(self._descriptor, data[written:] if written else data)
        return written

    def _mark(self, size: int, source: Source) -> None:
        """Note who writes the next bytes of the log. Raises OSError."""
        if self._sources is None:
            return
        end = os.fstat(self._descriptor).st_size
        if end > self._marked:  # somebody else has written to it
            _write_mark(self._sources, self._marked, end - self._marked, Source.PREVS)
        _write_mark(self._sources, end, size, source)
        self._marked = end + size

    def _make_room(self) -> None:
        size = os.fstat(self._descriptor).st_size
        length = (size - self._end - self._beginning) // 4096 * 4096
        if length <= 0:
            return
        try:
            if self._sources is not None:
                # First, so that nobody takes the zeros for the log's.
                begin = self._beginning // PER_BYTE
                self._punch(self._sources, begin, length // PER_BYTE)
            self._punch(self._descriptor, self._beginning, length)
        except OSError:
            logger.exception("the sandbox's file system cannot make holes: the log ends here")
            self._try_to_write(_FULL, Source.PREVS)
            self._is_full = True


def _write_mark(descriptor: int, begin: int, size: int, source: Source) -> None:
    offset = begin // PER_BYTE
    before = os.pread(descriptor, 1, offset) if begin % PER_BYTE else b""
    data = mark(begin, size, source, before[0] if before else 0)
    while data:
        count = os.pwrite(descriptor, data, offset)
        data, offset = data[count:], offset + count
