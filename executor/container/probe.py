"""The health check's question: over HTTP/1.1, HTTP/2 or gRPC, or a connection alone."""

from __future__ import annotations

import contextlib
import functools
import http.client
import socket
import threading
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

from executor.ports import HTTP2, Answer, Signals
from prevs.commit_settings import HealthKind

ANSWER_LIMIT = 10.0
"""Seconds for one answer: a development server may build its first page when asked for it."""

STAYS_SECONDS = 0.2
"""How long a connection has to stay where nothing else is asked for: docker's proxy takes one for a
container that does not listen, and closes it at once."""

_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0"
"""How a client begins to speak HTTP/2, with empty settings (RFC 9113, 3.4)."""

_FRAME_HEAD = 9
_SETTINGS = b"\x04"

_HUNG_UP = Answer(connected=False, problem="it closed the connection")
_NO_HTTP = Answer(connected=True, problem="what answered speaks neither HTTP/1.1 nor HTTP/2")
_NO_HTTP2 = Answer(connected=True, problem="what answered does not speak HTTP/2")
_GREETED = Answer(connected=True, protocol=HTTP2)


class ApplicationProbe:
    """Fulfils the port Probe: asks at an address, as a visitor of `url` would.

    Where the kind is to be guessed, who does not answer HTTP/1.1 is asked over HTTP/2, and who
    speaks gRPC there is asked for its health.
    """

    def __init__(
        self,
        address: tuple[str, int],
        path: str,
        url: str,
        *,
        signals: Signals,
        answer_limit: float = ANSWER_LIMIT,
        kind: HealthKind = HealthKind.GUESSED,
    ) -> None:
        self._address = address
        self._path = path
        # Applications may answer only to their own name.
        self._host = urlsplit(url).netloc or f"{address[0]}:{address[1]}"
        self._signals = signals
        self._answer_limit = answer_limit
        self._kind = kind
        self._speaks_http2 = False

    def ask(self) -> Answer:
        """Ask once; redirects are not followed, a page is not read. Raises Stopped."""
        if self._kind is HealthKind.TCP:
            return self._have(_stay)
        if self._kind is HealthKind.GRPC or self._speaks_http2:
            return self._ask_http2()
        answer = self._have(self._get)
        if answer not in (_HUNG_UP, _NO_HTTP):
            return answer
        found = self._ask_http2()
        return found if self._speaks_http2 else answer

    def _ask_http2(self) -> Answer:
        if not self._speaks_http2:
            answer = self._have(_greet)
            if answer != _GREETED:
                return answer
            self._speaks_http2 = True
        # Loaded only for those who speak it: it costs as much as all that asks the others.
        from executor.container import http2

        question = http2.Question(self._host, self._path, self._kind)
        return self._have(lambda sock: http2.ask(sock, question))

    def _have(self, talk: Callable[[socket.socket], Answer]) -> Answer:
        """Return what a talk over a connection of its own gives. Raises Stopped."""
        try:
            sock = socket.create_connection(self._address, timeout=self._answer_limit)
        except OSError:
            return Answer(connected=False)
        wake = functools.partial(_wake, sock)
        ends = contextlib.closing(sock), self._signals.interrupting(wake)
        with ends[0], ends[1], self._limited(wake) as expired:
            answer = self._listen(sock, talk)
        self._signals.check()
        return self._too_late() if expired.is_set() else answer

    def _listen(self, sock: socket.socket, talk: Callable[[socket.socket], Answer]) -> Answer:
        try:
            return talk(sock)
        except (TimeoutError, socket.timeout):  # two things before Python 3.10
            return self._too_late()
        except OSError:
            return _HUNG_UP

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

    def _get(self, sock: socket.socket) -> Answer:
        connection = http.client.HTTPConnection(*self._address)
        connection.sock = sock
        headers = {"Host": self._host, "User-Agent": "prevs-health-check", "Connection": "close"}
        try:
            connection.request("GET", self._path, headers=headers)
            return Answer(connected=True, status=connection.getresponse().status)
        except http.client.RemoteDisconnected:
            # docker's proxy accepts for a container that does not listen, and hangs up.
            return _HUNG_UP
        except http.client.HTTPException:
            return _NO_HTTP


def _greet(sock: socket.socket) -> Answer:
    """Tell whether who listens speaks HTTP/2: it begins with its settings, whatever it is asked."""
    sock.sendall(_PREFACE)
    head = b""
    while len(head) < _FRAME_HEAD:
        piece = sock.recv(_FRAME_HEAD - len(head))
        if not piece:
            break
        head += piece
    if not head:
        return _HUNG_UP
    is_settings = len(head) == _FRAME_HEAD and head[3:4] == _SETTINGS and not any(head[5:])
    return _GREETED if is_settings else _NO_HTTP2


def _stay(sock: socket.socket) -> Answer:
    """Tell whether who listens keeps a connection, or says something."""
    sock.settimeout(STAYS_SECONDS)
    try:
        heard = sock.recv(1)
    except (TimeoutError, socket.timeout):
        return Answer(connected=True, passed=True)
    return Answer(connected=True, passed=True) if heard else _HUNG_UP


def _wake(sock: socket.socket) -> None:
    try:
        sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        # It is closed already: nobody waits on it.
        return
