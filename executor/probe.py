"""The health check's question over HTTP."""

import http.client
import socket
from urllib.parse import urlsplit

from executor.ports import Answer, Signals

_ANSWER_LIMIT = 10.0
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
        answer_limit: float = _ANSWER_LIMIT,
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
            with self._signals.interrupting(lambda: _wake(connection.sock)):
                answer = self._get(connection)
        except OSError:
            return Answer(connected=False)
        finally:
            connection.close()
        self._signals.check()
        return answer

    def _get(self, connection: http.client.HTTPConnection) -> Answer:
        headers = {"Host": self._host, "User-Agent": "prevs-health-check", "Connection": "close"}
        try:
            connection.request("GET", self._path, headers=headers)
            return Answer(connected=True, status=connection.getresponse().status)
        except TimeoutError:
            return Answer(connected=True, problem=f"no answer came within {self._answer_limit:g} s")
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
