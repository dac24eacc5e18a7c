"""Limits how many requests or streams each client has open at a time. Pure."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator
from typing import Optional


class Slots:
    """Slots: one client may hold `each` of them, and all clients together `in_all`, if given.

    A client is any name. Belongs to one thread.
    """

    def __init__(self, each: int, in_all: Optional[int] = None) -> None:
        self._each = each
        self._in_all = in_all
        self._held: Counter[str] = Counter()
        self._count = 0

    @contextlib.contextmanager
    def take(self, client: str) -> Iterator[bool]:
        """Hold a slot for a client within this context; yield whether there was one."""
        if not self.enter(client):
            yield False
            return
        try:
            yield True
        finally:
            self.leave(client)

    def enter(self, client: str) -> bool:
        """Take a slot for a client until `leave`; return False, and take none, if all are taken."""
        is_full = self._in_all is not None and self._count >= self._in_all
        if is_full or self._held[client] >= self._each:
            return False
        self._held[client] += 1
        self._count += 1
        return True

    def leave(self, client: str) -> None:
        """Free a slot that `enter` took."""
        self._held[client] -= 1
        self._count -= 1
        if not self._held[client]:
            del self._held[client]
