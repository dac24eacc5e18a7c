"""The part of an attempt's log that one companion writes: each line begins with its name."""

from __future__ import annotations

import threading

from executor.ports import Log
from prevs.log_sources import Source

_LONGEST = 16 * 1024
"""Bytes of a line that are kept until its end comes; a longer one is cut."""


class PrefixedLog:
    """Fulfils the port Log by another log. Thread safe.

    It passes on whole lines only, as others write to that log meanwhile.
    """

    def __init__(self, log: Log, name: str) -> None:
        self._log = log
        self._prefix = f"{name} | ".encode()
        self._lock = threading.Lock()
        self._rests: dict[Source, bytes] = {}

    def write(self, data: bytes, source: Source = Source.PREVS) -> None:
        """Append bytes of the companion's output."""
        with self._lock:
            *lines, rest = (self._rests.get(source, b"") + data).split(b"\n")
            if len(rest) > _LONGEST:
                lines, rest = [*lines, rest], b""
            self._rests[source] = rest
            self._append(lines, source)

    def header(self, text: str) -> None:
        """Append a line of our own."""
        self.flush()
        self._log.header(text)

    def flush(self) -> None:
        """Append the line that has no end, as nothing follows."""
        with self._lock:
            for source, rest in self._rests.items():
                self._append([rest] if rest else [], source)
            self._rests = {}

    def _append(self, lines: list[bytes], source: Source) -> None:
        if lines:
            self._log.write(b"".join(self._prefix + line + b"\n" for line in lines), source)
