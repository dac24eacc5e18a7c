"""Visitors who send requests continuously, each on a persistent connection."""

import contextlib
import http.client
import threading
import time
from collections.abc import Iterator
from typing import NamedTuple

from tests.waits import wait_until

_PAUSE_SECONDS = 0.01
_PATIENCE = 60.0


class Exchange(NamedTuple):
    """A request: when it was sent (monotonic), and its answer or what went wrong."""

    sent: float
    body: bytes | None
    problem: str | None


class CrowdVisitor(threading.Thread):
    """One connection; every second request has a body, and some take their time."""

    def __init__(self, port: int, host: str, path: str) -> None:
        super().__init__(daemon=True)
        self._port, self._host, self._path = port, host, path
        self._over = threading.Event()
        self.exchanges: list[Exchange] = []
        self.start()

    def run(self) -> None:
        """Send requests until it is stopped."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=_PATIENCE)
        while not self._over.wait(_PAUSE_SECONDS):
            body = b"x" * 1000 if len(self.exchanges) % 2 else None
            sent = time.monotonic()
            try:
                method = "POST" if body else "GET"
                connection.request(method, self._path, body, {"Host": self._host})
                answer = connection.getresponse()
                text = answer.read()
            except (OSError, http.client.HTTPException) as error:
                connection.close()
                self.exchanges.append(Exchange(sent, None, repr(error)))
                continue
            problem = None if answer.status == 200 else f"{answer.status} {text!r}"
            self.exchanges.append(Exchange(sent, text, problem))
        connection.close()

    def end(self) -> None:
        """Let the open request be the last."""
        self._over.set()
        self.join(_PATIENCE + 10)
        assert not self.is_alive()


class Crowd(NamedTuple):
    """Several visitors."""

    visitors: list[CrowdVisitor]

    def go_on(self, requests: int = 5) -> None:
        """Wait until each has completed as many more requests."""
        before = [len(visitor.exchanges) for visitor in self.visitors]
        wait_until(
            lambda: all(
                len(visitor.exchanges) >= count + requests
                for visitor, count in zip(self.visitors, before, strict=True)
            )
        )

    def problems(self) -> list[Exchange]:
        """Return the requests that failed."""
        return [one for visitor in self.visitors for one in visitor.exchanges if one.problem]


@contextlib.contextmanager
def crowd(ports: list[int], host: str, paths: list[str]) -> Iterator[Crowd]:
    """Request each path at every port, on a connection for each path."""
    people = Crowd([CrowdVisitor(port, host, path) for path in paths for port in ports])
    try:
        people.go_on()
        yield people
    finally:
        for visitor in people.visitors:
            visitor.end()
