"""Decides when to measure how much a container has written. Pure.

A measurement reads all its folders, so it must not be made too often.
"""

from __future__ import annotations

from typing import Optional

from executor.limits.disk_usage import DiskUsage

MB = 1024 * 1024

ENTRY = 4096
"""The least bytes that a file or folder counts for: even an empty one takes an inode, and ext4 has
few of them."""

DISK_LIMIT = 2048
"""MB that a container may write by default."""

CALM = 60.0
"""Seconds between measurements while the disk's free space hardly changes."""

_BLIND = 10.0
"""Seconds between measurements if the free space is not known."""

_SHARE = 20
"""Measurements take one 20th of the time at most. But the next one waits no longer for that than
_LONGEST: a slow disk is often one that is being filled."""

_LONGEST = 15.0

_NEARLY_FULL = 2
"""If less than so many limits of space or inodes are free, any writing is a reason to measure."""


class DiskSchedule:
    """Schedules the measurements of one container that may write `limit` bytes, from `now` on.

    `disk` is how full the disk is, None if that is not known. All containers and builds of an agent
    share the disk, so its usage only shows when to measure. While it hardly changes, measurements
    are `calm` seconds apart.
    """

    def __init__(self, limit: int, now: float, *, calm: float = CALM) -> None:
        self._limit = limit
        self._calm = calm
        self._left: Optional[int] = None
        self._measured = now
        self._not_before = now

    def is_due(self, disk: Optional[DiskUsage], now: float) -> bool:
        """Return whether to measure now."""
        if now < self._not_before:
            return False
        if disk is None:
            return now - self._measured >= _BLIND
        left = _left(disk)
        # Start again from the most that was free: what others free must not hide new writing.
        self._left = left if self._left is None else max(self._left, left)
        written = self._left - left
        enough = MB if _free(disk) < _NEARLY_FULL * self._limit else self._limit // 8
        return written >= enough or now - self._measured >= self._calm

    def has_measured(self, disk: Optional[DiskUsage], began: float, now: float) -> None:
        """Note a measurement."""
        self._left = None if disk is None else _left(disk)
        self._measured = now
        self._not_before = now + min((now - began) * _SHARE, _LONGEST)


def _left(disk: DiskUsage) -> int:
    """Return a number that falls with each byte and each entry that is written.

    It counts the inodes in use, not the free ones: on XFS written bytes reduce the free inodes.
    """
    return disk.total - disk.used - disk.inodes_used * ENTRY


def _free(disk: DiskUsage) -> int:
    """Return how many bytes can be written at least, whatever the size of the files."""
    free = disk.total - disk.used
    if not disk.inodes:
        return free
    return min(free, (disk.inodes - disk.inodes_used) * ENTRY)
