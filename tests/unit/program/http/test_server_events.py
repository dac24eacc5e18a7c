"""program/http/server_events.py: events of a stream, as the HTML standard has them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from program.http.server_events import Parser, ServerEvent, retry

STREAM = (
    b": hello\n\n"
    b'event: log\nid: 12\ndata: "a"\n\n'
    b"event: state\r\ndata: {}\r\n\r\n"
    b"data: one\ndata: two\n\n"
    b'event: log\ndata: "\xc3\xa4\xe2\x80\xa8"\n\n'
)
EVENTS = [
    ServerEvent("", "hello"),
    ServerEvent("log", '"a"', "12"),
    ServerEvent("state", "{}"),
    ServerEvent("message", "one\ntwo"),
    ServerEvent("log", '"\u00e4\u2028"'),
]
LINE = st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]))
SENT = st.builds(
    ServerEvent,
    LINE.filter(bool),
    st.lists(LINE, min_size=1).map("\n".join),
    st.none() | LINE.filter(lambda line: "\0" not in line),
)


def read(stream: bytes, size: int) -> list[ServerEvent]:
    parser = Parser()
    pieces = [stream[at : at + size] for at in range(0, len(stream), size)]
    return [event for piece in pieces for event in parser.feed(piece)]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_events_are_read_wherever_the_stream_is_cut(size: int) -> None:
    assert read(STREAM, size) == EVENTS


@pytest.mark.parametrize(
    ("stream", "events"),
    [
        (b"id: 4\ndata: x\n\ndata: y\n\n", [("message", "x", "4"), ("message", "y", None)]),
        (b"id: 4\n\ndata: x\n\n", [("message", "x", "4")]),
        (b": ping\n\nretry: 5\nnew: z\ndata:x\n\n", [("", "ping", None), ("message", "x", None)]),
        (b"data: a\ndata:  b\ndata\n\n", [("message", "a\n b\n", None)]),
        (b"event: log\n\ndata: a\n\n", [("message", "a", None)]),
        (b"data: a\n\nevent: log\ndata: b\n", [("message", "a", None)]),
        (b"id: 1\0\ndata: \xff\n\n", [("message", "\ufffd", None)]),
    ],
    ids=[
        "an id is that of one event",
        "or of the next one, if it comes alone",
        "unknown fields are passed over",
        "several lines of data are joined",
        "an event without data is none",
        "one that is cut off is left out",
        "bytes that are no UTF-8 do no harm",
    ],
)
def test_events_are_read_as_in_the_standard(
    stream: bytes, events: list[tuple[str, str, str | None]]
) -> None:
    assert read(stream, len(stream)) == [ServerEvent(*event) for event in events]


@given(st.lists(SENT), st.integers(1, 20))
def test_an_event_is_read_as_it_was_written(events: list[ServerEvent], size: int) -> None:
    assert read(b"".join(event.encode() for event in events), size) == events


def test_an_event_is_one_block_of_lines() -> None:
    assert ServerEvent("log", '"a"', "3").encode() == b'event: log\nid: 3\ndata: "a"\n\n'
    assert ServerEvent("end", "{}").encode() == b"event: end\ndata: {}\n\n"
    assert ServerEvent("", "still here").encode() == b": still here\n\n"
    assert ServerEvent("", "").encode() == b": \n\n"
    assert retry(2) == b"retry: 2000\n\n"


def test_no_data_ends_an_event_early() -> None:
    sent = ServerEvent("log", "a\r\n\revent: end\n\ndata: b\ud800").encode()
    assert b"\r" not in sent
    assert read(sent, len(sent)) == [ServerEvent("log", "a\n\nevent: end\n\ndata: b?")]
