"""How full a disk is."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

_LITTLE, _FEW_INODES = 32_000_000, 1000
"""Bytes and inodes. If a step of a build fails with less, the disk may be the cause."""


class DiskUsage(NamedTuple):
    """How full a disk is, in bytes and in inodes. `total` is what may be used of the disk.

    `inodes` is 0 if the file system makes as many as it needs.
    """

    total: int
    used: int
    inodes: int = 0
    inodes_used: int = 0

    @property
    def is_full(self) -> bool:
        """Whether next to nothing can be written any more."""
        lacks_inodes = 0 < self.inodes < self.inodes_used + _FEW_INODES
        return self.total - self.used < _LITTLE or lacks_inodes

    def is_above(self, percent: float) -> bool:
        """Return whether more than `percent` of its bytes or of its inodes are used."""
        return max(self._shares())[0] > percent

    def describe(self) -> str:
        """Return a phrase for people: which resource of the disk is scarcest, and its share."""
        share, what = max(self._shares())
        return f"{share:.1f} % of its {what} are used"

    def _shares(self) -> Sequence[tuple[float, str]]:
        found = ((self.used, self.total, "bytes"), (self.inodes_used, self.inodes, "inodes"))
        return [(100 * used / total if total else 0.0, what) for used, total, what in found]


def measure(folder: Path) -> DiskUsage:
    """Return how full the disk of a folder is. Raises OSError."""
    return read_usage(os.statvfs(folder))


def read_usage(found: os.statvfs_result) -> DiskUsage:
    """Return how full a disk is, by the system's statistics of it."""
    used = (found.f_blocks - found.f_bfree) * found.f_frsize
    total = used + found.f_bavail * found.f_frsize
    return DiskUsage(total, used, found.f_files, found.f_files - found.f_ffree)
