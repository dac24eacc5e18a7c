"""The hours in which an app's idle previews keep running. UTC. Pure.

Examples: `mon-fri 08:00-18:00`, `sat,sun 10:00-12:00`, `08:00-18:00` (every day), `00:00-24:00`.
`fri 22:00-02:00` goes over midnight and belongs to the day on which it begins.
"""

import datetime
import functools
import re
from collections.abc import Iterable
from typing import NamedTuple

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_FORM = re.compile(r"\s*(?:([a-z,\s-]+?)\s+)?(\d\d):(\d\d)\s*-\s*(\d\d):(\d\d)\s*", re.IGNORECASE)
_WEEK = frozenset(range(len(_DAYS)))
_DAY_MINUTES = 24 * 60


class Span(NamedTuple):
    """Hours of some days (0 is Monday), in minutes from midnight.

    `end` may be after the next midnight.
    """

    days: frozenset[int]
    begin: int
    end: int


@functools.lru_cache(maxsize=4096)
def parse(text: str) -> Span:
    """Return the hours that a text describes. Raises ValueError with a sentence for people."""
    found = _FORM.fullmatch(text)
    if found is None:
        raise ValueError(
            f"{text!r} is not a range of hours; write for example mon-fri 08:00-18:00."
        )
    days, *clock = found.groups()
    begin, end = _minutes(text, *clock[:2]), _minutes(text, *clock[2:])
    if begin in (end, _DAY_MINUTES):
        raise ValueError(f"{text!r} ends when it begins; a whole day is 00:00-24:00.")
    if end < begin:
        end += _DAY_MINUTES
    return Span(_read_days(text, days.lower()) if days else _WEEK, begin, end)


def find_problem(text: str) -> str | None:
    """Return what is wrong with a text of hours, for people; None if it is right."""
    try:
        parse(text)
    except ValueError as problem:
        return str(problem)
    return None


def is_warm(spans: Iterable[str], now: float) -> bool:
    """Return whether `now` (seconds since the epoch) is within the hours.

    Hours that cannot be read match no time; the API refuses them.
    """
    moment = datetime.datetime.fromtimestamp(now, datetime.UTC)
    minute = moment.hour * 60 + moment.minute
    today = moment.weekday()
    return any(_covers(span, today, minute) for text in spans if (span := _try_parse(text)))


def _covers(span: Span, today: int, minute: int) -> bool:
    if today in span.days and span.begin <= minute < span.end:
        return True
    return (today - 1) % len(_DAYS) in span.days and minute + _DAY_MINUTES < span.end


def _try_parse(text: str) -> Span | None:
    try:
        return parse(text)
    except ValueError:
        return None


def _minutes(text: str, hours: str, minutes: str) -> int:
    result = int(hours) * 60 + int(minutes)
    if int(minutes) >= 60 or result > _DAY_MINUTES:
        raise ValueError(f"{text!r} has a time that does not exist.")
    return result


def _read_days(text: str, days: str) -> frozenset[int]:
    result: set[int] = set()
    for part in days.split(","):
        first, _, last = (name.strip() for name in part.partition("-"))
        try:
            begin, end = _DAYS.index(first), _DAYS.index(last or first)
        except ValueError:
            raise ValueError(f"{text!r} has a day that is not one of {', '.join(_DAYS)}.") from None
        days_after = (end - begin) % len(_DAYS)
        result |= {(begin + n) % len(_DAYS) for n in range(days_after + 1)}
    return frozenset(result)
