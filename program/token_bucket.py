"""A token bucket: how much may pass in the long run, and how much at once. Pure.

The executor runs it too, on Python 3.9.
"""

from __future__ import annotations


class TokenBucket:
    """Holds at most `burst` tokens and gains `rate` of them per second; full at the time `now`.

    Times are monotonic seconds. Belongs to one thread.
    """

    __slots__ = ("_at", "_burst", "_level", "_rate")

    def __init__(self, rate: float, burst: float, now: float) -> None:
        self._rate = rate
        self._burst = burst
        self._level = burst
        self._at = now

    def level(self, now: float) -> float:
        """Return how many tokens are in it; below 0 where more was taken than there was."""
        return min(self._burst, self._level + (now - self._at) * self._rate)

    def take(self, tokens: float, now: float) -> None:
        """Take tokens, also more than are in it: what has passed already has to be paid for."""
        self._level = self.level(now) - tokens
        self._at = now

    def wait(self, tokens: float, now: float) -> float:
        """Return the seconds until as many tokens are in it, 0 where they are."""
        return max(0.0, (tokens - self.level(now)) / self._rate)
