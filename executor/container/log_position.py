"""The position in a container's log, so that the next read continues from there. Pure.

With timestamps, docker begins each piece (a line, or 16 KB of a longer one) with its time, which
has 30 characters: `2024-05-17T10:20:30.123456789Z `. A read can only start at a whole second, so
docker sends the pieces of that second again, and we skip them. We count them, because times do not
identify pieces: two may have the same time, and stdout and stderr may be out of order.
"""

from __future__ import annotations

import datetime

_STAMP = 30


def is_stamped(piece: bytes) -> bool:
    """Return whether a piece is the container's: the daemon's own messages have no time."""
    return piece[10:11] == b"T" and piece[_STAMP - 1 : _STAMP + 1] == b"Z "


class LogPosition:
    """Takes the pieces of one log, from one read or several; `taken` counts the new ones."""

    def __init__(self) -> None:
        self.taken = 0
        self._newest = b""
        self._second = b""
        self._seen = 0
        self._skip = 0

    def resume(self) -> int | None:
        """Start another read; return the time to read from, None for all of the log."""
        self._skip = self._seen
        if not self._second:
            return None
        begins = datetime.datetime.fromisoformat(self._second.decode())
        return int(begins.replace(tzinfo=datetime.timezone.utc).timestamp())

    def take(self, piece: bytes) -> bytes:
        """Return the text of a stamped piece without its time, b"" if it was taken before."""
        stamp, text = piece[:_STAMP], piece[_STAMP + 1 :]
        # A log that was rotated meanwhile may lack some of the pieces that were taken.
        if self._skip and stamp <= self._newest:
            self._skip -= 1
            return b""
        self._skip = 0
        self.taken += 1
        second = stamp[:19]
        if second > self._second:
            self._second, self._seen = second, 0
        if second >= self._second:
            self._seen += 1
        self._newest = max(self._newest, stamp)
        return text
