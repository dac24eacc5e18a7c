"""The times of a cron expression in a time zone, by the rule of Debian's cron. Pure.

An expression is `minute hour day-of-month month day-of-week`. In the words of cron(8): jobs that
run at a specific time, and those with a granularity greater than one hour, are handled in a special
way when a clock is put forward or back:

    the clock skips their time        they run at the first moment after that
    the clock shows their time twice  they run the first time

All other jobs, whose minute or hour begins with `*`, run whenever a clock on the wall matches. A
moment is one time, even if several of an expression fall on it.

cronsim reads the expression and finds the dates that match on a calendar without zones. What that
means in a zone is decided here: with a zone, cronsim 2.8 loses times where a clock changes by half
an hour, or at midnight (docs/decisions/0088-schedules.md).
"""

import datetime
import functools
from collections.abc import Iterator

from cronsim import CronSim, CronSimError

from framework.errors import InvalidSettings, Problem
from prevs.schedules import LONGEST_CRON

_FIELDS = {
    "minute": "0 to 59",
    "hour": "0 to 23",
    "day of the month": "1 to 31",
    "month": "1 to 12, or jan to dec",
    "day of the week": "0 to 7, or sun to sat (0 and 7 are Sunday)",
}
_EPOCH = datetime.datetime(1970, 1, 1)  # noqa: DTZ001 (what a clock shows, wherever it is)
_MOST_BETWEEN = 86_400
"""Seconds within which no zone changes its offset twice."""


@functools.lru_cache(maxsize=4096)
def find_problem(text: str) -> str | None:
    """Return what is wrong with an expression, naming the field; None if it is right.

    A time that never comes is a mistake too.
    """
    fields = text.split()
    if len(text) > LONGEST_CRON or len(fields) != len(_FIELDS):
        return (
            f"must have {len(_FIELDS)} fields, separated by spaces: {', '.join(_FIELDS)}. "
            '"0 6 * * mon-fri" is 06:00 on each day from Monday to Friday.'
        )
    for place, (name, allowed) in enumerate(_FIELDS.items()):
        alone = ["*"] * len(_FIELDS)
        alone[place] = fields[place]
        if not _is_readable(" ".join(alone)):
            return (
                f"has {fields[place]!r} as its {name}. Write {allowed}; several as 1,3 or 1-3, "
                "every third as */3, all as *."
            )
    if not _is_readable(text) or next(_on_calendar(text, _EPOCH), None) is None:
        return "never comes: no month of those has such a day. Choose a day that all of them have."
    return None


def iterate(text: str, zone: datetime.tzinfo, after: int) -> Iterator[int]:
    """Yield the times after a moment, in seconds since the epoch. Raises InvalidSettings."""
    if problem := find_problem(text):
        raise InvalidSettings([Problem("cron", problem)])
    minute, hour, *_ = text.split()
    by_the_wall = minute.startswith("*") or hour.startswith("*")
    return (_each_match if by_the_wall else _each_date)(text, zone, after)


def _each_date(text: str, zone: datetime.tzinfo, after: int) -> Iterator[int]:
    """Yield a moment for each date that matches on the calendar."""
    for shown in _on_calendar(text, _show(after, zone)):
        moment = _find_moment(shown, zone)
        if moment > after:
            yield moment
            after = moment


def _each_match(text: str, zone: datetime.tzinfo, after: int) -> Iterator[int]:
    """Yield each moment at which the clock of the zone matches, from one change to the next."""
    offset = _find_offset(after, zone)
    while True:
        change = None
        for shown in _on_calendar(text, _EPOCH + datetime.timedelta(seconds=after + offset)):
            moment = _count(shown) - offset
            change = _find_change(offset, after, moment, zone)
            if change is not None:
                break
            yield moment
            after = moment
        if change is None:
            return
        after, offset = change - 1, _find_offset(change, zone)


def _find_moment(shown: datetime.datetime, zone: datetime.tzinfo) -> int:
    """Return when a clock first shows that, or the first moment after it has skipped it."""
    first, second = (_count(shown) - _offset_at(shown, zone, fold) for fold in (0, 1))
    if first <= second:
        return first
    # The clock is put forward after `second` and at `first` at the latest.
    change = _find_change(_find_offset(second, zone), second, first, zone)
    return first if change is None else change


def _find_change(offset: int, after: int, until: int, zone: datetime.tzinfo) -> int | None:
    """Return the first second after `after`, until `until`, with another offset; None for none."""
    while after < until:
        end = min(after + _MOST_BETWEEN, until)
        if _find_offset(end, zone) == offset:
            after = end
            continue
        while end - after > 1:
            middle = (after + end) // 2
            if _find_offset(middle, zone) == offset:
                after = middle
            else:
                end = middle
        return end
    return None


def _on_calendar(text: str, after: datetime.datetime) -> Iterator[datetime.datetime]:
    """Yield the dates after one that match, for at most 50 years without any."""
    return iter(CronSim(text, after))


def _is_readable(text: str) -> bool:
    try:
        CronSim(text, _EPOCH)
    except CronSimError:
        return False
    return True


def _show(moment: int, zone: datetime.tzinfo) -> datetime.datetime:
    """Return what a clock in the zone shows."""
    return datetime.datetime.fromtimestamp(moment, zone).replace(tzinfo=None)


def _count(shown: datetime.datetime) -> int:
    """Return the seconds since the epoch for what a clock in UTC shows."""
    return round((shown - _EPOCH).total_seconds())


def _find_offset(moment: int, zone: datetime.tzinfo) -> int:
    return _count(_show(moment, zone)) - moment


def _offset_at(shown: datetime.datetime, zone: datetime.tzinfo, fold: int) -> int:
    offset = shown.replace(tzinfo=zone, fold=fold).utcoffset()
    return round(offset.total_seconds()) if offset else 0
