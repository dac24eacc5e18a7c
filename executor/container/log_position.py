"""Where in a container's log its reader is, so that another read goes on from there. Pure.

With timestamps, docker begins each piece (a line, or 16 KB of a longer one) with its time, always
in 30 characters: `2024-05-17T10:20:30.123456789Z `. A read can begin at a whole second; what was
seen of that second is told again and skipped. By number, for times do not tell pieces apart: two
may have the same, and stdout and stderr are copied side by side and may be out of order.
"""

from __future__ import annotations

import datetime

_STAMP = 30


def is_stamped(piece: bytes) -> bool:
    """Tell whether a piece is the container's: what the daemon says itself has no time."""
    return piece[10:11] == b"T" and piece[_STAMP - 1 : _STAMP + 1] == b"Z "


class LogPosition:
    """Takes the pieces of one log, over one read or several; `taken` is how many were new."""

    def __init__(self) -> None:
        self.taken = 0
        self._newest = b""
        self._second = b""
        self._seen = 0
        self._skip = 0

    def resume(self) -> int | None:
        """Begin another read; return the time from which to read, None for all of it."""
        self._skip = self._seen
        if not self._second:
            return None
        begins = datetime.datetime.fromisoformat(self._second.decode())
        return int(begins.replace(tzinfo=datetime.timezone.utc).timestamp())

    def take(self, piece: bytes) -> bytes:
        """Return the text of a stamped piece without its time, nothing if it was taken before."""
        stamp, text = piece[:_STAMP], piece[_STAMP + 1 :]
        # A log that was rotated meanwhile no longer has all that was seen.
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
