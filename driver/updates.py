"""The status updates that an agent has not acknowledged yet, in their order."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

from driver import library


class _Stored:
    def __init__(self, status: dict[str, Any]) -> None:
        self.status = status
        self.sent = False


class Updates:
    """A store of updates, which one thread sends. Thread safe.

    An update stays until it is acknowledged. While the link is up, `next_unsent` returns updates
    that were not sent yet. A new subscription sends all of them (`carry`).
    """

    def __init__(self) -> None:
        self._stored: dict[bytes, _Stored] = {}
        self._changed = threading.Condition()
        self._linked = False
        self._closed = False

    def add(self, status: Mapping[str, Any]) -> None:
        """Store an update, which has a uuid."""
        with self._changed:
            self._stored[_key(status["uuid"])] = _Stored(dict(status))
            self._changed.notify_all()

    def acknowledge(self, uuid: str) -> None:
        """Remove an update. Does nothing if it is not known."""
        with self._changed:
            self._stored.pop(_key(uuid), None)
            self._changed.notify_all()

    def carry(self) -> list[dict[str, Any]]:
        """Return all updates, for a SUBSCRIBE; they count as sent."""
        with self._changed:
            for stored in self._stored.values():
                stored.sent = True
            return [stored.status for stored in self._stored.values()]

    def mark_sent(self, status: Mapping[str, Any]) -> None:
        """Note that an update was sent."""
        with self._changed:
            stored = self._stored.get(_key(status["uuid"]))
            if stored is not None:
                stored.sent = True

    def set_linked(self, linked: bool) -> None:
        """Note whether there is a subscription to send on."""
        with self._changed:
            self._linked = linked
            self._changed.notify_all()

    def next_unsent(self) -> dict[str, Any] | None:
        """Wait for an update that can be sent now; return None once the store is closed."""
        with self._changed:
            while not self._closed:
                unsent = next((s for s in self._stored.values() if not s.sent), None)
                if unsent is not None and self._linked:
                    return unsent.status
                self._changed.wait()
            return None

    def wait_empty(self, limit: float) -> bool:
        """Wait for `limit` seconds at most; return whether every update is acknowledged."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._stored, limit)

    def wait_closed(self, limit: float) -> None:
        """Wait for `limit` seconds, less if the store is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed, limit)

    def close(self) -> None:
        """Close the store, which ends `next_unsent`."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()


def _key(uuid: str) -> bytes:
    """Return the uuid itself: its base64 text may differ between us and the agent."""
    return library.decode_data(uuid)
