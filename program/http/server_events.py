"""Writes and reads server-sent events (HTML standard, 9.2). Pure."""

import re
from collections.abc import Iterator
from typing import NamedTuple

_LINE_END = re.compile(r"\r\n|\r|\n")


class ServerEvent(NamedTuple):
    """One event. `id` is None if the stream has none with this event.

    An event without a name is a comment, a sign of life, with `data` as its text. Name and id are
    one line each.
    """

    name: str
    data: str
    id: str | None = None

    def encode(self) -> bytes:
        """Return the bytes to send. The receiver reads every line end in `data` as a line feed."""
        lines = _LINE_END.split(self.data)
        if not self.name:
            return "".join(f": {line}\n" for line in lines).encode("utf-8", "replace") + b"\n"
        fields = [f"event: {self.name}"]
        if self.id is not None:
            fields.append(f"id: {self.id}")
        fields += [f"data: {line}" for line in lines]
        return "\n".join([*fields, "\n"]).encode("utf-8", "replace")


STILL_HERE = ServerEvent("", "still here").encode()
"""Sent now and then when nothing happens: a silent stream counts as broken."""


def retry(seconds: float) -> bytes:
    """Return the line that makes a browser reconnect after some seconds when a stream breaks."""
    return f"retry: {round(seconds * 1000)}\n\n".encode()


class Parser:
    """Reads events from the pieces of a stream. Its lines end with \\n or \\r\\n."""

    def __init__(self) -> None:
        self._line = bytearray()
        self._name = ""
        self._data: list[str] = []
        self._id: str | None = None

    def feed(self, piece: bytes) -> Iterator[ServerEvent]:
        """Yield the events that `piece` completes, and an event for each line of a comment.

        Read them all before the next piece. As in the standard, an event without data is dropped.
        """
        first, *others = piece.split(b"\n")
        self._line += first
        for other in others:
            yield from self._take(self._line.removesuffix(b"\r").decode("utf-8", "replace"))
            self._line = bytearray(other)

    def _take(self, line: str) -> Iterator[ServerEvent]:
        field, colon, value = line.partition(":")
        value = value.removeprefix(" ")
        if not line:
            if self._data:
                yield ServerEvent(self._name or "message", "\n".join(self._data), self._id)
                self._id = None
            self._name, self._data = "", []
        elif not field and colon:
            yield ServerEvent("", value)
        elif field == "event":
            self._name = value
        elif field == "data":
            self._data.append(value)
        elif field == "id" and "\0" not in value:
            self._id = value
