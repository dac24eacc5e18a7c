"""How many more calls a forge allows, from the headers of its answers. Pure."""

import contextlib
import math
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import NamedTuple

DEFAULT_WAIT_S = 60.0
"""How long to wait if a forge limits the rate and does not name a time (GitHub's advice)."""
_LONGEST_WAIT_S = 24 * 3600.0
_EPOCH_BEGINS = 1e8
"""A larger number is a time in seconds since the epoch, a smaller one a time from now."""


class Rate(NamedTuple):
    """`remaining` of `limit` calls are left (None if not sent) until `resets` (epoch, or 0)."""

    remaining: int
    limit: int | None
    resets: float


def read_rate(headers: Mapping[str, str], now: float) -> Rate | None:
    """Return the rate limit that an answer reports, None if it reports none.

    GitHub names it x-ratelimit-…, GitLab RateLimit-….
    """
    for prefix in ("x-ratelimit-", "ratelimit-"):
        remaining = _read_number(headers.get(f"{prefix}remaining"))
        if remaining is None:
            continue
        limit = _read_number(headers.get(f"{prefix}limit"))
        resets = _read_number(headers.get(f"{prefix}reset")) or 0.0
        if 0 < resets < _EPOCH_BEGINS:
            resets += now
        resets = min(resets, now + _LONGEST_WAIT_S)
        return Rate(int(remaining), None if limit is None else int(limit), resets)
    return None


def find_wait(headers: Mapping[str, str], now: float) -> float | None:
    """Return how many seconds an answer demands until the next call, None if it demands none."""
    if (given := headers.get("retry-after")) is not None:
        seconds = _read_number(given)
        if seconds is None:
            with contextlib.suppress(ValueError):
                seconds = parsedate_to_datetime(given).timestamp() - now
        return _within(DEFAULT_WAIT_S if seconds is None else seconds)
    rate = read_rate(headers, now)
    if rate is None or rate.remaining > 0:
        return None
    return _within(rate.resets - now if rate.resets else DEFAULT_WAIT_S)


def _read_number(text: str | None) -> float | None:
    with contextlib.suppress(ValueError):
        number = float(text or "")
        return number if math.isfinite(number) and number >= 0 else None
    return None


def _within(seconds: float) -> float:
    return min(max(seconds, 1.0), _LONGEST_WAIT_S)
