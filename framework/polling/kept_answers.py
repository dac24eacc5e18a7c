"""Answers that count for a while, so that the same is not asked at each look."""

from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Answer = TypeVar("Answer")


class KeptAnswers(Generic[Key, Answer]):
    """Answers by key, each asked for again after `seconds` of `clock`. Thread safe.

    Two threads may ask for the same at once.
    """

    def __init__(self, seconds: float, clock: Callable[[], float]) -> None:
        self._seconds = seconds
        self._clock = clock
        self._kept: dict[Key, tuple[float, Answer]] = {}

    def get(self, key: Key, ask: Callable[[], Answer]) -> Answer:
        """Return the kept answer, or else that of `ask`. Blocks, and raises, as `ask` does."""
        known = self._kept.get(key)
        if known is not None and known[0] > self._clock():
            return known[1]
        return self.renew(key, ask)

    def renew(self, key: Key, ask: Callable[[], Answer]) -> Answer:
        """Return the answer of `ask`, and keep it. Blocks, and raises, as `ask` does."""
        now = self._clock()
        answer = ask()
        kept = {key: one for key, one in self._kept.items() if one[0] > now}
        self._kept = {**kept, key: (now + self._seconds, answer)}
        return answer
