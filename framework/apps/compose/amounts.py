"""Durations, sizes and ports as compose writes them. Pure."""

import math
import re
from typing import NamedTuple

_DURATION = re.compile(r"(?:\d+(?:\.\d+)?(?:us|ms|s|m|h|d))+", re.ASCII)
_PART = re.compile(r"(\d+(?:\.\d+)?)(us|ms|s|m|h|d)", re.ASCII)
_SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_SIZE = re.compile(r"(\d{1,15}(?:\.\d{1,3})?)\s*([bkmgt]?)i?b?", re.ASCII | re.IGNORECASE)
_BYTES = {"": 1, "b": 1, "k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40}
_PORT = re.compile(
    r"(?:(?:[0-9.]*|\[[0-9a-fA-F:]+\]|localhost):)?(?:[0-9]*(?:-[0-9]+)?:)?"
    r"([0-9]{1,5})(?:-[0-9]{1,5})?(?:/([a-z]+))?",
    re.ASCII,
)
_LONGEST = 86_400.0

DATABASE_PORTS = frozenset(
    {1433, 1521, 2181, 2379, 3306, 4222, 5432, 5672, 6379, 6380, 7687, 9042, 9092, 9300, 11211}
    | {27017, 27018, 27019, 33060}
)
"""Ports at which no page is: databases, caches and brokers."""


class Port(NamedTuple):
    """A port of a container and its protocol."""

    number: int
    protocol: str = "tcp"


def read_seconds(text: str) -> float | None:
    """Return the seconds of a duration like 1m30s; None if it is none."""
    if text.isascii() and text.isdigit() and len(text) < len("1000000"):
        return float(text)
    if not _DURATION.fullmatch(text) or len(text) > len("100000.000000h") * 2:
        return None
    return min(_LONGEST, sum(float(one[1]) * _SECONDS[one[2]] for one in _PART.finditer(text)))


def read_megabytes(text: str) -> int | None:
    """Return the MB of a size like 512m, rounded up; None if it is none."""
    found = _SIZE.fullmatch(text.strip())
    if found is None:
        return None
    return math.ceil(float(found[1]) * _BYTES[found[2].lower()] / 2**20)


def read_port(text: str) -> Port | None:
    """Return the container's port of a text like 127.0.0.1:80:8000/tcp; the first of a range."""
    found = _PORT.fullmatch(text)
    if found is None or not 1 <= int(found[1]) <= 65535:
        return None
    return Port(int(found[1]), found[2] or "tcp")
