"""Limits how many long responses run at a time, in all and for one client."""

import contextlib
from collections import Counter
from collections.abc import Iterator

from program.http.client_address import CUSTOMER_BITS, name_client


class Slots:
    """Slots: `at_a_time` in all, of which one client may take `each`.

    A client is known by its address. Belongs to the event loop's thread.
    """

    def __init__(self, at_a_time: int, each: int) -> None:
        self._at_a_time = at_a_time
        self._each = each
        self._taken: Counter[str] = Counter()
        self._count = 0

    @contextlib.contextmanager
    def take(self, address: str) -> Iterator[bool]:
        """Take a slot for a client within this context; yield whether there was one."""
        if not self.enter(address):
            yield False
            return
        try:
            yield True
        finally:
            self.leave(address)

    def enter(self, address: str) -> bool:
        """Take a slot for a client until `leave`; return False, and take none, if all are taken."""
        client = name_client(address, CUSTOMER_BITS)
        if self._count >= self._at_a_time or self._taken[client] >= self._each:
            return False
        self._taken[client] += 1
        self._count += 1
        return True

    def leave(self, address: str) -> None:
        """Give a slot back."""
        client = name_client(address, CUSTOMER_BITS)
        self._taken[client] -= 1
        self._count -= 1
        if not self._taken[client]:
            del self._taken[client]
