"""When to measure what a container has written: measuring reads all its folders. Pure."""

from __future__ import annotations

from typing import Optional

MB = 1024 * 1024

DISK_LIMIT = 2048
"""MB that a container may write where its agent's operator says nothing."""

_CALM = 60.0
"""Seconds between measurements where the disk says that nobody writes much."""

_BLIND = 10.0
"""Seconds between measurements where the free space cannot be asked for."""

_SHARE = 20
"""A measurement takes at most one 20th of the time, as long as the next waits no longer for that
than _LONGEST: a disk that is slow is often one that is being filled."""

_LONGEST = 15.0

_NEARLY_FULL = 2
"""In how many limits of free space any writing at all is reason to measure."""


class DiskWatch:
    """Watches the writing of one container that may write `limit` bytes, from the time `now` on.

    `free` is what the disk has left in bytes, None where that is not known; all containers of an
    agent and all builds share it, so that it only tells when it is worth to measure.
    """

    def __init__(self, limit: int, now: float) -> None:
        self._limit = limit
        self._free: Optional[int] = None
        self._measured = now
        self._not_before = now

    def is_due(self, free: Optional[int], now: float) -> bool:
        """Tell whether to measure."""
        if now < self._not_before:
            return False
        if free is None:
            return now - self._measured >= _BLIND
        if self._free is None:
            self._free = free
        # What others have given back hides nothing that is written from now on.
        self._free = max(self._free, free)
        written = self._free - free
        enough = MB if free < _NEARLY_FULL * self._limit else self._limit // 8
        return written >= enough or now - self._measured >= _CALM

    def has_measured(self, free: Optional[int], began: float, now: float) -> None:
        """Take note of a measurement."""
        self._free = free
        self._measured = now
        self._not_before = now + min((now - began) * _SHARE, _LONGEST)
