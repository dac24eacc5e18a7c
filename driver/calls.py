"""HTTP requests to Mesos: the bytes of a SUBSCRIBE, and calls with their responses."""

import http.client
import json
import ssl
import time
from collections.abc import Mapping
from typing import Any, Optional

from driver.errors import CallFailed, NotConnected

# A master that does not lead, or still recovers, sends these before it executes the call.
_NOT_DONE = frozenset({307, 503})

_JSON = {"Content-Type": "application/json"}


def subscribe_request(
    host: str, path: str, body: Mapping[str, Any], headers: Mapping[str, str]
) -> bytes:
    """Return the bytes of a SUBSCRIBE. The response is a stream on that connection."""
    content = json.dumps(body).encode()
    lines = [
        f"POST {path} HTTP/1.1",
        f"Host: {host}",
        "Content-Type: application/json",
        "Accept: application/json",
        "Connection: close",
        *(f"{name}: {value}" for name, value in headers.items()),
        f"Content-Length: {len(content)}",
    ]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + content


def post(
    address: str,
    path: str,
    body: Mapping[str, Any],
    *,
    headers: Mapping[str, str],
    limit: float,
    tls: Optional[ssl.SSLContext] = None,
) -> None:
    """Send a call and wait for its response, for about `limit` seconds at most.

    Every call has its own connection, so no half dead one is used again. Raises NotConnected if the
    connection failed (nothing was sent), CallFailed for any later failure.
    """
    call = str(body["type"])
    until = time.monotonic() + limit
    connection = _connect(call, address, limit, tls)
    try:
        _allow(connection, until)
        connection.request("POST", path, json.dumps(body).encode(), {**_JSON, **headers})
        _allow(connection, until)
        response = connection.getresponse()
        answer = response.read(1000).decode("utf-8", "replace")
    except (OSError, http.client.HTTPException) as exc:
        why = f"no answer from {address} ({exc or type(exc).__name__})"
        raise CallFailed(call, why, status=None, outcome_unknown=True) from exc
    finally:
        connection.close()
    if not 200 <= response.status < 300:
        raise _failure(call, response.status, answer.strip() or response.reason)


def _failure(call: str, status: int, text: str) -> CallFailed:
    unknown = status >= 500 and status not in _NOT_DONE
    return CallFailed(call, f"HTTP {status} {text}", status=status, outcome_unknown=unknown)


def _connect(
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
