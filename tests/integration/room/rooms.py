"""A waiting room on a socket, over the stand-in for the framework: without HAProxy and ZooKeeper.

A request for a host in its table gets an application's page, as through HAProxy.
"""

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

import uvicorn
from starlette.responses import HTMLResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from proxy.entrance.routes import make_routes
from proxy.framework.api_client import FrameworkApi
from proxy.model.access import AppAccess
from proxy.model.routes import Route
from proxy.room.app import make_app
from proxy.room.host_header import bare_host
from proxy.routing.routing_table import RoutingTable
from proxy.servers import Server
from tests.fakes.rooms import make_room
from tests.fakes.world import TOKEN, World


class Room(NamedTuple):
    """A room at `port`, the world behind it, and the routes that it knows.

    `leads` has the hosts of labels to which addresses of gates lead.
    """

    port: int
    world: World
    table: RoutingTable
    loop: asyncio.AbstractEventLoop
    leads: dict[str, str]

    def address(self, host: str, path: str = "/") -> str:
        """Return a URL for a browser."""
        return f"http://{host}:{self.port}{path}"

    def route(self, *hosts: str) -> None:
        """Route exactly these hosts to an application. Does not wait for it."""
        routes = {host: Route("127.0.0.1", 1, "the-task") for host in hosts}
        self.loop.call_soon_threadsafe(self.table.replace, routes)

    def guard(self, app: str, access: AppAccess) -> None:
        """Let nobody into an app without a pass."""
        self.table.accesses = {app: access}


class _Front:
    """HAProxy's headers for the room: the host was not in its map, or is that of a gate."""

    def __init__(self, room: ASGIApp, table: RoutingTable, leads: Mapping[str, str]) -> None:
        self._room = room
        self._table = table
        self._leads = leads

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        site = bare_host(dict(scope["headers"]).get(b"host", b"").decode())
        host = self._leads.get(site, site)
        if self._table.get(host) and not scope["path"].startswith("/_prevs/"):
            answer = HTMLResponse(f"<title>app</title><h1>app {scope['path']}</h1>")
            await answer(scope, receive, send)
            return
        added = [(b"x-prevs-miss", b"1"), (b"x-prevs-host", host.encode())]
        scope["headers"] = [*scope["headers"], *added]
        await self._room(scope, receive, send)


@contextlib.contextmanager
def running(port: int, clock: Callable[[], float] = time.time) -> Iterator[Room]:
    """Run a room on a thread of its own. `clock` is in seconds since the epoch."""
    world, ready, leads = World(port), threading.Event(), dict[str, str]()
    found: list[tuple[RoutingTable, asyncio.AbstractEventLoop, Server]] = []
    with socket.create_server(("127.0.0.1", port)) as listener, world.serving() as api:
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # as in tests.fakes.served

        async def serve() -> None:
            table, framework = RoutingTable(), FrameworkApi([api], TOKEN)
            context = make_room(framework, table)._replace(clock=clock)
            front = _Front(make_app(context, make_routes(context)), table, leads)
            server = Server(
                uvicorn.Config(front, lifespan="off", log_config=None, timeout_graceful_shutdown=1)
            )
            found.append((table, asyncio.get_running_loop(), server))
            ready.set()
            await server.serve(sockets=[listener])
            context.refused_tasks.close()
            context.pending_starts.close()
            await framework.close()

        thread = threading.Thread(target=asyncio.run, args=(serve(),))
        thread.start()
        ready.wait(60)
        table, loop, server = found[0]
        try:
            yield Room(port, world, table, loop, leads)
        finally:
            server.should_exit = True
            thread.join()
