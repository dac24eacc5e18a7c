"""What goes, and in which order, when an agent's disk gets full. Pure.

Times are seconds since the epoch.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Sequence
from typing import NamedTuple, Optional, Union

HOUR = 3600.0
DAY = 24 * HOUR

KEPT = 30 * DAY
"""Seconds for which a volume is kept that nobody uses, whatever the disk has left."""

_AGES = (30 * DAY, 14 * DAY, 7 * DAY, 3 * DAY, DAY, 12 * HOUR, 4 * HOUR, HOUR, 0.0)
"""The build cache's steps: what it was unused for goes with what else was. The daemon knows each
record's last use, but takes only an age."""


class Marks(NamedTuple):
    """Shares of a disk, in percent: above `high` things go, until no more than `low` is used."""

    high: float
    low: float


MARKS = Marks(high=85.0, low=75.0)
"""Those of an agent whose operator says nothing."""


class Kind(enum.Enum):
    """What there is that can go."""

    LEFTOVER = "leftover"  # of what is over: nobody will ever use it
    IMAGE = "image"
    MIRROR = "mirror"
    VOLUME = "volume"  # holds what nobody can make again


class Thing(NamedTuple):
    """Something that takes space: when it was used last, and whether it is in use."""

    kind: Kind
    name: str
    used: float
    in_use: bool = False


class Prune(NamedTuple):
    """A step: what of the build cache was not used since `before` goes."""

    before: float


Step = Union[Thing, Prune]


def plan(things: Iterable[Thing], now: float, *, cache: bool) -> Sequence[Step]:
    """Return what is to go, one after the other, for as long as there is too little space.

    Leftovers go first. Then, the least recently used first, what can be made again: images,
    mirrors and, with `cache`, what was built on the way to images. Volumes go when nothing else
    is left. What is in use is not in it.
    """
    free = [thing for thing in things if not thing.in_use]
    again = [thing for thing in free if thing.kind in (Kind.IMAGE, Kind.MIRROR)]
    prunes: list[Prune] = []
    if cache:
        moments = {now - age for age in _AGES} | {step.used for step in again}
        prunes = [Prune(moment) for moment in moments]
    # The cache right after an image: what both have is given back when both are gone.
    steps: list[Step] = [*again, *prunes]
    return [
        *_oldest_first(thing for thing in free if thing.kind is Kind.LEFTOVER),
        *sorted(steps, key=_moment),
        *_oldest_first(thing for thing in free if thing.kind is Kind.VOLUME),
    ]


def expired(things: Iterable[Thing], now: float) -> Sequence[Thing]:
    """Return what goes because of its age, whatever the disk has left."""
    return [
        thing
        for thing in things
        if not thing.in_use
        and (thing.kind is Kind.LEFTOVER or (thing.kind is Kind.VOLUME and now - thing.used > KEPT))
    ]


def last_use(noted: Optional[float], made: float) -> float:
    """Return when something was used last: as noted, but not before it was made."""
    return made if noted is None else max(noted, made)


def _oldest_first(things: Iterable[Thing]) -> Sequence[Thing]:
    return sorted(things, key=lambda thing: thing.used)


def _moment(step: Step) -> tuple[float, bool]:
    return (step.before, True) if isinstance(step, Prune) else (step.used, False)
