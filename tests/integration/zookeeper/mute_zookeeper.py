"""A ZooKeeper that accepts connections and answers none, as 3.9 may while it starts."""

import contextlib
import socket
from collections.abc import Iterator


class MuteZookeeper:
    """Listens on loopback at `address`."""

    def __init__(self, server: socket.socket) -> None:
        self.address = f"127.0.0.1:{server.getsockname()[1]}"
        self._server = server

    def wait_given_up(self, seconds: float) -> None:
        """Wait for a connection, and for the next one at most this many seconds after it."""
        self._server.settimeout(60)
        first, _ = self._server.accept()
        with first:
            self._server.settimeout(seconds)
            second, _ = self._server.accept()
            second.close()


@contextlib.contextmanager
def listening() -> Iterator[MuteZookeeper]:
    """Run one for the time of a block."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield MuteZookeeper(server)
