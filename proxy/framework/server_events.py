"""Server-sent events as bytes (HTML standard, 9.2.6): read from pieces, and written. Pure."""

from collections.abc import Iterator

from proxy.model.preview import LogEvent

HEARTBEAT = b": \n\n"


class Parser:
    """Reads events from a stream that is cut anywhere."""

    def __init__(self) -> None:
        self._rest = b""
        self._name = ""
        self._id: str | None = None
        self._data: list[str] = []

    def feed(self, piece: bytes) -> Iterator[LogEvent]:
        """Yield the events that `piece` completes; a comment is one without a name."""
        *lines, self._rest = (self._rest + piece).split(b"\n")
        for raw in lines:
            line = raw.removesuffix(b"\r").decode("utf-8", "replace")
            if line.startswith(":"):
                yield LogEvent("", None, "")
            elif line:
                self._take(*line.partition(":")[::2])
            elif self._data or self._name:
                yield LogEvent(self._name or "message", self._id, "\n".join(self._data))
                self._name, self._id, self._data = "", None, []

    def _take(self, field: str, value: str) -> None:
        value = value.removeprefix(" ")
        if field == "event":
            self._name = value
        elif field == "data":
            self._data.append(value)
        elif field == "id":
            self._id = value


def write(event: LogEvent) -> bytes:
    """Return the bytes of an event."""
    if not event.name:
        return HEARTBEAT
    lines = [f"event: {event.name}"]
    if event.id is not None:
        lines.append(f"id: {event.id}")
    lines += [f"data: {line}" for line in event.data.split("\n")]
    return ("\n".join(lines) + "\n\n").encode("utf-8", "replace")
