"""The health check's question over HTTP."""

import contextlib
import functools
import http.client
import socket
import threading
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

from executor.ports import Answer, Signals

ANSWER_LIMIT = 10.0
"""Seconds for one answer: a development server may build its first page when asked for it."""


class HttpProbe:
    """Fulfils the port Probe: GET `path` at an address, as a visitor of `url` would send it."""

    def __init__(
        self,
        address: tuple[str, int],
        path: str,
        url: str,
        *,
        signals: Signals,
        answer_limit: float = ANSWER_LIMIT,
    ) -> None:
        self._address = address
        self._path = path
        # Applications may answer only to their own name.
        self._host = urlsplit(url).netloc or f"{address[0]}:{address[1]}"
        self._signals = signals
        self._answer_limit = answer_limit

    def ask(self) -> Answer:
        """Send one GET; redirects are not followed, the body is not read. Raises Stopped."""
        connection = http.client.HTTPConnection(*self._address, timeout=self._answer_limit)
        try:
            connection.connect()
            # http.client drops its socket as soon as the answer's headers are there.
            wake = functools.partial(_wake, connection.sock)
            with self._signals.interrupting(wake), self._limited(wake) as expired:
                answer = self._get(connection)
        except OSError:
            return Answer(connected=False)
        finally:
            connection.close()
        self._signals.check()
        return self._too_late() if expired.is_set() else answer

    @contextlib.contextmanager
    def _limited(self, wake: Callable[[], None]) -> Iterator[threading.Event]:
        """Call `wake` when the whole answer has taken too long: a socket limits only each piece."""
        expired = threading.Event()

        def expire() -> None:
            expired.set()
            wake()

        timer = threading.Timer(self._answer_limit, expire)
        timer.daemon = True
        timer.start()
        try:
            yield expired
        finally:
            timer.cancel()

    def _too_late(self) -> Answer:
        return Answer(connected=True, problem=f"no answer came within {self._answer_limit:g} s")

    def _get(self, connection: http.client.HTTPConnection) -> Answer:
        headers = {"Host": self._host, "User-Agent": "prevs-health-check", "Connection": "close"}
        try:
            connection.request("GET", self._path, headers=headers)
            return Answer(connected=True, status=connection.getresponse().status)
        except (TimeoutError, socket.timeout):  # two things before Python 3.10
            return self._too_late()
        except (http.client.RemoteDisconnected, ConnectionError):
            # docker's proxy accepts for a container that does not listen, and hangs up.
            return Answer(connected=False)
        except http.client.HTTPException:
            return Answer(connected=True, problem="what answered does not speak HTTP")


def _wake(sock: socket.socket) -> None:
    try:
        sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        # It is closed already: nobody waits on it.
        return
