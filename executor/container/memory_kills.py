"""Counts the processes of a container that the kernel has killed because memory ran out.

docker sends events for them, which would need a connection for as long as a preview runs. The
kernel counts them in a file of the container's control group.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import NamedTuple, Optional

from executor.limits import cgroup

HIERARCHIES = Path("/sys/fs/cgroup")
"""Where control groups are mounted."""


class Counters(NamedTuple):
    """The counter of a container's group, and with v2 that of the group above it.

    With v2 the group above counts what was killed below it, and is still there after the end.
    """

    own: Path
    above: Optional[Path]

    def count_kills(self) -> int:
        """Return the number of killed processes. Raises OSError if the container is gone."""
        return cgroup.read_count(self.own.read_text(), cgroup.KILLS)

    def read_above(self) -> str:
        """Return the text of the counter above, "" if there is none."""
        if self.above is not None:
            with contextlib.suppress(OSError):
                return self.above.read_text()
        return ""


def find_counters(groups: str, hierarchies: Path = HIERARCHIES) -> Optional[Counters]:
    """Return the counters of a container. `groups` is /proc/PID/cgroup of one of its processes.

    Returns None if there are none: docker may be on another machine.
    """
    for file in cgroup.memory_counters(groups):
        own = hierarchies / file
        if own.is_file():
            above = own.parent.parent / own.name
            return Counters(own, above if own.name == cgroup.EVENTS else None)
    return None
