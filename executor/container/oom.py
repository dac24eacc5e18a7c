"""Finds out from docker's events whether a container ended because memory ran out. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

_CAUSED = 10.0
"""Seconds after which the application's end has other causes than a worker's death."""


def was_oom_killed(events: Iterable[Mapping[str, Any]], *, late: bool) -> bool | None:
    """Return whether a process was killed for memory just before a container ended.

    `events` are its "oom" and "die" events from the daemon. Returns None if there is no "die". The
    daemon learns of the two from different sources, so "oom" may follow "die" (about one time in
    seventy on a busy machine). With `late`, the events after "die" are read too.
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
