"""HTTP requests to Mesos: the bytes of a SUBSCRIBE, and calls with their responses."""

import http.client
import io
import json
import socket
import ssl
import time
from collections.abc import Mapping
from typing import Any, NamedTuple, Optional, cast

from driver.errors import CallFailed, NotConnected

# A master that does not lead, or still recovers, sends these before it executes the call.
_NOT_DONE = frozenset({307, 503})

_LONGEST_TEXT = 1000


class Place(NamedTuple):
    """Where calls go: host:port, the path, and the headers of each call."""

    address: str
    path: str
    headers: Mapping[str, str]


def subscribe_request(
    host: str, path: str, body: Mapping[str, Any], headers: Mapping[str, str]
) -> bytes:
    """Return the bytes of a SUBSCRIBE. The response is a stream on that connection."""
    more = {"Accept": "application/json", "Connection": "close", **headers}
    return post_request(host, path, more, body)


def post_request(
    host: str, path: str, headers: Mapping[str, str], body: Mapping[str, Any]
) -> bytes:
    """Return the bytes of a call."""
    content = json.dumps(body).encode()
    lines = [
        f"POST {path} HTTP/1.1",
        f"Host: {host}",
        "Content-Type: application/json",
        *(f"{name}: {value}" for name, value in headers.items()),
        f"Content-Length: {len(content)}",
    ]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + content


def post(
    place: Place, body: Mapping[str, Any], *, limit: float, tls: Optional[ssl.SSLContext] = None
) -> None:
    """Send a call and wait for its response, for about `limit` seconds at most.

    Every call has its own connection, so no half dead one is used again (but see
    driver/kept_connection.py). Raises NotConnected if the connection failed (nothing was sent),
    CallFailed for any later failure.
    """
    call = str(body["type"])
    until = time.monotonic() + limit
    connection = connect(call, place.address, limit, tls)
    try:
        _allow(connection, until)
        connection.sock.sendall(post_request(*place, body))
        _allow(connection, until)
        with connection.sock.makefile("rb") as answers:
            read_answer(answers).check(call)
    except (OSError, http.client.HTTPException) as exc:
        raise unanswered(call, place.address, exc) from exc
    finally:
        connection.close()


def unanswered(call: str, address: str, error: Exception) -> CallFailed:
    """Return the error of a call that was sent and not answered."""
    why = f"no answer from {address} ({str(error) or type(error).__name__})"
    return CallFailed(call, why, status=None, outcome_unknown=True)


class Answer(NamedTuple):
    """The status of an answer, and its text."""

    status: int
    text: str

    def check(self, call: str) -> None:
        """Raise CallFailed unless the answer to a call is good."""
        if 200 <= self.status < 300:
            return
        unknown = self.status >= 500 and self.status not in _NOT_DONE
        why = f"HTTP {self.status} {self.text}"
        raise CallFailed(call, why, status=self.status, outcome_unknown=unknown)


def read_answer(answers: io.BufferedReader) -> Answer:
    """Return the next answer of a master. Raises OSError, HTTPException."""
    response = http.client.HTTPResponse(cast(socket.socket, _Source(answers)), method="POST")
    response.begin()
    text = response.read()[:_LONGEST_TEXT].decode("utf-8", "replace").strip()
    return Answer(response.status, text or response.reason)


class _Source:
    """What http.client takes for a socket; it leaves the answers open that come next."""

    def __init__(self, answers: io.BufferedReader) -> None:
        self.readline = answers.readline
        self.read = answers.read
        self.readinto = answers.readinto

    def makefile(self, _: str) -> "_Source":
        return self

    def flush(self) -> None:
        """Do nothing, as all this is read."""

    def close(self) -> None:
        """Do nothing, as others read on."""


def connect(
    call: str, address: str, limit: float, tls: Optional[ssl.SSLContext]
) -> http.client.HTTPConnection:
    """Return a new connection for a call. Raises NotConnected."""
    host, _, port = address.rpartition(":")
    if tls is None:
        connection = http.client.HTTPConnection(host, int(port), timeout=limit)
    else:
        connection = http.client.HTTPSConnection(host, int(port), timeout=limit, context=tls)
    try:
        connection.connect()
    except OSError as exc:
        connection.close()
        raise NotConnected(f"{call} could not reach {address}: {exc}") from exc
    return connection


def _allow(connection: http.client.HTTPConnection, until: float) -> None:
    """Limit the next step of a call by what is left of the call's time."""
    connection.sock.settimeout(max(until - time.monotonic(), 0.001))
