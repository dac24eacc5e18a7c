"""Token buckets by key, which limit how often somebody may send requests. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

from program.limits.token_bucket import TokenBucket

_MOST = 10_000
"""How many buckets are kept. The fullest are dropped first: a full bucket equals a new one."""


class Policy(NamedTuple):
    """`quota` requests at once, and as many more in every `window` seconds."""

    name: str
    quota: int
    window: int


class Level(NamedTuple):
    """What is left: `remaining` requests, and the whole quota after `reset` seconds.

    If `allowed` is false, the next request is allowed after `retry` seconds.
    """

    allowed: bool
    remaining: int
    reset: int
    retry: int


class TokenBuckets:
    """A bucket for each key. Belongs to one thread. `clock` gives monotonic seconds."""

    def __init__(self, policy: Policy, clock: Callable[[], float]) -> None:
        self.policy = policy
        self._clock = clock
        self._rate = policy.quota / policy.window
        self._kept: dict[str, TokenBucket] = {}

    def take(self, key: str) -> Level:
        """Take one request out of a key's bucket, unless it is empty."""
        now = self._clock()
        bucket = self._kept.get(key) or TokenBucket(self._rate, self.policy.quota, now)
        self._kept[key] = bucket
        allowed = bucket.level(now) >= 1
        bucket.take(int(allowed), now)
        if len(self._kept) > _MOST:
            self._drop_fullest(now)
        return Level(
            allowed=allowed,
            remaining=int(bucket.level(now)),
            reset=math.ceil(bucket.wait(self.policy.quota, now)),
            retry=0 if allowed else math.ceil(bucket.wait(1, now)),
        )

    def is_empty(self, key: str) -> bool:
        """Return whether the next request of a key is not allowed yet; takes nothing."""
        bucket = self._kept.get(key)
        return bucket is not None and bucket.level(self._clock()) < 1

    def give_back(self, key: str) -> None:
        """Put back one request that was taken out of a key's bucket."""
        if bucket := self._kept.get(key):
            bucket.take(-1, self._clock())

    def _drop_fullest(self, now: float) -> None:
        emptiest = sorted(self._kept, key=lambda key: self._kept[key].level(now))
        self._kept = {key: self._kept[key] for key in emptiest[: _MOST // 2]}
