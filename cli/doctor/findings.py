"""What a check has found."""

import enum
from typing import NamedTuple


class Level(enum.Enum):
    """How well a part is."""

    OK = "ok"
    WARNING = "warning"  # it works, and somebody should look
    WRONG = "wrong"
    SKIPPED = "skipped"


class Finding(NamedTuple):
    """A sentence about a part; `advice` is what to do, of one that is not well."""

    part: str
    level: Level
    told: str
    advice: str = ""


def ok(part: str, told: str) -> Finding:
    """Return that a part is well."""
    return Finding(part, Level.OK, told)


def warning(part: str, told: str, advice: str) -> Finding:
    """Return that somebody should look at a part."""
    return Finding(part, Level.WARNING, told, advice)


def wrong(part: str, told: str, advice: str) -> Finding:
    """Return that a part does not work."""
    return Finding(part, Level.WRONG, told, advice)


def skipped(part: str, told: str) -> Finding:
    """Return why a part was not looked at."""
    return Finding(part, Level.SKIPPED, told)
