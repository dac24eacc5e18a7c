"""The last part of a growing log, kept in memory for all of its readers. Pure.

A place in a log is a number of bytes from its beginning. A reader gets the events behind its place
one by one. A late or slow reader may be before the window: then the caller has to read that part of
the log from the framework first.
"""

import dataclasses
import json
from collections import deque
from typing import NamedTuple

from program.http.server_events import ServerEvent

MOST = 256 * 1024
"""How many characters of a log are kept. The last event is always kept, whatever its size."""


@dataclasses.dataclass
class Reader:
    """A reader that has the log up to `place`; `number` is its next event's, once known."""

    place: int
    number: int | None = None


class _Kept(NamedTuple):
    begin: int
    end: int
    event: ServerEvent


class LogWindow:
    """The kept part of a log that was read from `begin` on."""

    def __init__(self, begin: int, most: int = MOST) -> None:
        self.begin = self.end = begin
        self._most = most
        self._first = 0
        self._kept: deque[_Kept] = deque()
        self._size = 0

    def add(self, event: ServerEvent) -> None:
        """Add the next event of the log; its id is the place where it ends."""
        text = event.id or ""
        end = int(text) if text.isascii() and text.isdigit() else self.end
        self._kept.append(_Kept(self.end, end, event))
        self._size += len(event.data)
        self.end = end
        while self._size > self._most and len(self._kept) > 1:
            dropped = self._kept.popleft()
            self._size -= len(dropped.event.data)
            self._first += 1
            self.begin = dropped.end

    def is_ahead_of(self, reader: Reader) -> bool:
        """Return whether the window lacks the event that is next for a reader."""
        if reader.number is None:
            return reader.place < self.begin
        return reader.number < self._first

    def take(self, reader: Reader) -> ServerEvent | None:
        """Return the next event for a reader, and move the reader behind it; None if there is none.

        The window must not be ahead of the reader.
        """
        if reader.number is None:
            reader.number = self._find(reader.place)
        at = len(self._kept) if reader.number is None else reader.number - self._first
        if at >= len(self._kept):
            return None
        reader.number = self._first + at + 1
        begin, end, event = self._kept[at]
        event = _cut(event, end - begin, reader.place - begin)
        reader.place = end
        return event

    def _find(self, place: int) -> int | None:
        """Return the number of the event that is next for a reader at a place."""
        for number, kept in enumerate(self._kept, self._first):
            if kept.end > place or kept.begin == kept.end == place:
                return number
        return self._first + len(self._kept) if place == self.end else None


def _cut(event: ServerEvent, size: int, read: int) -> ServerEvent:
    """Return an event of `size` bytes of a log without its first `read` bytes.

    If the log is not UTF-8 there, the bytes behind the characters are unknown: then the reader gets
    the whole event again.
    """
    if read <= 0:
        return event
    data = json.loads(event.data).encode("utf-8", "surrogatepass")
    if len(data) != size:
        return event
    rest = data[read:].decode("utf-8", "replace")
    return ServerEvent(event.name, json.dumps(rest, ensure_ascii=False), event.id)
