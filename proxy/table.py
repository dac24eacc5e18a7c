"""What HAProxy routes by now, and who waits for a host to be among it.

Belongs to the event loop's thread.
"""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Iterator

from proxy.routes import Route, Routes


class Table:
    """The routes that were applied; `replace` is called after HAProxy has them."""

    def __init__(self) -> None:
        self.routes: Routes = {}
        self._waiting: defaultdict[str, set[asyncio.Future[Route]]] = defaultdict(set)

    def get(self, host: str) -> Route | None:
        """Return where a host leads."""
        return self.routes.get(host)

    def replace(self, routes: Routes) -> None:
        """Take note of what HAProxy routes, and let go who waited for it."""
        self.routes = routes
        for host in [host for host in self._waiting if host in routes]:
            for future in self._waiting.pop(host):
                if not future.done():
                    future.set_result(routes[host])

    @contextlib.contextmanager
    def awaited(self, host: str) -> Iterator[asyncio.Future[Route]]:
        """Yield a future that is done as soon as `host` is routed (at once, if it is)."""
        future: asyncio.Future[Route] = asyncio.get_running_loop().create_future()
        route = self.routes.get(host)
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
