"""What HAProxy routes by now, and who waits for a host to be among it.

Belongs to the event loop's thread.
"""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Iterator

from proxy.model.routes import Route, Routes


class Table:
    """The routes that were applied: `expect` is called before HAProxy has them, `replace` after."""

    def __init__(self) -> None:
        self.routes: Routes = {}
        self._expected: Routes = {}
        self._waiting: defaultdict[str, dict[asyncio.Future[Route], str]] = defaultdict(dict)

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
        for host, waiting in tuple(self._waiting.items()):
            route = routes.get(host)
            if route is None:  # it may well lead to the same task again, and that be right
                self._waiting[host] = dict.fromkeys(waiting, "")
                continue
            for future, but in waiting.items():
                if route.task_id != but and not future.done():
                    future.set_result(route)

    @contextlib.contextmanager
    def awaited(self, host: str, *, but: str = "") -> Iterator[asyncio.Future[Route]]:
        """Yield a future that is done as soon as `host` is routed (at once, if it is).

        Not to the task `but`, unless it is routed nowhere in between.
        """
        future: asyncio.Future[Route] = asyncio.get_running_loop().create_future()
        route = self.get(host)
        if route is not None and route.task_id != but:
            future.set_result(route)
        else:
            self._waiting[host][future] = but if route else ""
        try:
            yield future
        finally:
            future.cancel()
            waiting = self._waiting.get(host)
            if waiting is not None:
                waiting.pop(future, None)
                if not waiting:
                    del self._waiting[host]
