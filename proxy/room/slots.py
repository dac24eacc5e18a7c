"""How many answers that last are given at a time, and how many of these to one client."""

import contextlib
from collections import Counter
from collections.abc import Iterator


class Slots:
    """Places for `at_a_time` in all, of which one client has `each` at most.

    Belongs to the event loop's thread.
    """

    def __init__(self, at_a_time: int, each: int) -> None:
        self._at_a_time = at_a_time
        self._each = each
        self._taken: Counter[str] = Counter()

    @contextlib.contextmanager
    def take(self, client: str) -> Iterator[bool]:
        """Tell whether there is a place for one more of a client; it has that until the end."""
        if self._taken.total() >= self._at_a_time or self._taken[client] >= self._each:
            yield False
            return
        self._taken[client] += 1
        try:
            yield True
        finally:
            self._taken[client] -= 1
            self._taken += Counter()  # forgets who has none
