"""The times of a schedule, and the moments at which they are due. Pure.

A time is nominal: what people and jobs see. It is due up to `spread` seconds later, so that not all
schedules for the full hour begin together.
"""

import collections
import hashlib
import itertools
import math
from collections.abc import Iterator, Sequence

from framework.errors import InvalidSettings, Problem
from framework.schedules import cron, zones
from prevs.schedules import ScheduleRecord

_HOUR = 3600.0


def iterate(schedule: ScheduleRecord, after: float) -> Iterator[int]:
    """Yield the times after a moment, in seconds since the epoch, whatever has been decided.

    Raises InvalidSettings if this version cannot read when they are.
    """
    start, after = schedule.start_at, math.floor(after)
    if schedule.cron:
        begin = after if start is None else max(after, start - 1)
        found = cron.iterate(schedule.cron, zones.read(schedule.zone), begin)
    elif schedule.every < 1:
        raise InvalidSettings([Problem("every", "is missing. Write the schedule again.")])
    else:
        base, earliest = (int(schedule.created), 1) if start is None else (start, 0)
        number = max((after - base) // schedule.every + 1, earliest)
        found = itertools.count(base + number * schedule.every, schedule.every)
    end = schedule.end_at
    return found if end is None else itertools.takewhile(lambda time: time <= end, found)


def list_last(schedule: ScheduleRecord, after: float, until: float, most: int) -> Sequence[int]:
    """Return the last `most` times after one moment and not after another, the earliest first.

    That takes no longer for years than for days: it looks back further and further.
    """
    until = until if schedule.end_at is None else min(until, schedule.end_at)
    span = _HOUR
    while True:
        begin = max(after, until - span)
        every = itertools.takewhile(lambda time: time <= until, iterate(schedule, begin))
        found = collections.deque(every, most)
        if len(found) == most or begin == after:
            return tuple(found)
        span *= 8


def find_delay(schedule: ScheduleRecord) -> float:
    """Return how many seconds after each time it is due: the same for the same app and name."""
    name = f"{schedule.app}\0{schedule.name}".encode()
    return schedule.spread * int.from_bytes(hashlib.sha256(name).digest()[:4]) / 2**32


def find_due(schedule: ScheduleRecord) -> float | None:
    """Return when the first time that is not decided is due; None if there is none, or if paused.

    Raises InvalidSettings as `iterate`.
    """
    if schedule.paused or has_ended(schedule):
        return None
    following = next(iterate(schedule, schedule.last), None)
    return None if following is None else following + find_delay(schedule)


def has_ended(schedule: ScheduleRecord) -> bool:
    """Return whether it has made as many jobs as it may."""
    return 0 < schedule.times <= schedule.count
