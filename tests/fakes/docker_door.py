"""A socket before a docker daemon's that can be told what to do when certain calls come."""

import contextlib
import socket
import threading
from collections.abc import Callable, Mapping
from pathlib import Path


class DockerDoor:
    """Passes bytes both ways. `host` is what DOCKER_HOST has to be; `path` must be short.

    Where a request has a word of `when` in it, that is called before it is passed on; it is passed
    on even if its sender has died meanwhile.
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
        """Let nobody else in."""
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client = self._server.accept()[0]
                upstream = socket.socket(socket.AF_UNIX)
                upstream.connect(self._upstream)
                for source, target in ((client, upstream), (upstream, client)):
                    threading.Thread(target=self._pass, args=(source, target), daemon=True).start()

    def _pass(self, source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                for word, before in self._when.items():
                    if word in data:
                        before()
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
