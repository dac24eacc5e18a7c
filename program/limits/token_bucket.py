"""A token bucket: limits a rate, and the size of a burst. Pure.

The executor uses it too, on Python 3.9.
"""

from __future__ import annotations


class TokenBucket:
    """Holds at most `burst` tokens and gains `rate` tokens a second; full at the time `now`.

    Times are monotonic seconds. Belongs to one thread.
    """

    __slots__ = ("_at", "_burst", "_level", "_rate")

    def __init__(self, rate: float, burst: float, now: float) -> None:
        self._rate = rate
        self._burst = burst
        self._level = burst
        self._at = now

    def level(self, now: float) -> float:
        """Return the number of tokens; below 0 if more were taken than there were."""
        return min(self._burst, self._level + (now - self._at) * self._rate)

    def take(self, tokens: float, now: float) -> None:
        """Take tokens, even more than there are: what has already passed must count."""
        self._level = self.level(now) - tokens
        self._at = now

    def wait(self, tokens: float, now: float) -> float:
        """Return the seconds until it has that many tokens, 0 if it has them now."""
        return max(0.0, (tokens - self.level(now)) / self._rate)
