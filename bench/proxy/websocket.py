"""Minimal WebSockets (RFC 6455): messages of 64 bytes, and a server that echoes them.

They are the same for every proxy, and use little time themselves. The server is
`python -m bench.proxy.websocket PORT`; it answers other requests with 200.
"""

import base64
import contextlib
import hashlib
import re
import select
import socket
import sys
import time
from collections.abc import Iterator, Sequence

from bench.harness.errors import BenchError

_PAYLOAD = b"x" * 64
# A mask of zeros leaves the payload unchanged, so the echo needs no unmasking.
SENT = bytes((0x82, 0x80 | len(_PAYLOAD), 0, 0, 0, 0)) + _PAYLOAD
ECHOED = bytes((0x82, len(_PAYLOAD))) + _PAYLOAD
_KEY = base64.b64encode(b"sixteen bytes...").decode()
_LIMIT = 10.0


def accepted(key: str) -> str:
    """Return Sec-WebSocket-Accept for a Sec-WebSocket-Key."""
    digest = hashlib.sha1(f"{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11".encode()).digest()
    return base64.b64encode(digest).decode()


def answer(head: bytes) -> bytes:
    """Return the server's answer to the head of a request."""
    key = re.search(rb"(?im)^sec-websocket-key:\s*(\S+)", head)
    if key is None:
        return b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n"
    return (
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Accept: {accepted(key[1].decode())}\r\n\r\n"
    ).encode()


@contextlib.contextmanager
def opened(count: int, port: int, host: str) -> Iterator[list[socket.socket]]:
    """Open WebSockets, and close them."""
    head = (
        f"GET /echo HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {_KEY}\r\n\r\n"
    )
    with contextlib.ExitStack() as stack:
        sockets = []
        for _ in range(count):
            client = socket.create_connection(("127.0.0.1", port), timeout=_LIMIT)
            sockets.append(stack.enter_context(client))
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            client.sendall(head.encode())
            got = b""
            while not got.endswith(b"\r\n\r\n") and (piece := client.recv(4096)):
                got += piece
            if b" 101 " not in got or accepted(_KEY).encode() not in got:
                raise BenchError(f"no WebSocket: {got[:200]!r}")
        yield sockets


def exchange(sockets: Sequence[socket.socket], seconds: float) -> int:
    """Send a message on each, the next when it has come back; return the number of echoes.

    Raises BenchError if none comes for a while.
    """
    poll = select.epoll()
    by_number = {client.fileno(): client for client in sockets}
    missing = dict.fromkeys(by_number, len(ECHOED))
    for number, client in by_number.items():
        poll.register(number, select.EPOLLIN)
        client.sendall(SENT)
    count, end = 0, time.monotonic() + seconds
    with contextlib.closing(poll):
        while time.monotonic() < end:
            ready = poll.poll(_LIMIT)
            if not ready:
                raise BenchError("a message over a WebSocket did not come back")
            for number, _ in ready:
                got = len(by_number[number].recv(len(ECHOED)))
                if not got:
                    raise BenchError("a WebSocket was closed")
                missing[number] -= got
                if not missing[number]:
                    count += 1
                    missing[number] = len(ECHOED)
                    by_number[number].send(SENT)
    return count


class _Client:
    """A connection to the server: first HTTP, then perhaps a WebSocket."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self._got = b""
        self._is_websocket = False

    def serve(self) -> bool:
        """Answer the received data; return whether the connection is still open."""
        piece = self.connection.recv(65536)
        self._got += piece
        if self._is_websocket:
            whole = len(self._got) // len(SENT)
            self._got = self._got[whole * len(SENT) :]
            if whole:
                self.connection.send(ECHOED * whole)
        elif self._got.endswith(b"\r\n\r\n"):
            reply, self._got = answer(self._got), b""
            self._is_websocket = b" 101 " in reply
            self.connection.send(reply)
        return bool(piece)


def serve(port: int) -> None:
    """Echo until the process ends."""
    listener = socket.create_server(("127.0.0.1", port), backlog=1024)
    poll, clients = select.epoll(), dict[int, _Client]()
    poll.register(listener, select.EPOLLIN)
    while True:
        for number, _ in poll.poll():
            if number == listener.fileno():
                connection, _ = listener.accept()
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                clients[connection.fileno()] = _Client(connection)
                poll.register(connection, select.EPOLLIN)
                continue
            goes_on = False
            with contextlib.suppress(OSError):
                goes_on = clients[number].serve()
            if not goes_on:
                poll.unregister(number)
                clients.pop(number).connection.close()


if __name__ == "__main__":
    serve(int(sys.argv[1]))
