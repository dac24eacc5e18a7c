"""What HAProxy routes by now, and who waits for a host to be among it.

Belongs to the event loop's thread.
"""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Iterator

from proxy.routes import Route, Routes


class Table:
    """The routes that were applied: `expect` is called before HAProxy has them, `replace` after."""

    def __init__(self) -> None:
        self.routes: Routes = {}
        self._expected: Routes = {}
        self._waiting: defaultdict[str, set[asyncio.Future[Route]]] = defaultdict(set)

    def get(self, host: str) -> Route | None:
        """Return where a host leads; None as soon as it may lead nowhere."""
        return self.routes.get(host) if host in self._expected else None

    def coming(self, host: str) -> Route | None:
        """Return where a host leads, or is about to."""
        return self._expected.get(host)

    def expect(self, routes: Routes) -> None:
        """Take note of what HAProxy is about to route.

        What it routes no longer is told to nobody from now on: a request that was let go for it
        would find nothing there.
        """
        self._expected = routes

    def replace(self, routes: Routes) -> None:
        """Take note of what HAProxy routes, and let go who waited for it."""
        self.routes = self._expected = routes
        for host in [host for host in self._waiting if host in routes]:
            for future in self._waiting.pop(host):
                if not future.done():
                    future.set_result(routes[host])

    @contextlib.contextmanager
    def awaited(self, host: str) -> Iterator[asyncio.Future[Route]]:
        """Yield a future that is done as soon as `host` is routed (at once, if it is)."""
        future: asyncio.Future[Route] = asyncio.get_running_loop().create_future()
        route = self.get(host)
        if route is not None:
            future.set_result(route)
        else:
            self._waiting[host].add(future)
        try:
            yield future
        finally:
            future.cancel()
            waiting = self._waiting.get(host)
            if waiting is not None:
                waiting.discard(future)
                if not waiting:
                    del self._waiting[host]
