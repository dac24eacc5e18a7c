"""Answers for the requests that HAProxy holds, over a socket that nobody else reaches.

Each thread of HAProxy has a connection while it holds something; proxy/haproxy/hold.lua says what
the lines are. What was told over a connection ends with it: HAProxy tells it again over the next.
"""

import asyncio
import functools
import itertools
import socket
from collections import deque
from collections.abc import Awaitable, Callable
from typing import NamedTuple

import structlog

from prevs import names
from proxy.held import client_disconnects
from proxy.held.client_disconnects import Peer, read_peer
from proxy.held.pending_starts import Outcome, Tell
from proxy.model import problems
from proxy.model.routes import Route
from proxy.room.parts import Parts

_ANSWERS = 50
"""That many are less than a buffer of HAProxy's takes (16 KB)."""
_COUNT_AGAIN_SECONDS = 20.0


class _Request(NamedTuple):
    """`client` is who asks, `peer` the other end of the connection, `tell` takes the outcome.

    `refused` is the task that took no connection, empty where none was tried; `since` when it came,
    in seconds since the epoch.
    """

    host: str
    client: str
    peer: Peer
    refused: str
    tell: Tell
    since: float


class Held:
    """All that is held. Belongs to the event loop's thread."""

    def __init__(
        self, parts: Parts, *, pause: Callable[[float], Awaitable[object]] = asyncio.sleep
    ) -> None:
        self._parts = parts
        self._pause = pause
        self._connections: set[_Connection] = set()
        parts.metrics.held.set_function(self._count)

    async def serve(self, listener: socket.socket) -> None:
        """Serve until cancelled; what is held then gets no answer."""
        loop = asyncio.get_running_loop()
        server = await loop.create_unix_server(self._connect, sock=listener)
        try:
            await asyncio.gather(self._watch(), self._recount())
        finally:
            server.close()
            for connection in self._connections:
                connection.close()

    async def _watch(self) -> None:
        await client_disconnects.watch(
            self._peers, self._tell_gone, read=client_disconnects.read_peers
        )

    def _connect(self) -> "_Connection":
        return _Connection(self._parts, self._connections)

    def _count(self) -> int:
        return sum(len(connection.requests) for connection in self._connections)

    def _peers(self) -> frozenset[Peer]:
        requests = (connection.requests.values() for connection in self._connections)
        return frozenset(request.peer for request in itertools.chain(*requests))

    def _tell_gone(self, gone: frozenset[Peer]) -> None:
        for connection in self._connections:
            connection.tell_gone(gone)

    async def _recount(self) -> None:
        """Have those who still wait counted as if they asked only now."""
        while True:
            await self._pause(_COUNT_AGAIN_SECONDS)
            for connection in self._connections:
                for request in connection.requests.values():
                    self._parts.cap.take(request.client, request.host)


class _Connection(asyncio.Protocol):
    """What one thread of HAProxy holds: `requests`, by the numbers that it has given them."""

    def __init__(self, parts: Parts, connections: "set[_Connection]") -> None:
        self._parts = parts
        self._connections = connections
        self._rest = b""
        self._answers: deque[str] = deque()
        self._may_write = True
        self.requests: dict[str, _Request] = {}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        assert isinstance(transport, asyncio.WriteTransport)  # noqa: S101 - it is one of a socket
        self._transport = transport
        self._connections.add(self)

    def data_received(self, data: bytes) -> None:
        """Do what HAProxy says."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            what, *words = line.decode().split("\t")
            if what == "hold":
                self._hold(*words)
            elif what == "leave":
                self._forget(*words)
            elif what == "next":
                self._may_write = True
                self._write()
            elif what == "end":
                self.close()

    def connection_lost(self, _: Exception | None) -> None:
        """Forget what was held."""
        self._connections.discard(self)
        for number in list(self.requests):
            self._forget(number)

    def close(self) -> None:
        """End the connection; what was not written yet is lost."""
        self._transport.abort()

    def tell_gone(self, gone: frozenset[Peer]) -> None:
        """Have HAProxy drop the requests of those who have gone."""
        for number in [n for n, request in self.requests.items() if request.peer in gone]:
            self._forget(number)
            self._answer(number, "gone")

    def _hold(self, *words: str) -> None:
        """Start the preview of a host, and answer once it is known how that ended.

        A HAProxy that was begun by an older version, and still holds some, tells of no id.
        """
        number, host, client, peer, refused, *rest = words
        if names.split_host(host, self._parts.domain) is not None:
            later = self._parts.cap.take(client, host)
            if later is not None:
                self._answer(number, f"later {later.seconds} {later.budget}")
                return
        if not self._parts.holds.enter(client):
            self._answer(number, f"later {problems.AGAIN_SECONDS} held")
            return
        ip, port = peer.split()
        tell = functools.partial(self._tell, number)
        request = _Request(
            host, client, read_peer(ip, int(port)), refused, tell, self._parts.clock()
        )
        self.requests[number] = request
        with structlog.contextvars.bound_contextvars(request="".join(rest[:1])):
            self._parts.waiting.join(host, tell, refused)

    def _tell(self, number: str, outcome: Outcome) -> None:
        request = self.requests.pop(number)
        self._parts.holds.leave(request.client)
        let_in = isinstance(outcome, Route)
        holds = self._parts.metrics.holds.labels("let_in" if let_in else "refused")
        holds.observe(max(0.0, self._parts.clock() - request.since))
        self._answer(number, f"to {outcome}" if let_in else "no")

    def _forget(self, number: str) -> None:
        """Forget a request; HAProxy may say so of one whose answer is on its way."""
        if request := self.requests.pop(number, None):
            self._parts.holds.leave(request.client)
            self._parts.waiting.leave(request.host, request.tell, request.refused)

    def _answer(self, number: str, answer: str) -> None:
        self._answers.append(f"{number} {answer}\n")
        self._write()

    def _write(self) -> None:
        if self._answers and self._may_write:
            count = min(_ANSWERS, len(self._answers))
            lines = [self._answers.popleft() for _ in range(count)]
            self._transport.write("".join([*lines, "\n"]).encode())
            self._may_write = False
