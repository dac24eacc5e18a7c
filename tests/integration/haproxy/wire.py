"""Requests as bytes: an application that keeps them unchanged, and a client."""

import contextlib
import re
import socket
import socketserver
import ssl
from collections.abc import Iterator, Mapping
from io import BufferedIOBase
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from tests.fakes.placements import SHA, placement
from tests.integration.haproxy import proxies
from tests.integration.haproxy.proxies import Proxy, Site
from tests.integration.haproxy.tls import Door
from tests.serving import serving
from tests.waits import wait_until

HOST = b"main.hello.localhost"
SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: main.hello.localhost\r\n\r\n"
AFTER = b"GET /after HTTP/1.1\r\nHost: main.hello.localhost\r\nConnection: close\r\n\r\n"

_PATIENCE = 30.0
_TOKEN = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_REQUEST_LINE = re.compile(_TOKEN + rb" [^\s\0]+ HTTP/1\.[01]")
_FIELD = re.compile(rb"(" + _TOKEN + rb"):[ \t]*([^\r\n\0]*)")


class Arrived(NamedTuple):
    """A request as the application got it; its body without framing."""

    head: bytes
    body: bytes

    @property
    def target(self) -> bytes:
        """The second word of the request line."""
        return self.head.split(b" ", 2)[1]

    def fields(self) -> list[tuple[bytes, bytes]]:
        """Return the names, in small letters, and values of its headers."""
        lines = self.head.removesuffix(b"\r\n\r\n").split(b"\r\n")[1:]
        pairs = [line.partition(b":") for line in lines]
        return [(name.lower(), value.strip()) for name, _, value in pairs]


def ambiguity(arrived: Arrived) -> str | None:
    """Return the part that two readers could understand differently, or None."""
    request_line, *lines = arrived.head.removesuffix(b"\r\n\r\n").split(b"\r\n")
    if not _REQUEST_LINE.fullmatch(request_line):
        return f"the request line {request_line!r}"
    for line in lines:
        if not _FIELD.fullmatch(line):
            return f"the line {line!r}"
    fields = arrived.fields()
    framing = [(n, v) for n, v in fields if n in {b"content-length", b"transfer-encoding"}]
    if len(framing) > 1:
        return f"two lengths: {framing}"
    if framing and not re.fullmatch(rb"\d{1,18}|chunked", framing[0][1]):
        return f"the length {framing[0]}"
    if [name for name, _ in fields].count(b"host") != 1:
        return f"not one Host: {fields}"
    return None


@contextlib.contextmanager
def application() -> Iterator[tuple[int, list[Arrived]]]:
    """Run an application that answers 200 to every request; yield its port and the requests.

    It reads a body by Transfer-Encoding where there is one, else by Content-Length.
    """
    seen: list[Arrived] = []

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            with contextlib.suppress(OSError):
                while (arrived := _read(self.rfile)) is not None:
                    seen.append(arrived)
                    self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\napp")

    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    with serving(server):
        yield server.server_address[1], seen


@contextlib.contextmanager
def behind_proxy(
    folder: Path, zookeeper: str, port: int, **more: str
) -> Iterator[tuple[Site, list[Arrived]]]:
    """Run it behind a proxy with further settings, at `HOST`; yield both ends."""
    with application() as (own, seen), proxies.site(folder, zookeeper, port, **more) as site:
        site.tree.place("hello", {SHA: placement("hello", SHA, own, "main")})
        wait_until(lambda: {"hello": 0} in site.tree.applied())
        yield site, seen


def _read(stream: BufferedIOBase) -> Arrived | None:
    """Return the next request; None where the connection ends, even in the middle of one."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        line = stream.readline()
        if not line:
            return None
        head += line
    fields = dict(Arrived(head, b"").fields())
    if b"transfer-encoding" in fields:
        body = _read_chunks(stream)
        return None if body is None else Arrived(head, body)
    length = int(fields.get(b"content-length", b"0"))
    body = stream.read(min(length, 1 << 30))
    return Arrived(head, body) if len(body) == length else None


def _read_chunks(stream: BufferedIOBase) -> bytes | None:
    body = b""
    while line := stream.readline():
        size = int(line.partition(b";")[0], 16)
        if size == 0:
            while line := stream.readline():
                if line == b"\r\n":
                    return body
            return None
        body += stream.read(size + 2)[:size]
    return None


class Answers(NamedTuple):
    """The status of each answer on a connection, and all bytes."""

    statuses: list[int]
    data: bytes


def exchange(client: socket.socket, data: bytes, *, half_close: bool) -> Answers:
    """Send bytes and read until the proxy closes the connection.

    Without an end within the client's time-out it fails: the proxy hangs.
    """
    got = b""
    with contextlib.suppress(ConnectionError, ssl.SSLError):  # refused before it has read all
        client.sendall(data)
    if half_close:
        with contextlib.suppress(OSError):
            client.shutdown(socket.SHUT_WR)
    with contextlib.suppress(ConnectionError, ssl.SSLError):
        while piece := client.recv(65536):
            got += piece
    return Answers([int(s) for s in re.findall(rb"HTTP/1\.1 (\d{3}) ", got)], got)


class Bench(NamedTuple):
    """A proxy and the one application behind it, and how its clients connect: plainly or by TLS."""

    site: Site
    seen: list[Arrived]
    door: Door | None = None

    def connect(self) -> socket.socket:
        """Return a new connection to the proxy."""
        if self.door is not None:
            return self.door.connect(HOST.decode(), "http/1.1")
        return socket.create_connection(("127.0.0.1", self.site.proxy.port), timeout=_PATIENCE)

    def send(self, raw: bytes) -> tuple[Answers, list[Arrived]]:
        """Send an absurd request and a valid one; return the answers and what arrived.

        Checks that it ends, no answer is a 5xx, what arrived is unambiguous and at most one request
        besides the valid one, and the proxy goes on serving. A client without TLS ends its side
        when it has sent everything.
        """
        self.seen.clear()
        with self.connect() as client:
            answers = exchange(client, raw + AFTER, half_close=self.door is None)
        arrived = [request for request in self.seen if request.target != b"/after"]
        assert all(status < 500 for status in answers.statuses), answers.data
        assert [found for found in map(ambiguity, self.seen) if found] == []
        assert len(arrived) <= 1, arrived
        assert self.site.proxy.request(HOST.decode()).body == b"app"
        return answers, arrived


UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version": "13",
}
"""What a client says that opens a WebSocket."""


def upgrade(host: str, headers: Mapping[str, str] = MappingProxyType({})) -> bytes:
    """Return a request that opens a WebSocket at /echo."""
    lines = [f"{name}: {value}\r\n" for name, value in {"Host": host, **UPGRADE, **headers}.items()]
    return f"GET /echo HTTP/1.1\r\n{''.join(lines)}\r\n".encode()


def held(proxy: Proxy) -> int:
    """Return how many requests are held, as the proxy counts them."""
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(proxy.folder / "wake.sock"))
        client.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
        text = b"".join(iter(lambda: client.recv(65536), b"")).decode()
    (number,) = re.findall(r"^prevs_proxy_held_requests (\d+)", text, re.M)
    return int(number)
