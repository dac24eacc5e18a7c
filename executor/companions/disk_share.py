"""The disk limit that the containers of one preview share."""

from __future__ import annotations

import threading


class DiskShare:
    """What the containers of a preview have written, each by its last measurement. Thread safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._written: dict[str, int] = {}

    def note(self, container: str, written: int) -> int:
        """Note what a container has written; return the bytes of all together."""
        with self._lock:
            self._written[container] = written
            return sum(self._written.values())
