"""The health check over HTTP/2 and gRPC. The only module that uses h2.

Imported only if an application speaks HTTP/2 and not HTTP/1.1.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence
from typing import NamedTuple, Optional

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    Event,
    ResponseReceived,
    StreamEnded,
    StreamReset,
    TrailersReceived,
)
from h2.exceptions import H2Error

from executor.ports import HTTP2, Answer
from prevs.commit_settings import HealthKind

_CHECK = "/grpc.health.v1.Health/Check"
"""The method of gRPC's health checking protocol."""

_WHOLE_SERVER = b"\0\0\0\0\0"
"""A HealthCheckRequest without a service: not compressed, of no bytes."""

_SERVING = {0: "UNKNOWN", 1: "SERVING", 2: "NOT_SERVING", 3: "SERVICE_UNKNOWN"}
_OK, _UNIMPLEMENTED = "0", "12"
_NO_PAGES = (405, 415)
"""The status with which gRPC servers answer a GET; some send no header of gRPC."""

_LONGEST = 1000
"""Bytes of a body that are read: a response of the health service has seven."""

Header = tuple[str, str]


class Request(NamedTuple):
    """The host and the path of a request, and the kind of the check."""

    host: str
    path: str
    kind: HealthKind


class _Reply(NamedTuple):
    """A response; `status` is None if none came. `headers` include the trailers."""

    status: Optional[int]
    headers: Mapping[str, str]
    body: bytes

    @property
    def is_grpc(self) -> bool:
        """Whether the server speaks gRPC."""
        kind = self.headers.get("content-type", "")
        return "grpc-status" in self.headers or kind.startswith("application/grpc")


def check(sock: socket.socket, request: Request) -> Answer:
    """Check over a new connection to a server that speaks HTTP/2. Raises OSError."""
    try:
        return _check(_Session(sock, request.host), request)
    except H2Error as exc:
        return Answer(connected=True, problem=f"its answer is not HTTP/2 ({exc})")


def _check(session: _Session, request: Request) -> Answer:
    if request.kind is HealthKind.GRPC:
        return _judge(session.check()) or _no_grpc()
    page = session.get(request.path)
    if request.kind is not HealthKind.HTTP and _may_be_grpc(page):
        health = _judge(session.check())
        if health is not None:
            return health
    if page.status is None:
        return Answer(connected=True, problem="it speaks HTTP/2, but did not answer")
    return Answer(connected=True, status=page.status, protocol=HTTP2)


def _may_be_grpc(page: _Reply) -> bool:
    return page.is_grpc or page.status is None or page.status in _NO_PAGES


def _judge(reply: _Reply) -> Optional[Answer]:
    """Return what a response of a health service means, None if it is not gRPC."""
    status = reply.headers.get("grpc-status")
    if status is None:
        return None
    if status == _UNIMPLEMENTED:
        # It has no health service: that it answers calls is all that can be known.
        return Answer(connected=True, protocol=HTTP2, passed=True)
    if status != _OK:
        problem = f"it answered with the gRPC status {status[:20]}"
        if words := reply.headers.get("grpc-message"):
            problem += f" ({words[:200]})"
        return Answer(connected=True, passed=False, problem=problem)
    serving = _read_serving(reply.body)
    if serving == 1:
        return Answer(connected=True, protocol=HTTP2, passed=True)
    problem = f"its health service answers {_SERVING.get(serving, str(serving))}"
    return Answer(connected=True, passed=False, problem=problem)


def _no_grpc() -> Answer:
    return Answer(
        connected=True, passed=False, problem="it answered over HTTP/2, but not with gRPC"
    )


def _read_serving(body: bytes) -> int:
    """Return `status` of a HealthCheckResponse: its field 1, a varint, 0 if it is missing."""
    message = body[5:]
    return message[1] if len(message) >= 2 and message[0] == 0x08 else 0


class _Session:
    """A connection; it sends its requests in turn."""

    def __init__(self, sock: socket.socket, host: str) -> None:
        self._sock = sock
        self._host = host
        self._ended = False
        self._connection = H2Connection(H2Configuration(client_side=True, header_encoding="utf-8"))
        self._connection.initiate_connection()

    def get(self, path: str) -> _Reply:
        """Get a page without its body. Raises OSError, H2Error."""
        return self._request("GET", path, (), None)

    def check(self) -> _Reply:
        """Call gRPC's health service. Raises OSError, H2Error."""
        headers = (("content-type", "application/grpc"), ("te", "trailers"))
        return self._request("POST", _CHECK, headers, _WHOLE_SERVER)

    def _request(
        self, method: str, path: str, more: Sequence[Header], body: Optional[bytes]
    ) -> _Reply:
        if self._ended:
            return _Reply(None, {}, b"")
        stream = self._connection.get_next_available_stream_id()
        headers = [
            *((":method", method), (":scheme", "http"), (":path", path)),
            *((":authority", self._host), ("user-agent", "prevs-health-check"), *more),
        ]
        self._connection.send_headers(stream, headers, end_stream=body is None)
        if body is not None:
            self._connection.send_data(stream, body, end_stream=True)
        return self._reply(stream, whole=body is not None)

    def _reply(self, stream: int, *, whole: bool) -> _Reply:
        """Return the response on a stream: its headers, or all of it."""
        reply = _Reply(None, {}, b"")
        while not self._ended:
            self._sock.sendall(self._connection.data_to_send())
            piece = self._sock.recv(65536)
            self._ended = not piece
            for event in self._connection.receive_data(piece) if piece else ():
                self._ended = self._ended or isinstance(event, ConnectionTerminated)
                if getattr(event, "stream_id", None) == stream:
                    reply = _add(reply, event)
                    if _is_over(event) or len(reply.body) > _LONGEST:
                        return reply
            if reply.status is not None and not whole:
                return reply
        return reply


def _is_over(event: Event) -> bool:
    return isinstance(event, (StreamEnded, StreamReset))


def _add(reply: _Reply, event: Event) -> _Reply:
    if isinstance(event, (ResponseReceived, TrailersReceived)):
        headers = {str(name): str(value) for name, value in event.headers or ()}
        status = reply.status
        if isinstance(event, ResponseReceived):
            status = int(headers[":status"])
        return reply._replace(status=status, headers={**reply.headers, **headers})
    if isinstance(event, DataReceived):
        return reply._replace(body=reply.body + event.data)
    return reply
