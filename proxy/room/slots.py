"""How many answers that last are given at a time, and how many of these to one client."""

import contextlib
from collections import Counter
from collections.abc import Iterator

from program.client_address import CUSTOMER_BITS, name_client


class Slots:
    """Places for `at_a_time` in all, of which one client has `each` at most.

    A client is told by an address of its own. Belongs to the event loop's thread.
    """

    def __init__(self, at_a_time: int, each: int) -> None:
        self._at_a_time = at_a_time
        self._each = each
        self._taken: Counter[str] = Counter()
        self._count = 0

    @contextlib.contextmanager
    def take(self, address: str) -> Iterator[bool]:
        """Tell whether there is a place for one more of a client; it has that until the end."""
        if not self.enter(address):
            yield False
            return
        try:
            yield True
        finally:
            self.leave(address)

    def enter(self, address: str) -> bool:
        """Tell whether there is a place for one more of a client, and have it taken until `leave`.

        Where there is none, there is nothing to leave.
        """
        client = name_client(address, CUSTOMER_BITS)
        if self._count >= self._at_a_time or self._taken[client] >= self._each:
            return False
        self._taken[client] += 1
        self._count += 1
        return True

    def leave(self, address: str) -> None:
        """Give a place back."""
        client = name_client(address, CUSTOMER_BITS)
        self._taken[client] -= 1
        self._count -= 1
        if not self._taken[client]:
            del self._taken[client]
