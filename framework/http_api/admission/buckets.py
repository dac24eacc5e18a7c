"""Buckets that empty with each request and fill with time: how often somebody may ask. Pure."""

import math
from collections.abc import Callable
from typing import NamedTuple

_MOST = 10_000
"""Buckets that are kept; the fullest go first, and a full one is as good as none."""


class Policy(NamedTuple):
    """`quota` requests at once, and as many again in every `window` seconds."""

    name: str
    quota: int
    window: int


class Level(NamedTuple):
    """What is left: `remaining` requests, all of them again after `reset` seconds.

    Where `allowed` is false, the next one is after `retry` seconds.
    """

    allowed: bool
    remaining: int
    reset: int
    retry: int


class Buckets:
    """A bucket for each key. Belongs to one thread. `clock` gives monotonic seconds."""

    def __init__(self, policy: Policy, clock: Callable[[], float]) -> None:
        self.policy = policy
        self._clock = clock
        self._levels: dict[str, tuple[float, float]] = {}

    def take(self, key: str) -> Level:
        """Take one request out of a key's bucket, if there is one in it."""
        rate = self.policy.quota / self.policy.window
        now = self._clock()
        level = self._read(key, now)
        allowed = level >= 1
        level -= allowed
        self._levels[key] = (level, now)
        if len(self._levels) > _MOST:
            self._tidy(now)
        return Level(
            allowed=allowed,
            remaining=int(level),
            reset=math.ceil((self.policy.quota - level) / rate),
            retry=0 if allowed else math.ceil((1 - level) / rate),
        )

    def _read(self, key: str, now: float) -> float:
        level, at = self._levels.get(key, (float(self.policy.quota), now))
        return min(self.policy.quota, level + (now - at) * self.policy.quota / self.policy.window)

    def _tidy(self, now: float) -> None:
        emptiest = sorted(self._levels, key=lambda key: self._read(key, now))
        self._levels = {key: self._levels[key] for key in emptiest[: _MOST // 2]}
