"""A ZooKeeper that takes links and answers none, as 3.9 does with some while it starts."""

import contextlib
import socket
from collections.abc import Iterator


class MuteZookeeper:
    """Listens on loopback at `address`."""

    def __init__(self, server: socket.socket) -> None:
        self.address = f"127.0.0.1:{server.getsockname()[1]}"
        self._server = server

    def wait_given_up(self, seconds: float) -> None:
        """Wait for a link, and for the next one at most so many seconds after it."""
        self._server.settimeout(60)
        first, _ = self._server.accept()
        with first:
            self._server.settimeout(seconds)
            second, _ = self._server.accept()
            second.close()


@contextlib.contextmanager
def listening() -> Iterator[MuteZookeeper]:
    """Have one for a while."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield MuteZookeeper(server)
