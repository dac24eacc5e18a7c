"""How much may pass in a time, on the whole. Pure."""

from __future__ import annotations


class Pace:
    """A bucket of `burst` bytes that fills with `rate` bytes per second, full at the time `now`."""

    def __init__(self, rate: float, burst: float, now: float) -> None:
        self._rate = rate
        self._burst = burst
        self._left = burst
        self._filled = now

    def delay(self, size: int, now: float) -> float:
        """Take `size` bytes that have passed; return the seconds until more may, mostly 0."""
        self._left = min(self._burst, self._left + (now - self._filled) * self._rate) - size
        self._filled = now
        return max(0.0, -self._left / self._rate)
