"""Server-sent events, as the WHATWG HTML standard (9.2.6) reads them: lines in, events out."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple


class ServerEvent(NamedTuple):
    """One event; `id` is the last id that the stream has named, also in an earlier event."""

    name: str
    data: str
    id: str | None


def parse(lines: Iterable[bytes]) -> Iterator[ServerEvent]:
    """Return the events in `lines` (without their ends); one that is cut off is left out."""
    name, data = "message", list[str]()
    last_id: str | None = None
    for raw in lines:
        line = raw.decode("utf-8", "replace")
        if not line:
            if data:
                yield ServerEvent(name, "\n".join(data), last_id)
            name, data = "message", []
            continue
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "event":
            name = value
        elif field == "data":
            data.append(value)
        elif field == "id" and "\0" not in value:
            last_id = value
