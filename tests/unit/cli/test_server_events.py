"""Server-sent events as the standard reads them."""

import pytest

from cli.server_events import ServerEvent, parse


@pytest.mark.parametrize(
    ("text", "events"),
    [
        (b"event: log\nid: 4\ndata: x\n\n", [("log", "x", "4")]),
        (b"id: 4\ndata: x\n\ndata: y\n\n", [("message", "x", "4"), ("message", "y", "4")]),
        (b": ping\n\nretry: 5\nnew: z\ndata:x\n\n", [("message", "x", None)]),
        (b"data: a\ndata:  b\n\n", [("message", "a\n b", None)]),
        (b"data: a\n\nevent: log\ndata: b", [("message", "a", None)]),
        (b"data: \xff\n\n", [("message", "\ufffd", None)]),
    ],
    ids=[
        "fields make an event at the empty line",
        "the id holds for later events too",
        "comments and unknown fields are passed over",
        "several lines of data are joined",
        "one that is cut off is left out",
        "bytes that are no UTF-8 do no harm",
    ],
)
def test_events_are_read(text: bytes, events: list[tuple[str, str, str | None]]) -> None:
    assert list(parse(text.split(b"\n"))) == [ServerEvent(*event) for event in events]
