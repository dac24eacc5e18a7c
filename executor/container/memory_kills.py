"""How many processes of a container the kernel has killed for want of memory.

docker tells of them by events, which would take a connection for as long as a preview runs; the
kernel counts them in a file of the container's control group.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Optional

from executor.limits import cgroup

_COUNT = re.compile(r"^oom_kill (\d+)$", re.MULTILINE)
_HIERARCHIES = Path("/sys/fs/cgroup")


def find_counter(groups: str, hierarchies: Path = _HIERARCHIES) -> Optional[Path]:
    """Return the file that counts, by what /proc/PID/cgroup says of a process of the container.

    None where there is none: its docker may be on another machine.
    """
    for file in cgroup.memory_counters(groups):
        if (found := hierarchies / file).is_file():
            return found
    return None


def count(counter: Path) -> int:
    """Return how many there were. Raises OSError where the container is gone."""
    found = _COUNT.search(counter.read_text())
    return int(found.group(1)) if found else 0
