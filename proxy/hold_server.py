"""Serves the requests that HAProxy holds, over a socket that nobody else can reach.

Each thread of HAProxy has a connection while it holds requests; proxy/haproxy/hold.lua describes
the lines. When a connection ends, its requests are forgotten: HAProxy sends them again over the
next one.
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
from program.http.client_address import name_customer
from proxy.held import client_disconnects
from proxy.held.client_disconnects import Peer, read_peer
from proxy.held.releases import Callback, Outcome
from proxy.model import problems
from proxy.model.routes import Route
from proxy.room.context import RoomContext

_ANSWERS = 50
"""So many answers fit into a buffer of HAProxy's (16 KB)."""
_COUNT_AGAIN_SECONDS = 20.0


class _Request(NamedTuple):
    """A held request: `client` is its address, `peer` its connection if both ends are known.

    `callback` gets the outcome. `refused` is the task that refused its connection (empty: none was
    tried). `since` is when it came, in seconds since the epoch.
    """

    host: str
    client: str
    peer: Peer | None
    refused: str
    callback: Callback
    since: float


class HoldServer:
    """Holds requests for all threads of HAProxy. Belongs to the event loop's thread."""

    def __init__(
        self, context: RoomContext, *, pause: Callable[[float], Awaitable[object]] = asyncio.sleep
    ) -> None:
        self._context = context
        self._pause = pause
        self._connections: set[_Connection] = set()
        context.metrics.held.set_function(self._count)

    async def serve(self, listener: socket.socket) -> None:
        """Serve until cancelled; requests that are held then get no answer."""
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
            self._peers, self._drop_gone, read=client_disconnects.read_peers
        )

    def _connect(self) -> "_Connection":
        return _Connection(self._context, self._connections)

    def _count(self) -> int:
        return sum(len(connection.requests) for connection in self._connections)

    def _peers(self) -> frozenset[Peer]:
        requests = (connection.requests.values() for connection in self._connections)
        peers = (request.peer for request in itertools.chain(*requests))
        return frozenset(peer for peer in peers if peer is not None)

    def _drop_gone(self, gone: frozenset[Peer]) -> None:
        for connection in self._connections:
            connection.drop_gone(gone)

    async def _recount(self) -> None:
        """Count requests that still wait against the start limit, as if they came now."""
        while True:
            await self._pause(_COUNT_AGAIN_SECONDS)
            for connection in self._connections:
                for request in connection.requests.values():
                    self._context.start_limit.take(request.client, request.host)


class _Connection(asyncio.Protocol):
    """A connection of one HAProxy thread: its held `requests`, by the numbers that it gave them."""

    def __init__(self, context: RoomContext, connections: "set[_Connection]") -> None:
        self._context = context
        self._connections = connections
        self._rest = b""
        self._answers: deque[str] = deque()
        self._may_write = True
        self.requests: dict[str, _Request] = {}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Store the transport."""
        assert isinstance(transport, asyncio.WriteTransport)  # noqa: S101 - it is one of a socket
        self._transport = transport
        self._connections.add(self)

    def data_received(self, data: bytes) -> None:
        """Handle the lines that HAProxy sends."""
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
        """Forget all requests of this connection."""
        self._connections.discard(self)
        for number in list(self.requests):
            self._forget(number)

    def close(self) -> None:
        """Abort the connection; answers that are not written yet are lost."""
        self._transport.abort()

    def drop_gone(self, gone: frozenset[Peer]) -> None:
        """Have HAProxy drop the requests of clients that have gone."""
        for number in [n for n, request in self.requests.items() if request.peer in gone]:
            self._forget(number)
            self._answer(number, "gone")

    def _hold(self, *words: str) -> None:
        """Start the preview of a host, and answer once the outcome is known.

        A HAProxy that an older version of the proxy started may send no request id, and not the
        port that the client connected to: whether such a client has gone is not checked.
        """
        number, host, client, peer, refused, *rest = words
        if names.split_host(host, self._context.domain) is not None:
            later = self._context.start_limit.take(client, host)
            if later is not None:
                self._answer(number, f"later {later.seconds} {later.budget}")
                return
        if not self._context.holds.enter(name_customer(client)):
            self._answer(number, f"later {problems.AGAIN_SECONDS} held")
            return
        ip, *ports = peer.split()
        callback = functools.partial(self._finish, number)
        connection = read_peer(ip, *map(int, ports)) if len(ports) > 1 else None
        request = _Request(host, client, connection, refused, callback, self._context.clock())
        self.requests[number] = request
        with structlog.contextvars.bound_contextvars(request="".join(rest[:1])):
            self._context.pending_starts.add(host, callback, refused)

    def _finish(self, number: str, outcome: Outcome) -> None:
        request = self.requests.pop(number)
        self._context.holds.leave(name_customer(request.client))
        let_in = isinstance(outcome, Route)
        holds = self._context.metrics.holds.labels("let_in" if let_in else "refused")
        holds.observe(max(0.0, self._context.clock() - request.since))
        self._answer(number, f"to {outcome}" if let_in else "no")

    def _forget(self, number: str) -> None:
        """Forget a request. HAProxy may send this while the answer is on its way."""
        if request := self.requests.pop(number, None):
            self._context.holds.leave(name_customer(request.client))
            self._context.pending_starts.remove(request.host, request.callback, request.refused)

    def _answer(self, number: str, answer: str) -> None:
        self._answers.append(f"{number} {answer}\n")
        self._write()

    def _write(self) -> None:
        if self._answers and self._may_write:
            count = min(_ANSWERS, len(self._answers))
            lines = [self._answers.popleft() for _ in range(count)]
            self._transport.write("".join([*lines, "\n"]).encode())
            self._may_write = False
