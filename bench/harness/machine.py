"""Measures how busy the machine is, as figures beside other work mean little."""

import os
import time
from pathlib import Path
from typing import NamedTuple

SECONDS = 2.0
MOST = 0.1
"""The share of all cores' time that others may use. It is a momentary share, not the load: the load
lags by a minute, and is still high just after a test run has ended."""

_STAT = Path("/proc/stat")
_IDLE = slice(3, 5)  # of proc(5)'s fields: idle, and waiting for a disk


class Load(NamedTuple):
    """The share of all cores' time that was used (0 to 1), the load of a minute, the cores."""

    busy: float
    load: float
    cores: int

    @property
    def is_high(self) -> bool:
        """Whether other work would affect the figures."""
        return self.busy > MOST

    def __str__(self) -> str:
        return (
            f"{self.busy:.0%} of the time of {self.cores} cores"
            f" (load in the last minute: {self.load:.1f})"
        )


def look(seconds: float = SECONDS) -> Load:
    """Measure for so many seconds what other programs use. Blocks."""
    before = _STAT.read_text()
    time.sleep(seconds)
    busy = find_busy(before, _STAT.read_text())
    return Load(round(busy, 3), round(os.getloadavg()[0], 2), os.cpu_count() or 1)


def find_busy(before: str, after: str) -> float:
    """Return the share of all cores' time that was used between two texts of /proc/stat."""
    passed = [b - a for a, b in zip(_ticks(before), _ticks(after), strict=True)]
    return 1 - sum(passed[_IDLE]) / max(1, sum(passed))


def _ticks(stat: str) -> list[int]:
    """Return the times of all cores together, user to steal; user includes guests."""
    return [int(field) for field in stat.split("\n", 1)[0].split()[1:9]]
