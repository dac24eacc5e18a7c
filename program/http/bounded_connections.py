"""Limits how many connections clients have to an HTTP server of uvicorn, and how long they keep it
waiting for a request. uvicorn has neither limit itself. All on the event loop's thread.
"""

import asyncio
import collections
import json
import resource
from typing import ClassVar, NamedTuple

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from program.http.client_address import name_customer
from program.http.problem_answers import MEDIA_TYPE

HEADER_SECONDS = 10.0
"""How long a client may take for a request's headers, as in HAProxy's `timeout http-request`."""
EACH = 2000
"""How many connections one client may have: an address, or with IPv6 a /48."""
_REFUSED = "refused"
_REFUSED_SECONDS = 1.0


class Bounds(NamedTuple):
    """At most `each` connections of a client and `most` of all, `seconds` for headers."""

    each: int
    most: int
    seconds: float = HEADER_SECONDS


def choose_bounds() -> Bounds:
    """Return bounds that keep half of this process's files for everything else."""
    most = max(2, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 2)
    return Bounds(min(EACH, max(1, most // 2)), most)


def make_protocol(bounds: Bounds) -> type[H11Protocol]:
    """Return a protocol for uvicorn's `http`; all its connections count together."""

    class Counted(_Bounded):
        _bounds: ClassVar = bounds
        _connections: ClassVar = collections.Counter[str]()

    return Counted


class _Bounded(H11Protocol):
    """One connection; `_connections` counts those of each client, and those that are refused."""

    _bounds: ClassVar[Bounds]
    _connections: ClassVar[collections.Counter[str]]
    _name: str | None = None
    _timer: asyncio.TimerHandle | None = None

    def connection_made(  # type: ignore[override]  # as in uvicorn
        self, transport: asyncio.Transport
    ) -> None:
        peer = transport.get_extra_info("peername")
        name = name_customer(peer[0]) if isinstance(peer, tuple) else ""
        super().connection_made(transport)
        if self._is_full(name):
            self._refuse(transport)
            return
        self._name = name
        self._connections[name] += 1
        self._watch()

    def _is_full(self, name: str) -> bool:
        served = self._connections.total() - self._connections[_REFUSED]
        return self._connections[name] >= self._bounds.each or served >= self._bounds.most

    def _refuse(self, transport: asyncio.Transport) -> None:
        """Answer and end it; unread bytes of a client would destroy the answer on its way."""
        if self._connections[_REFUSED] >= self._bounds.most // 5:
            transport.abort()
            return
        self._name = _REFUSED
        self._connections[_REFUSED] += 1
        transport.write(_REFUSAL)
        transport.write_eof()
        self._timer = self.loop.call_later(_REFUSED_SECONDS, transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        self._unwatch()
        if self._name is not None:
            self._connections[self._name] -= 1
            if not self._connections[self._name]:
                del self._connections[self._name]
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._name in {None, _REFUSED}:
            return
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            self._unwatch()
        elif self._timer is None:
            self._watch()

    def _watch(self) -> None:
        self._timer = self.loop.call_later(self._bounds.seconds, self._end)

    def _unwatch(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _end(self) -> None:
        self._timer = None
        if self.conn.their_state is h11.IDLE:
            self.transport.close()


def _refuse() -> bytes:
    problem = {
        "type": "urn:prevs:problem:too-many-open",
        "title": "Too many at once from your address",
        "status": 429,
        "detail": "Your address, or all clients together, have as many connections to this API as "
        "they may have. Close those that you do not need, and try again in 10 s.",
        "budget": "connections",
    }
    body = json.dumps(problem).encode()
    head = (
        f"HTTP/1.1 429 Too Many Requests\r\nContent-Type: {MEDIA_TYPE}\r\n"
        f"Content-Length: {len(body)}\r\nRetry-After: 10\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + body


_REFUSAL = _refuse()
