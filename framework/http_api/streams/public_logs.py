"""How far a log may be read by whoever comes: to where what the application prints begins.

A line of the executor's own tells where that is. A build that prints such a line itself hides what
it prints from there on, and nothing else.
"""

import dataclasses
import re
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from prevs.records import PreviewRecord

NOTE = b"== what the application prints is for those with a token: prevs logs ==\n"

_BEGINNINGS = (b"== starting ", b"== hook ")
"""Hooks have the application's image, and what it is given."""
_BEGINNING = re.compile(rb"^== (?:starting |hook \d)", re.MULTILINE)
_STEPS = frozenset({"starting", "checking", "running"})
_REMEMBERED = 2000


class Piece(NamedTuple):
    """Some of a log, and the offset after it."""

    data: bytes
    end: int


Read = Callable[[PreviewRecord, int], Awaitable[Piece]]


@dataclasses.dataclass
class _Seen:
    """Up to where a log was looked through, and where the application begins, once it was found."""

    until: int = 0
    begins: int | None = None


class PublicLogs:
    """Reads logs no further than they are public. Belongs to the event loop's thread.

    `read` reads all of a log, as Logs has it. What it raises, these raise.
    """

    def __init__(self, read: Read) -> None:
        self._read = read
        self._seen: dict[str, _Seen] = {}

    async def read(self, preview: PreviewRecord, offset: int) -> Piece:
        """Return some of what follows `offset`, and is public."""
        seen = self._find_seen(preview)
        while seen.begins is None and seen.until < offset:
            if not (await self._go_on(preview, seen)).data:
                return Piece(b"", offset)
        if seen.begins is not None and seen.begins <= offset:
            return Piece(b"", offset)
        if seen.until == offset:
            return await self._go_on(preview, seen)
        piece, begins = await self._look(preview, offset)
        seen.begins = piece.end if begins else seen.begins
        return piece

    async def read_tail(self, preview: PreviewRecord, size: int) -> bytes:
        """Return the last public bytes, `size` at most, in whole lines."""
        seen = self._find_seen(preview)
        while seen.begins is None and (await self._go_on(preview, seen)).data:
            pass
        end = seen.until if seen.begins is None else seen.begins
        begin = at = max(0, end - size)
        data = b""
        while at < end and (piece := await self.read(preview, at)).data:
            data, at = data + piece.data, piece.end
        data = data.removesuffix(NOTE)
        shown = data.partition(b"\n")[2] if begin else data
        return shown if seen.begins is None else shown + NOTE

    async def _go_on(self, preview: PreviewRecord, seen: _Seen) -> Piece:
        """Look at the next piece of a log, and return it."""
        before = seen.until
        piece, begins = await self._look(preview, before)
        if seen.until == before:  # somebody else may have looked at it meanwhile
            seen.until = piece.end
            seen.begins = piece.end if begins else seen.begins
        return piece

    async def _look(self, preview: PreviewRecord, offset: int) -> tuple[Piece, bool]:
        """Return what is public of a piece, and whether the application begins behind it."""
        data, end = await self._read(preview, offset)
        if end - len(data) > offset and _came_to_start(preview):
            # What is missing in between may be where it began.
            return Piece(NOTE, offset), True
        if found := _BEGINNING.search(data):
            return Piece(data[: found.start()] + NOTE, end - len(data) + found.start()), True
        held = _held(data)
        return Piece(data[: len(data) - held], end - held), False

    def _find_seen(self, preview: PreviewRecord) -> _Seen:
        task_id = preview.task_id or ""
        if task_id not in self._seen:
            if len(self._seen) >= _REMEMBERED:
                self._seen = {}
            self._seen[task_id] = _Seen()
        return self._seen[task_id]


def _held(data: bytes) -> int:
    """Return how many bytes at the end may become the line that tells of the beginning."""
    line = data[data.rfind(b"\n") + 1 :]
    if len(line) > max(map(len, _BEGINNINGS)):
        return 0
    return len(line) if any(text.startswith(line) for text in _BEGINNINGS) else 0


def _came_to_start(preview: PreviewRecord) -> bool:
    return any(step.name in _STEPS for step in preview.steps)
