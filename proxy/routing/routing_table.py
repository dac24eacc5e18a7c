"""The routes that HAProxy has, who may look, gates, and the futures of those who wait for a host.

Belongs to the event loop's thread.
"""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Iterator

from prevs.gates import GateRecord
from proxy.model.access import Accesses, AppAccess
from proxy.model.gates import Gates
from proxy.model.routes import Route, Routes


class RoutingTable:
    """The applied routes. Call `expect` before HAProxy gets new routes, and `replace` after.

    `accesses` is who may look at apps that are not public; None until that is known, as `gates`.
    """

    def __init__(self) -> None:
        self.routes: Routes = {}
        self.accesses: Accesses | None = None
        self.gates: Gates | None = None
        self._expected: Routes = {}
        self._waiting: defaultdict[str, dict[asyncio.Future[Route], str]] = defaultdict(dict)

    def get(self, host: str) -> Route | None:
        """Return the route of a host; None from the moment that HAProxy may have removed it."""
        return self.routes.get(host) if host in self._expected else None

    def get_next(self, host: str) -> Route | None:
        """Return the route of a host in the newest routes, which HAProxy may not have yet."""
        return self._expected.get(host)

    def find_access(self, app: str) -> AppAccess | None:
        """Return who may look at an app, None if everybody may."""
        return AppAccess(closed=True) if self.accesses is None else self.accesses.get(app)

    def find_gate(self, host: str) -> GateRecord | None:
        """Return the gate at a host."""
        return self.gates.hosts.get(host) if self.gates else None

    def expect(self, routes: Routes) -> None:
        """Store the routes that HAProxy is about to get.

        From now on `get` returns no route that is missing in them: a request that was released for
        such a route would find nothing there.
        """
        self._expected = routes

    def replace(self, routes: Routes) -> None:
        """Store the routes that HAProxy has, and complete the futures that wait for them."""
        self.routes = self._expected = routes
        for host, waiting in tuple(self._waiting.items()):
            route = routes.get(host)
            if route is None:  # after this gap, a route to the excluded task counts too
                self._waiting[host] = dict.fromkeys(waiting, "")
                continue
            for future, exclude in waiting.items():
                if route.task_id != exclude and not future.done():
                    future.set_result(route)

    @contextlib.contextmanager
    def wait_for(self, host: str, *, exclude: str = "") -> Iterator[asyncio.Future[Route]]:
        """Yield a future that is done as soon as `host` is routed (at once, if it is already).

        A route to the task `exclude` does not count, unless the host was unrouted in between.
        """
        future: asyncio.Future[Route] = asyncio.get_running_loop().create_future()
        route = self.get(host)
        if route is not None and route.task_id != exclude:
            future.set_result(route)
        else:
            self._waiting[host][future] = exclude if route else ""
        try:
            yield future
        finally:
            future.cancel()
            waiting = self._waiting.get(host)
            if waiting is not None:
                waiting.pop(future, None)
                if not waiting:
                    del self._waiting[host]
