"""The contract of http_parser.http with pymesos."""

import itertools

import pytest
from http_parser.http import HttpParser
from hypothesis import given
from hypothesis import strategies as st

CHUNKED = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n"
    b"Mesos-Stream-Id: abc\r\n\r\n"
)
BODIES = st.lists(st.binary(min_size=1, max_size=40), max_size=6)


def feed(parser: HttpParser, pieces: list[bytes]) -> bytes:
    """Return the body if every piece is taken whole."""
    body = b""
    for piece in pieces:
        assert parser.execute(piece, len(piece)) == len(piece)
        body += parser.recv_body()
    return body


def split(data: bytes, cuts: list[int]) -> list[bytes]:
    """Return `data` cut at the given places, without empty pieces."""
    places = sorted({cut % (len(data) + 1) for cut in cuts} | {0, len(data)})
    return [data[a:b] for a, b in itertools.pairwise(places) if a < b]


@given(bodies=BODIES, cuts=st.lists(st.integers(0, 10_000), max_size=12))
def test_any_split_of_a_chunked_response_gives_the_same_body(
    bodies: list[bytes], cuts: list[int]
) -> None:
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(body), body) for body in bodies)
    parser = HttpParser()

    body = feed(parser, split(CHUNKED + chunks + b"0\r\n\r\n", cuts))

    assert body == b"".join(bodies)
    assert parser.is_message_complete()
    assert parser.is_chunked()
    assert parser.get_status_code() == 200


@given(content=st.binary(max_size=200), cuts=st.lists(st.integers(0, 10_000), max_size=12))
def test_any_split_of_a_sized_response_gives_the_same_body(content: bytes, cuts: list[int]) -> None:
    head = b"HTTP/1.1 400 Bad Request\r\nContent-Length: %d\r\n\r\n" % len(content)
    parser = HttpParser()

    assert feed(parser, split(head + content, cuts)) == content
    assert parser.is_message_complete()
    assert not parser.is_chunked()
    assert parser.get_status_code() == 400


@given(content=st.binary(max_size=200), cuts=st.lists(st.integers(0, 10_000), max_size=12))
def test_a_body_without_a_size_ends_when_the_peer_closes(content: bytes, cuts: list[int]) -> None:
    parser = HttpParser()

    assert feed(parser, split(b"HTTP/1.1 200 OK\r\n\r\n" + content, cuts)) == content
    assert not parser.is_message_complete()

    assert parser.execute(b"", 0) == 0
    assert parser.is_message_complete()
    assert parser.get_errno() == 0


@pytest.fixture
def parser() -> HttpParser:
    return HttpParser()


def test_a_chunk_is_handed_out_before_it_is_complete(parser: HttpParser) -> None:
    assert feed(parser, [CHUNKED, b"a\r\n01234"]) == b"01234"
    assert not parser.is_partial_body()
    assert feed(parser, [b"56789\r\n"]) == b"56789"
    assert not parser.is_message_complete()


def test_a_body_that_was_not_read_can_be_read_later(parser: HttpParser) -> None:
    for piece in (CHUNKED, b"1\r\na\r\n", b"1\r\nb\r\n"):
        parser.execute(piece, len(piece))
    assert parser.is_partial_body()
    assert parser.recv_body() == b"ab"
    assert parser.recv_body() == b""


def test_nothing_is_reported_before_the_head_is_complete(parser: HttpParser) -> None:
    feed(parser, [CHUNKED[:-1]])
    assert not parser.is_headers_complete()
    assert parser.get_status_code() == 0
    assert parser.get_headers() == {}
    assert not parser.is_chunked()


def test_headers_keep_their_names_and_repeated_ones_are_joined(parser: HttpParser) -> None:
    feed(parser, [b"HTTP/1.1 200 OK\r\nMesos-Stream-Id: s\r\nVia: a\r\nvia: b\r\n\r\n"])
    assert parser.get_headers() == {"Mesos-Stream-Id": "s", "Via": "a, b"}


def test_an_interim_response_is_not_the_response(parser: HttpParser) -> None:
    feed(parser, [b"HTTP/1.1 100 Continue\r\n\r\n"])
    assert not parser.is_headers_complete()
    feed(parser, [b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"])
    assert parser.get_status_code() == 503
    assert parser.is_message_complete()


@pytest.mark.parametrize("wrong", [b"SSH-2.0-OpenSSH_9.2\r\n\r\n", CHUNKED + b"nonsense\r\n"])
def test_invalid_http_sets_the_error_number_and_consumes_nothing_more(wrong: bytes) -> None:
    parser = HttpParser()
    assert parser.execute(wrong, len(wrong)) == 0
    assert parser.get_errno() != 0
    assert parser.execute(b"x", 1) == 0


def test_a_peer_that_closes_in_the_middle_of_a_chunk_is_an_error(parser: HttpParser) -> None:
    assert feed(parser, [CHUNKED + b"a\r\n0123"]) == b"0123"
    parser.execute(b"", 0)
    assert parser.get_errno() != 0
    assert not parser.is_message_complete()


def test_bytes_after_the_response_are_not_consumed(parser: HttpParser) -> None:
    data = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhileft over"
    assert parser.execute(data, len(data)) == len(data) - len(b"left over")
    assert parser.recv_body() == b"hi"
    assert parser.get_errno() == 0
    assert parser.execute(b"more", 4) == 0


def test_only_the_given_length_of_the_data_is_read(parser: HttpParser) -> None:
    feed(parser, [b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n"])
    assert parser.execute(b"abcdef", 2) == 2
    assert parser.recv_body() == b"ab"


def test_pymesos_recognizes_the_kind_of_parser_by_a_missing_attribute() -> None:
    assert not hasattr(HttpParser(), "errno")
