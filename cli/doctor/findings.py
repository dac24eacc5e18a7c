"""The findings of checks."""

import enum
from typing import NamedTuple


class Level(enum.Enum):
    """The state of a part."""

    OK = "ok"
    WARNING = "warning"  # it works, but somebody should look
    WRONG = "wrong"
    SKIPPED = "skipped"


class Finding(NamedTuple):
    """A sentence about a part; `advice` is the next step if the part is not well."""

    part: str
    level: Level
    message: str
    advice: str = ""


def ok(part: str, message: str) -> Finding:
    """Return the finding that a part is well."""
    return Finding(part, Level.OK, message)


def warning(part: str, message: str, advice: str) -> Finding:
    """Return the finding that somebody should look at a part."""
    return Finding(part, Level.WARNING, message, advice)


def wrong(part: str, message: str, advice: str) -> Finding:
    """Return the finding that a part does not work."""
    return Finding(part, Level.WRONG, message, advice)


def skipped(part: str, message: str) -> Finding:
    """Return the finding that a part was not checked, with the reason."""
    return Finding(part, Level.SKIPPED, message)
