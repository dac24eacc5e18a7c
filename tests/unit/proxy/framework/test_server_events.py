import pytest

from proxy.framework.server_events import Parser, write
from proxy.model.preview import LogEvent

STREAM = (
    b": hello\n\n"
    b'event: log\nid: 12\ndata: "a"\n\n'
    b"event: state\r\ndata: {}\r\n\r\n"
    b"data: one\ndata: two\n\n"
    b'event: log\ndata: "\xc3\xa4\xe2\x80\xa8"\n\n'
)
EVENTS = [
    LogEvent("", None, ""),
    LogEvent("log", "12", '"a"'),
    LogEvent("state", None, "{}"),
    LogEvent("message", None, "one\ntwo"),
    LogEvent("log", None, '"\u00e4\u2028"'),
]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_events_are_read_wherever_the_stream_is_cut(size: int) -> None:
    parser = Parser()
    pieces = [STREAM[at : at + size] for at in range(0, len(STREAM), size)]
    assert [event for piece in pieces for event in parser.feed(piece)] == EVENTS


def test_an_event_is_read_as_it_was_written() -> None:
    written = b"".join(write(event) for event in EVENTS)
    assert list(Parser().feed(written)) == EVENTS


def test_an_unfinished_event_is_none_yet() -> None:
    assert list(Parser().feed(b"event: log\ndata: 1\n")) == []
