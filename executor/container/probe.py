"""Checks the health of an application by HTTP/1.1, HTTP/2, gRPC, or a connection alone."""

from __future__ import annotations

import contextlib
import functools
import http.client
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Optional
from urllib.parse import urlsplit

from executor.limits.ingress import CHECK_SOURCE
from executor.ports import HTTP2, Answer, Signals
from prevs.commit_settings import HealthKind

ANSWER_LIMIT = 10.0
"""Seconds for one answer: a development server may build its first page only on request."""

STAYS_SECONDS = 0.2
"""How long a connection must stay open to pass a TCP check. docker's proxy accepts connections for
a container that does not listen, and closes them at once."""

_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0"
"""A client's connection preface of HTTP/2, with empty settings (RFC 9113, 3.4)."""

_FRAME_HEAD = 9
_SETTINGS = b"\x04"

_HUNG_UP = Answer(connected=False, problem="it closed the connection")
_NO_HTTP = Answer(connected=True, problem="it speaks neither HTTP/1.1 nor HTTP/2")
_NO_HTTP2 = Answer(connected=True, problem="it does not speak HTTP/2")
_GREETED = Answer(connected=True, protocol=HTTP2)


class ApplicationProbe:
    """Fulfils the port Probe: sends requests to an address, like a visitor of `url`.

    With the kind GUESSED, an application that does not speak HTTP/1.1 gets a request over HTTP/2,
    and if it speaks gRPC, a call of gRPC's health service.
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
        host: str = "",
    ) -> None:
        """`host` is the Host of its requests, "" for that of `url`."""
        self._address = address
        self._path = path
        # Applications may answer only requests to their own host name.
        self._host = host or urlsplit(url).netloc or f"{address[0]}:{address[1]}"
        self._signals = signals
        self._answer_limit = answer_limit
        self._kind = kind
        self._speaks_http2 = False

    def check(self) -> Answer:
        """Check once. Follows no redirects and reads no body."""
        if self._kind is HealthKind.TCP:
            return self._connect(_stay)
        if self._kind is HealthKind.GRPC or self._speaks_http2:
            return self._check_http2()
        answer = self._connect(self._get)
        if answer not in (_HUNG_UP, _NO_HTTP):
            return answer
        found = self._check_http2()
        return found if self._speaks_http2 else answer

    def _check_http2(self) -> Answer:
        if not self._speaks_http2:
            answer = self._connect(_greet)
            if answer != _GREETED:
                return answer
            self._speaks_http2 = True
        # Imported only for HTTP/2: it takes as much memory as the rest of the check.
        from executor.container import http2

        request = http2.Request(self._host, self._path, self._kind)
        return self._connect(lambda sock: http2.check(sock, request))

    def _connect(self, exchange: Callable[[socket.socket], Answer]) -> Answer:
        """Return the result of `exchange` on a new connection."""
        try:
            sock = socket.create_connection(
                self._address, self._answer_limit, _find_source(self._address[0])
            )
        except OSError:
            return Answer(connected=False)
        wake = functools.partial(_wake, sock)
        ends = contextlib.closing(sock), self._signals.interrupting(wake)
        with ends[0], ends[1], self._limited(wake) as expired:
            answer = self._try(sock, exchange)
        self._signals.check()
        return self._too_late() if expired.is_set() else answer

    def _try(self, sock: socket.socket, exchange: Callable[[socket.socket], Answer]) -> Answer:
        try:
            return exchange(sock)
        except (TimeoutError, socket.timeout):  # two things before Python 3.10
            return self._too_late()
        except OSError:
            return _HUNG_UP

    @contextlib.contextmanager
    def _limited(self, wake: Callable[[], None]) -> Iterator[threading.Event]:
        """Call `wake` if the whole answer takes too long: a socket's timeout is for each read."""
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
        return Answer(connected=True, problem=f"it did not answer within {self._answer_limit:g} s")

    def _get(self, sock: socket.socket) -> Answer:
        connection = http.client.HTTPConnection(*self._address)
        connection.sock = sock
        headers = {"Host": self._host, "User-Agent": "prevs-health-check", "Connection": "close"}
        try:
            connection.request("GET", self._path, headers=headers)
            return Answer(connected=True, status=connection.getresponse().status)
        except http.client.RemoteDisconnected:
            # docker's proxy accepts for a container that does not listen, and closes.
            return _HUNG_UP
        except http.client.HTTPException:
            return _NO_HTTP


def _find_source(host: str) -> Optional[tuple[str, int]]:
    """Return from where to connect: at a loopback address, previews are closed to all others."""
    return (CHECK_SOURCE, 0) if host.startswith("127.") else None


def _greet(sock: socket.socket) -> Answer:
    """Find out whether the server speaks HTTP/2: then it starts with a SETTINGS frame."""
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
    """Find out whether the server keeps the connection open or sends something."""
    sock.settimeout(STAYS_SECONDS)
    try:
        received = sock.recv(1)
    except (TimeoutError, socket.timeout):
        return Answer(connected=True, passed=True)
    return Answer(connected=True, passed=True) if received else _HUNG_UP


def _wake(sock: socket.socket) -> None:
    try:
        sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        # It is closed already, so nobody waits on it.
        return
