"""A socket in front of a docker daemon's that acts when certain calls come."""

import contextlib
import re
import socket
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

_LIMIT = 30.0
"""Seconds."""

_LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")


class DockerDoor:
    """Passes bytes both ways. `host` is what DOCKER_HOST has to be; `path` must be short.

    If a request contains a word of `when`, its function is called before the request is passed
    on. It is passed on even if its sender has died meanwhile; the daemon, which gives up work
    without a client, notices that only after it has answered.
    """

    def __init__(self, path: Path, host: str, when: Mapping[bytes, Callable[[], None]]) -> None:
        self.host = f"unix://{path}"
        self._upstream = host.removeprefix("unix://")
        self._when = when
        self._server = socket.socket(socket.AF_UNIX)
        self._server.bind(str(path))
        self._server.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Accept no further connection."""
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client = self._server.accept()[0]
                upstream = socket.socket(socket.AF_UNIX)
                upstream.connect(self._upstream)
                ends = client, upstream, threading.Event()
                for way in (self._send_request, self._send_response):
                    threading.Thread(target=way, args=ends, daemon=True).start()

    def _send_request(
        self, client: socket.socket, upstream: socket.socket, answered: threading.Event
    ) -> None:
        answered.set()
        with contextlib.suppress(OSError):
            while data := client.recv(65536):
                for word, before in self._when.items():
                    if word in data:
                        data += _rest(client, data)
                        before()
                        answered.clear()
                upstream.sendall(data)
        answered.wait(_LIMIT)
        with contextlib.suppress(OSError):
            upstream.shutdown(socket.SHUT_WR)

    def _send_response(
        self, client: socket.socket, upstream: socket.socket, answered: threading.Event
    ) -> None:
        with contextlib.suppress(OSError):
            while data := upstream.recv(65536):
                answered.set()
                client.sendall(data)
            client.shutdown(socket.SHUT_WR)


def _rest(client: socket.socket, data: bytes) -> bytes:
    """Return the rest of a request's body, which its sender sends separately."""
    head, _, body = data.partition(b"\r\n\r\n")
    found = _LENGTH.search(head)
    rest = bytearray()
    while found and len(body) + len(rest) < int(found.group(1)):
        piece = client.recv(65536)
        if not piece:
            break
        rest += piece
    return bytes(rest)
