"""Server-sent events as the standard reads them."""

from cli.server_events import ServerEvent, parse


def events(text: bytes) -> list[ServerEvent]:
    return list(parse(text.split(b"\n")))


def test_fields_make_an_event_at_the_empty_line() -> None:
    assert events(b"event: log\nid: 4\ndata: x\n\n") == [ServerEvent("log", "x", "4")]


def test_the_id_holds_for_later_events_too() -> None:
    assert events(b"id: 4\ndata: x\n\ndata: y\n\n")[1] == ServerEvent("message", "y", "4")


def test_comments_and_unknown_fields_are_passed_over() -> None:
    assert events(b": ping\n\nretry: 5\nnew: z\ndata:x\n\n") == [ServerEvent("message", "x", None)]


def test_several_lines_of_data_are_joined() -> None:
    assert events(b"data: a\ndata:  b\n\n")[0].data == "a\n b"


def test_an_event_that_is_cut_off_is_left_out() -> None:
    assert events(b"data: a\n\nevent: log\ndata: b") == [ServerEvent("message", "a", None)]


def test_bytes_that_are_no_utf8_do_no_harm() -> None:
    assert events(b"data: \xff\n\n")[0].data == "\ufffd"
