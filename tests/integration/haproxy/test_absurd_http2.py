"""HTTP/2 made by hand, without TLS and with: what would be two HTTP/1.1 requests is refused."""

import contextlib
import socket
import struct
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import pytest

from tests.integration.haproxy import tls, wire
from tests.integration.haproxy.proxies import Site
from tests.integration.haproxy.wire import SMUGGLED, Arrived, ambiguity

pytestmark = pytest.mark.integration

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RESET, SETTINGS, GOAWAY = 0, 1, 3, 4, 7
END_STREAM, END_HEADERS = 1, 4
INDEXED = {0x88: 200, 0x8C: 400, 0x8D: 404, 0x8E: 500}
"""HPACK's static table, RFC 7541 appendix A; other statuses come as three digits."""
Field = tuple[bytes, bytes]


def frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    """Return a frame (RFC 9113, section 4.1)."""
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def literal(field: Field) -> bytes:
    """Return a header as HPACK's literal without indexing, not Huffman coded."""
    name, value = field
    assert max(len(name), len(value)) < 127
    return b"\x00" + bytes([len(name)]) + name + bytes([len(value)]) + value


def headers(fields: Sequence[Field]) -> bytes:
    """Return the payload of a HEADERS frame."""
    return b"".join(map(literal, fields))


def status(payload: bytes) -> int:
    """Return the status in the payload of a HEADERS frame of HAProxy's."""
    return INDEXED.get(payload[0]) or int(payload[2:5])


HOST = "main.hello.localhost"
FIELDS: Sequence[Field] = (
    (b":method", b"POST"),
    (b":scheme", b"http"),
    (b":path", b"/first"),
    (b":authority", HOST.encode()),
)


class Outcome(NamedTuple):
    """The status of the answer, or None where the stream or the connection was reset instead."""

    status: int | None
    arrived: list[Arrived]


class Bench(NamedTuple):
    site: Site
    seen: list[Arrived]
    connect: Callable[[], socket.socket]

    def request(self, fields: Sequence[Field], body: bytes = b"") -> Outcome:
        """Send one request; check that what arrives is unambiguous, and the proxy serves."""
        self.seen.clear()
        with self.connect() as client:
            head = frame(HEADERS, END_HEADERS, 1, headers(fields))
            sent = PREFACE + frame(SETTINGS, 0, 0, b"") + head + frame(DATA, END_STREAM, 1, body)
            client.sendall(sent)
            status = read_status(client)
        arrived = list(self.seen)
        assert [found for found in map(ambiguity, arrived) if found] == []
        assert all(request.target == b"/first" for request in arrived), arrived
        assert len(arrived) <= 1
        assert self.site.proxy.request("main.hello.localhost").body == b"app"
        return Outcome(status, arrived)


def read_status(client: socket.socket) -> int | None:
    with client.makefile("rb") as stream, contextlib.suppress(ConnectionError):
        while head := stream.read(9):
            kind, payload = head[3], stream.read(int.from_bytes(head[:3], "big"))
            if kind == HEADERS:
                return status(payload)
            if kind in {RESET, GOAWAY}:
                return None
    return None


class Ends(NamedTuple):
    """A proxy with TLS on another port, and what arrives behind it."""

    site: Site
    seen: list[Arrived]
    door: tls.Door


@pytest.fixture(scope="module")
def ends(
    tmp_path_factory: pytest.TempPathFactory, zookeeper: str, free_port: Callable[[], int]
) -> Iterator[Ends]:
    folder = tmp_path_factory.mktemp("http2")
    door = tls.door(folder, free_port(), HOST)
    with wire.behind_proxy(folder, zookeeper, free_port(), **door.settings()) as (site, seen):
        yield Ends(site, seen, door)


@pytest.fixture(params=["plain", "TLS"])
def bench(ends: Ends, request: pytest.FixtureRequest) -> Bench:
    address = ("127.0.0.1", ends.site.proxy.port)
    connect: dict[str, Callable[[], socket.socket]] = {
        "plain": lambda: socket.create_connection(address, timeout=20),
        "TLS": lambda: ends.door.connect(HOST, "h2"),
    }
    return Bench(ends.site, ends.seen, connect[request.param])


def having(**others: bytes) -> list[Field]:
    """Return the fields with other values of the pseudo headers."""
    return [(name, others.get(name[1:].decode(), value)) for name, value in FIELDS]


def test_an_http2_request_is_one_http1_request_at_the_application(bench: Bench) -> None:
    outcome = bench.request([*FIELDS, (b"x", b"y")], b"abc")
    assert outcome.status == 200
    assert [request.body for request in outcome.arrived] == [b"abc"]


CASES: dict[str, tuple[list[Field], bytes]] = {
    **{
        f"{name!r}: {value!r}": ([*FIELDS, (name, value)], SMUGGLED)
        for name, value in (
            (b"content-length", b"0"),
            (b"content-length", b"120"),
            (b"content-length", b"54x"),
            (b"transfer-encoding", b"chunked"),
            (b"connection", b"close"),
            (b"upgrade", b"h2c"),
            (b"te", b"gzip"),
            (b"a", b"b\r\nTransfer-Encoding: chunked"),
            (b"a", b"b\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"),
            (b"a", b"b\nC: d"),
            (b"a", b"b\rC: d"),
            (b"a", b"b\x00"),
            (b"a: b\r\nc", b"d"),
            (b"a:b", b"c"),
            (b"A", b"b"),
            (b"a ", b"b"),
            (b"", b"b"),
            (b":authority", b"x"),
            (b":path", b"/x"),
            (b":other", b"x"),
        )
    },
    **{
        f"{name} {value!r}": (having(**{name: value}), b"")
        for name, value in (
            ("path", b"/first HTTP/1.1\r\nA: b"),
            ("path", b"/first x"),
            ("path", b""),
            ("path", b"first"),
            ("path", b"http://other.hello.localhost/first"),
            ("method", b"GET / HTTP/1.1\r\nA: b\r\n\r\nGET"),
            ("method", b""),
            ("method", b"G T"),
            ("scheme", b"http://x/ HTTP/1.1\r\n"),
            ("authority", b"main.hello.localhost/x"),
            ("authority", b"u@main.hello.localhost"),
            ("authority", b"main.hello.localhost\r\nA: b"),
            ("authority", b""),
        )
    },
    "two lengths": ([*FIELDS, (b"content-length", b"1"), (b"content-length", b"2")], b"x"),
    "no authority": (list(FIELDS[:3]), b""),
    "a pseudo header behind others": ([*FIELDS[:3], (b"a", b"b"), FIELDS[3]], b""),
}


@pytest.mark.parametrize("name", CASES)
def test_an_ambiguous_request_is_refused(bench: Bench, name: str) -> None:
    outcome = bench.request(*CASES[name])
    assert outcome.arrived == []
    assert outcome.status is None or 400 <= outcome.status < 500


def test_the_authority_counts_where_the_host_header_differs(bench: Bench) -> None:
    outcome = bench.request([*FIELDS, (b"host", b"other.hello.localhost")])
    assert outcome.status == 200
    assert dict(outcome.arrived[0].fields())[b"host"] == b"main.hello.localhost"


def test_the_first_of_two_hosts_counts(bench: Bench) -> None:
    host, other = (b"host", b"main.hello.localhost"), (b"host", b"evil")
    assert bench.request([*FIELDS[:3], other, host]).arrived == []
    arrived = bench.request([*FIELDS[:3], host, other]).arrived
    assert [value for name, value in arrived[0].fields() if name == b"host"] == [host[1]]
