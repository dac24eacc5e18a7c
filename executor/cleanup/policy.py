"""Decides what is removed, and in which order, when an agent's disk gets full. Pure.

Times are seconds since the epoch.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Sequence
from typing import NamedTuple, Optional, Union

HOUR = 3600.0
DAY = 24 * HOUR

KEPT = 30 * DAY
"""Seconds for which an unused volume is kept, however empty the disk is."""

_AGES = (30 * DAY, 14 * DAY, 7 * DAY, 3 * DAY, DAY, 12 * HOUR, 4 * HOUR, HOUR, 0.0)
"""The ages by which the build cache is pruned, so that cache and images of one age go together. The
daemon knows the last use of each record, but a prune takes only an age."""


class Watermarks(NamedTuple):
    """Shares of a disk, in percent: above `high`, things are removed until `low` is reached."""

    high: float
    low: float


WATERMARKS = Watermarks(high=85.0, low=75.0)
"""The watermarks of an agent whose operator sets none."""


class Kind(enum.Enum):
    """The kinds of artifacts that can be removed."""

    LEFTOVER = "leftover"  # of something that has ended: nobody will ever use it
    IMAGE = "image"
    MIRROR = "mirror"
    VOLUME = "volume"  # its data cannot be made again


class Artifact(NamedTuple):
    """Something that takes disk space: when it was used last, and whether it is in use."""

    kind: Kind
    name: str
    used: float
    in_use: bool = False


class Prune(NamedTuple):
    """The removal of the part of the build cache that was not used since `before`."""

    before: float


Removal = Union[Artifact, Prune]


def plan(artifacts: Iterable[Artifact], now: float, *, cache: bool) -> Sequence[Removal]:
    """Return what to remove, one after the other, until there is enough space.

    Leftovers go first. Then go images, mirrors and, with `cache`, the build cache, the least
    recently used first: all of that can be made again. Volumes go last. What is in use stays.
    """
    free = [artifact for artifact in artifacts if not artifact.in_use]
    again = [artifact for artifact in free if artifact.kind in (Kind.IMAGE, Kind.MIRROR)]
    prunes: list[Prune] = []
    if cache:
        moments = {now - age for age in _AGES} | {artifact.used for artifact in again}
        prunes = [Prune(moment) for moment in moments]
    # The cache goes right after an image: what both share is freed when both are gone.
    removals: list[Removal] = [*again, *prunes]
    return [
        *_oldest_first(artifact for artifact in free if artifact.kind is Kind.LEFTOVER),
        *sorted(removals, key=_moment),
        *_oldest_first(artifact for artifact in free if artifact.kind is Kind.VOLUME),
    ]


def expired(artifacts: Iterable[Artifact], now: float) -> Sequence[Artifact]:
    """Return what is removed because of its age, however empty the disk is."""
    return [
        artifact
        for artifact in artifacts
        if not artifact.in_use
        and (
            artifact.kind is Kind.LEFTOVER
            or (artifact.kind is Kind.VOLUME and now - artifact.used > KEPT)
        )
    ]


def last_use(noted: Optional[float], made: float) -> float:
    """Return the time of the last use: as noted, but not before it was made."""
    return made if noted is None else max(noted, made)


def _oldest_first(artifacts: Iterable[Artifact]) -> Sequence[Artifact]:
    return sorted(artifacts, key=lambda artifact: artifact.used)


def _moment(removal: Removal) -> tuple[float, bool]:
    return (removal.before, True) if isinstance(removal, Prune) else (removal.used, False)
