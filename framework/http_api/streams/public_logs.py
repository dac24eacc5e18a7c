"""The public part of a log: everything before the application's own output.

A line of the executor marks where that begins. A build that prints such a line itself only hides
its own output from there on.
"""

import dataclasses
import re
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from framework.ports import Logged
from prevs.records import PreviewRecord

NOTE = b"== what the application prints is for those with a token: prevs logs ==\n"

_BEGINNINGS = (b"== starting ", b"== hook ")
"""Hooks count as the application: they have its image, and its variables."""
_BEGINNING = re.compile(rb"^== (?:starting |hook \d)", re.MULTILINE)
_STEPS = frozenset({"starting", "checking", "running"})
_REMEMBERED = 2000


class Piece(NamedTuple):
    """Some of a log, and the offset after it."""

    data: bytes
    end: int


Read = Callable[[Logged, int], Awaitable[Piece]]


@dataclasses.dataclass
class _Seen:
    """The offset up to which a log was searched, and where the application begins, once found."""

    until: int = 0
    begins: int | None = None


class PublicLogs:
    """Reads the public part of logs. Belongs to the event loop's thread.

    `read` reads any part of a log, like `Logs.read`. The methods raise what it raises.
    """

    def __init__(self, read: Read) -> None:
        self._read = read
        self._seen: dict[str, _Seen] = {}

    async def read(self, logged: Logged, offset: int) -> Piece:
        """Return some of the public log after `offset`."""
        seen = self._find_seen(logged)
        while seen.begins is None and seen.until < offset:
            if not (await self._search_next(logged, seen)).data:
                return Piece(b"", offset)
        if seen.begins is not None and seen.begins <= offset:
            return Piece(b"", offset)
        if seen.until == offset:
            return await self._search_next(logged, seen)
        piece, begins = await self._read_public(logged, offset)
        seen.begins = piece.end if begins else seen.begins
        return piece

    async def read_tail(self, logged: Logged, size: int) -> bytes:
        """Return the last public bytes, `size` at most, in whole lines."""
        seen = self._find_seen(logged)
        while seen.begins is None and (await self._search_next(logged, seen)).data:
            pass
        end = seen.until if seen.begins is None else seen.begins
        begin = at = max(0, end - size)
        data = b""
        while at < end and (piece := await self.read(logged, at)).data:
            data, at = data + piece.data, piece.end
        data = data.removesuffix(NOTE)
        shown = data.partition(b"\n")[2] if begin else data
        return shown if seen.begins is None else shown + NOTE

    async def _search_next(self, logged: Logged, seen: _Seen) -> Piece:
        """Search the next piece of a log, and return what is public of it."""
        before = seen.until
        piece, begins = await self._read_public(logged, before)
        if seen.until == before:  # another reader may have searched it meanwhile
            seen.until = piece.end
            seen.begins = piece.end if begins else seen.begins
        return piece

    async def _read_public(self, logged: Logged, offset: int) -> tuple[Piece, bool]:
        """Return what is public of a piece, and whether the application begins after that."""
        data, end = await self._read(logged, offset)
        if end - len(data) > offset and _has_started(logged):
            # The beginning may be in the part that is missing.
            return Piece(NOTE, offset), True
        if found := _BEGINNING.search(data):
            return Piece(data[: found.start()] + NOTE, end - len(data) + found.start()), True
        held_back = _count_held_back(data)
        return Piece(data[: len(data) - held_back], end - held_back), False

    def _find_seen(self, logged: Logged) -> _Seen:
        task_id = logged.task_id or ""
        if task_id not in self._seen:
            if len(self._seen) >= _REMEMBERED:
                self._seen = {}
            self._seen[task_id] = _Seen()
        return self._seen[task_id]


def _count_held_back(data: bytes) -> int:
    """Return how many bytes at the end may be the start of the line that marks the beginning."""
    line = data[data.rfind(b"\n") + 1 :]
    if len(line) > max(map(len, _BEGINNINGS)):
        return 0
    return len(line) if any(text.startswith(line) for text in _BEGINNINGS) else 0


def _has_started(logged: Logged) -> bool:
    """Return whether the application has begun; what runs in a job may always have."""
    return not isinstance(logged, PreviewRecord) or any(
        step.name in _STEPS for step in logged.steps
    )
