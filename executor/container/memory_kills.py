"""Counts the processes of a container that the kernel has killed because memory ran out.

docker sends events for them, which would need a connection for as long as a preview runs. The
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
    """Return the counter's file. `groups` is /proc/PID/cgroup of a process of the container.

    Returns None if there is none: docker may be on another machine.
    """
    for file in cgroup.memory_counters(groups):
        if (found := hierarchies / file).is_file():
            return found
    return None


def count(counter: Path) -> int:
    """Return the number of killed processes. Raises OSError if the container is gone."""
    found = _COUNT.search(counter.read_text())
    return int(found.group(1)) if found else 0
