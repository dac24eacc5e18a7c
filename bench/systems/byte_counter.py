"""Forwards a port to another one, and counts the bytes that pass."""

import contextlib
import socket
import threading
from collections.abc import Iterator


class Counter:
    """Counts bytes in both directions."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._bytes = 0

    def add(self, count: int) -> None:
        """Add to the count."""
        with self._lock:
            self._bytes += count

    def take(self) -> int:
        """Return the count since the last call, and reset it."""
        with self._lock:
            count, self._bytes = self._bytes, 0
            return count


@contextlib.contextmanager
def counting(port: int) -> Iterator[tuple[int, Counter]]:
    """Forward a new port of 127.0.0.1 to `port`; yield it and its counter."""
    counter = Counter()
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=_accept, args=(server, port, counter), daemon=True).start()
        yield server.getsockname()[1], counter


def _accept(server: socket.socket, port: int, counter: Counter) -> None:
    while True:
        try:
            near, _ = server.accept()
        except OSError:  # closed: the measurement is over
            return
        try:
            far = socket.create_connection(("127.0.0.1", port), timeout=10)
        except OSError:
            near.close()
            continue
        far.settimeout(None)
        for ends in ((near, far), (far, near)):
            threading.Thread(target=_copy, args=(*ends, counter), daemon=True).start()


def _copy(source: socket.socket, target: socket.socket, counter: Counter) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            counter.add(len(data))
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)
