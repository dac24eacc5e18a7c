"""What a docker daemon's events tell of a container's end for want of memory. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

_CAUSED = 10.0
"""Seconds after which what the application does has other causes than a worker's death."""


def was_short(events: Iterable[Mapping[str, Any]], *, late: bool) -> bool | None:
    """Return whether a process was killed for memory just before a container ended.

    `events` are its "oom" and "die", as the daemon gives them; None if there is no end among them.
    The kernel tells of the two in two ways, so the daemon may hear of the end first (one in some
    seventy on a busy machine): with `late`, what follows the end is read too.
    """
    died: float | None = None
    killed = -math.inf
    for event in events:
        seconds = event["timeNano"] / 1e9
        if event["Action"] == "die":
            died = seconds
        else:
            killed = seconds
        if died is not None and (killed > -math.inf or not late):
            break
    return None if died is None else died - killed < _CAUSED
