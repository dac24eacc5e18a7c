"""Time zones by their IANA names. Pure, but for the reading of the tz database."""

import functools
import zoneinfo

from framework.errors import InvalidSettings, Problem
from prevs.near_names import find_near

_NO_PLACE = frozenset({"localtime", "Factory"})
"""The zone of the machine, and that of one that nobody has set up."""
_LONGEST = 100
_MOST_NEAR = 3


def find_problem(name: str) -> str | None:
    """Return what is wrong with the name of a time zone, and what may be meant; None if right."""
    known = _list_names()
    if name in known:
        return None
    near = find_near(name[:_LONGEST], sorted(known), _MOST_NEAR)
    meant = f"Did you mean {' or '.join(near)}?" if near else "Write one like Europe/Berlin."
    return f"is not the name of a time zone: {name[:_LONGEST]!r}. {meant}"


def read(name: str) -> zoneinfo.ZoneInfo:
    """Return the time zone of that name. Raises InvalidSettings."""
    if problem := find_problem(name):
        raise InvalidSettings([Problem("zone", problem)])
    return zoneinfo.ZoneInfo(name)


@functools.cache
def _list_names() -> frozenset[str]:
    """Return the names of all zones. It is cached, because it opens each file of the database."""
    return frozenset(zoneinfo.available_timezones() - _NO_PLACE)
