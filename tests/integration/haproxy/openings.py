"""Clients in the middle of something that takes long, one of each kind.

A slow answer, an upload, a download, a WebSocket, a stream of server-sent events.
"""

import contextlib
import http.client
import select
import socket
from collections.abc import Iterator
from typing import Protocol

from tests.integration.haproxy.long_application import PIECE, PIECES, LongApplication
from tests.integration.haproxy.proxies import Proxy
from tests.integration.haproxy.wire import UPGRADE
from tests.waits import wait_until

HOST = "main.hello.localhost"
_PATIENCE = 120.0


class Opened(Protocol):
    """A client in the middle of something. Each method fails when that was cut."""

    def beat(self) -> None:
        """Check that it goes on: the application has had one more beat."""
        ...

    def end(self) -> str:
        """Complete it after `finish`; return the name of the application."""
        ...

    def close(self) -> None:
        """Drop it."""
        ...


class _Client:
    def __init__(self, proxy: Proxy, path: str, *lines: str, method: str = "GET") -> None:
        self.socket = socket.create_connection(("127.0.0.1", proxy.port), timeout=_PATIENCE)
        head = "\r\n".join([f"{method} {path} HTTP/1.1", f"Host: {HOST}", *lines])
        self.socket.sendall(f"{head}\r\n\r\n".encode())

    def close(self) -> None:
        self.socket.close()

    def answer(self) -> http.client.HTTPResponse:
        answer = http.client.HTTPResponse(self.socket)
        answer.begin()
        assert answer.status == 200, answer.read()
        return answer

    def name(self) -> str:
        return self.answer().read().decode()


class Slow(_Client):
    """It waits for its answer."""

    def __init__(self, proxy: Proxy) -> None:
        super().__init__(proxy, "/slow")

    def beat(self) -> None:
        assert select.select([self.socket], [], [], 0)[0] == [], "an answer, or the end"

    def end(self) -> str:
        return self.name()


class Upload(_Client):
    """It sends a piece at each beat."""

    def __init__(self, proxy: Proxy, application: LongApplication) -> None:
        length = f"Content-Length: {len(PIECE) * PIECES}"
        super().__init__(proxy, "/upload", length, method="POST")
        self._application = application
        self._sent = 0

    def beat(self) -> None:
        self.socket.sendall(PIECE)
        self._sent += 1
        wait_until(lambda: self._application.received == len(PIECE) * self._sent)

    def end(self) -> str:
        self.socket.sendall(PIECE * (PIECES - self._sent))
        name = self.name()
        assert self._application.received == len(PIECE) * PIECES
        return name


class Download(_Client):
    """It gets a piece at each beat."""

    def __init__(self, proxy: Proxy, application: LongApplication) -> None:
        super().__init__(proxy, "/download")
        self._application = application
        self._answer = self.answer()
        self._got = 0

    def beat(self) -> None:
        assert self._answer.read(len(PIECE)) == PIECE
        self._got += 1

    def end(self) -> str:
        assert self._answer.read() == PIECE * (PIECES - self._got)
        return self._application.name


class Events(_Client):
    """It gets an event at each beat."""

    def __init__(self, proxy: Proxy) -> None:
        super().__init__(proxy, "/events", "Accept: text/event-stream")
        self._answer = self.answer()
        self._got = 0

    def _event(self) -> tuple[str, str]:
        line, empty = self._answer.readline(), self._answer.readline()
        assert empty == b"\n"
        name, _, number = line.decode().removeprefix("data: ").strip().partition(" ")
        return name, number

    def beat(self) -> None:
        assert self._event()[1] == str(self._got)
        self._got += 1

    def end(self) -> str:
        name, number = self._event()
        assert number == "over"
        assert self._answer.read() == b""
        return name


class WebSocket(_Client):
    """It gets back what it sends at each beat."""

    def __init__(self, proxy: Proxy) -> None:
        super().__init__(proxy, "/echo", *(f"{name}: {value}" for name, value in UPGRADE.items()))
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            piece = self.socket.recv(1)
            assert piece, head
            head += piece
        assert head.startswith(b"HTTP/1.1 101 ")
        self._beats = 0

    def beat(self) -> None:
        self._beats += 1
        assert self._echo(f"beat {self._beats}").endswith(f" beat {self._beats}")

    def _echo(self, text: str) -> str:
        self.socket.sendall(text.encode())
        got = b""
        while not got.endswith(text.encode()):
            piece = self.socket.recv(1000)
            assert piece, got
            got += piece
        return got.decode()

    def end(self) -> str:
        return self._echo("over").partition(" ")[0]


class Openings:
    """One of each kind, all at one application."""

    def __init__(self, proxy: Proxy, application: LongApplication) -> None:
        self._application = application
        self.clients: list[Opened] = [
            Slow(proxy),
            Upload(proxy, application),
            Download(proxy, application),
            Events(proxy),
            WebSocket(proxy),
        ]

    def go_on(self) -> None:
        """Check that every one of them goes on."""
        for _ in range(3):
            self._application.beat()
            for client in self.clients:
                client.beat()

    def end(self) -> set[str]:
        """Complete all; return the names of their applications."""
        self._application.finish()
        return {client.end() for client in self.clients}


@contextlib.contextmanager
def open_all(proxy: Proxy, application: LongApplication) -> Iterator[Openings]:
    """Open one of each kind; those that are not completed are dropped."""
    openings = Openings(proxy, application)
    try:
        openings.go_on()
        yield openings
    finally:
        for client in openings.clients:
            client.close()
