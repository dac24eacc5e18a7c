"""When to measure what a container has written: measuring reads all its folders. Pure."""

from __future__ import annotations

from typing import Optional

from executor.limits.disk_usage import DiskUsage

MB = 1024 * 1024

ENTRY = 4096
"""Bytes that a file or folder counts for at least: an empty one takes an inode, and ext4 makes few
of them."""

DISK_LIMIT = 2048
"""MB that a container may write where its agent's operator says nothing."""

CALM = 60.0
"""Seconds between measurements where the disk says that nobody writes much."""

_BLIND = 10.0
"""Seconds between measurements where the free space cannot be asked for."""

_SHARE = 20
"""A measurement takes at most one 20th of the time, as long as the next waits no longer for that
than _LONGEST: a disk that is slow is often one that is being filled."""

_LONGEST = 15.0

_NEARLY_FULL = 2
"""In how many limits of free space, or of free inodes, any writing is reason to measure."""


class DiskWatch:
    """Watches the writing of one container that may write `limit` bytes, from the time `now` on.

    `disk` is how full the disk is, None where that is not known; all containers of an agent and
    all builds share it, so that it only tells when it is worth to measure. Where it says that
    nobody writes much, that is after `calm` seconds.
    """

    def __init__(self, limit: int, now: float, *, calm: float = CALM) -> None:
        self._limit = limit
        self._calm = calm
        self._left: Optional[int] = None
        self._measured = now
        self._not_before = now

    def is_due(self, disk: Optional[DiskUsage], now: float) -> bool:
        """Tell whether to measure."""
        if now < self._not_before:
            return False
        if disk is None:
            return now - self._measured >= _BLIND
        left = _left(disk)
        # What others have given back hides nothing that is written from now on.
        self._left = left if self._left is None else max(self._left, left)
        written = self._left - left
        enough = MB if _free(disk) < _NEARLY_FULL * self._limit else self._limit // 8
        return written >= enough or now - self._measured >= self._calm

    def has_measured(self, disk: Optional[DiskUsage], began: float, now: float) -> None:
        """Take note of a measurement."""
        self._left = None if disk is None else _left(disk)
        self._measured = now
        self._not_before = now + min((now - began) * _SHARE, _LONGEST)


def _left(disk: DiskUsage) -> int:
    """Return what gets smaller with each byte and each entry that is written.

    Of inodes those in use are counted: XFS has fewer free ones for each byte that is written.
    """
    return disk.total - disk.used - disk.inodes_used * ENTRY


def _free(disk: DiskUsage) -> int:
    """Return how many bytes can be written still, at least, whatever the size of the files."""
    free = disk.total - disk.used
    if not disk.inodes:
        return free
    return min(free, (disk.inodes - disk.inodes_used) * ENTRY)
