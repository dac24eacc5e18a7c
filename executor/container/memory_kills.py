"""Counts the processes of a container that the kernel has killed because memory ran out.

docker sends events for them, which would need a connection for as long as a preview runs. The
kernel counts them in a file of the container's control group.

With cgroup v2 docker often misses that a container ended because memory ran out: the kernel removes
the container's group, and the count in it, before docker has read the count (3 of 8 ends were seen,
with Debian's Docker). So the count of the group above is read too.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, Optional

from executor.limits import cgroup

HIERARCHIES = Path("/sys/fs/cgroup")
"""Where control groups are mounted."""

KILLED = 137
"""The exit code after SIGKILL."""

_CAUSED = 10.0
"""Seconds after which the application's end has other causes than a worker's death."""


def was_oom_killed(events: Iterable[Mapping[str, Any]], *, late: bool) -> bool | None:
    """Return whether a process was killed for memory just before a container ended.

    `events` are its "oom" and "die" events from the daemon. Returns None if there is no "die". The
    daemon learns of the two from different sources, so "oom" may follow "die" (about one time in
    seventy on a busy machine). With `late`, the events after "die" are read too, which takes a
    second or two; not after an end with exit code 0, which no lack of memory has caused.
    """
    died: float | None = None
    killed = -math.inf
    for event in events:
        seconds = event["timeNano"] / 1e9
        if event["Action"] == "die":
            died = seconds
            late = late and _code(event) != "0"
        else:
            killed = seconds
        if died is not None and (killed > -math.inf or not late):
            break
    return None if died is None else died - killed < _CAUSED


def _code(died: Mapping[str, Any]) -> str | None:
    """Return the exit code in the event of an end, None if it has none."""
    attributes: Mapping[str, str] = died.get("Actor", {}).get("Attributes", {})
    return attributes.get("exitCode")


def was_killed_below(code: int, before: str, after: str) -> bool:
    """Return whether a container that ended with `code` was killed because memory ran out.

    The texts are the `memory.events` of the group above, some seconds before the end and after it;
    "" if unknown. Other containers may be in that group, so only a killed one counts.
    """
    rose = cgroup.read_count(after, cgroup.KILLS) > cgroup.read_count(before, cgroup.KILLS)
    return code == KILLED and before != "" and rose


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
