"""Finds out whether a container ended because memory ran out. Pure.

With cgroup v2 docker often misses it: the kernel removes the container's group, and the count in
it, before docker has read the count (3 of 8 ends were seen, with Debian's Docker). So the count
of the group above is read too.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from executor.limits import cgroup

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
