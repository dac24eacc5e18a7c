"""Probes tasks that refuse connections while a client waits, and reports them to the framework.

HAProxy reports that a task refused a connection. The proxy then connects to the task about once a
second, however many clients wait, and for some seconds after the last of them. It reports the tasks
that still refuse; a service is no reason to start its preview again. Belongs to the event loop's
thread.
"""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Iterator

import structlog

from program.logs import log_lines
from proxy.model.errors import ApiAway, ApiRefused
from proxy.model.routes import Route
from proxy.ports import Framework
from proxy.routing.routing_table import RoutingTable

log = structlog.get_logger(__name__)

PROBE_SECONDS = 1.0
LINGER_SECONDS = 5.0
"""A client that repeats its request leaves short gaps in which nobody waits."""
REPORT_SECONDS = 2.0
MOST = 300
"""How many tasks the framework accepts in one call."""


class _Watch:
    """A task that is probed, and the futures that wait for it."""

    def __init__(self, route: Route, now: float) -> None:
        self.route = route
        self.left_at = now
        self.waiting: dict[asyncio.Future[Route], str] = {}
        self.refuses = False
        self.first: asyncio.Future[bool] = asyncio.get_running_loop().create_future()


class RefusedTasks:
    """Watches tasks. `probe` returns whether a route accepts connections; times are in seconds."""

    def __init__(
        self,
        table: RoutingTable,
        framework: Framework,
        proxy_id: str,
        *,
        probe: Callable[[Route], Awaitable[bool]],
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._table = table
        self._framework = framework
        self._proxy_id = proxy_id
        self._probe = probe
        self._clock = clock
        self._pause = pause
        self._watches: dict[tuple[str, int], tuple[_Watch, asyncio.Task[None]]] = {}
        self._found = asyncio.Event()
        self._is_away = False

    @contextlib.contextmanager
    def wait_for(self, host: str, refused: str) -> Iterator[asyncio.Future[Route]]:
        """Yield a future that is done when `host` leads to a task that may accept a connection.

        That is any task but `refused` (empty: no task refused); or `refused` itself, once it
        accepts connections again, or after the host had no route.
        """
        with self._table.wait_for(host, exclude=refused) as routed:
            watch = self._get_watch(host, refused)
            if watch is None:
                yield routed
                return
            watch.waiting[routed] = host
            try:
                yield routed
            finally:
                del watch.waiting[routed]
                watch.left_at = self._clock()

    async def has_recovered(self, host: str, refused: str) -> bool:
        """Return whether `host` still leads to `refused`, and that task accepts connections now.

        Waits for the first probe, a few seconds at most. Probing goes on for some seconds.
        """
        watch = self._get_watch(host, refused)
        return watch is not None and await asyncio.shield(watch.first)

    def watch(self, host: str, refused: str) -> None:
        """Probe a task that refused a connection, for some seconds."""
        self._get_watch(host, refused)

    @property
    def tasks(self) -> list[str]:
        """Return the probed tasks whose applications refuse connections now."""
        found = (watch for watch, _ in self._watches.values() if watch.refuses)
        return sorted(watch.route.task_id for watch in found if not watch.route.service)

    async def run(self) -> None:
        """Report the refusing tasks to the framework as long as they refuse. Until cancelled."""
        while True:
            await self._found.wait()
            self._found.clear()
            while tasks := self.tasks:
                await self._report(tasks)
                await self._pause(REPORT_SECONDS)

    def close(self) -> None:
        """Stop all probes."""
        for _, task in self._watches.values():
            task.cancel()

    def _get_watch(self, host: str, refused: str) -> _Watch | None:
        """Return the watch of the task `refused`, if `host` leads to it; begin one if needed."""
        route = self._table.get(host)
        if route is None or route.task_id != refused:
            return None
        if route.place not in self._watches:
            watch = _Watch(route, self._clock())
            self._watches[route.place] = watch, asyncio.create_task(self._probe_until_end(watch))
        watch, _ = self._watches[route.place]
        watch.left_at = self._clock()
        return watch

    async def _probe_until_end(self, watch: _Watch) -> None:
        """Probe a task until it accepts connections, or nobody waits for it."""
        try:
            while watch.waiting or self._clock() - watch.left_at < LINGER_SECONDS:
                taken = await self._probe(watch.route)
                if not watch.first.done():
                    watch.first.set_result(taken)
                if taken:
                    if not watch.refuses:  # HAProxy was refused just now: do not send it back yet
                        await self._pause(PROBE_SECONDS)
                    break
                if not watch.refuses:
                    attempt = log_lines.name_attempt(watch.route.task_id)
                    log.warning("connections are refused", **attempt)
                    watch.refuses = True
                    self._found.set()
                await self._pause(PROBE_SECONDS)
        finally:
            watch.first.cancel()
            del self._watches[watch.route.place]
        self._release(watch)

    def _release(self, watch: _Watch) -> None:
        for future, host in watch.waiting.items():
            if not future.done() and self._table.get(host) == watch.route:
                future.set_result(watch.route)

    async def _report(self, tasks: list[str]) -> None:
        try:
            for start in range(0, len(tasks), MOST):
                some = tasks[start : start + MOST]
                await self._framework.report_refused_tasks(self._proxy_id, some)
        except (ApiAway, ApiRefused) as error:
            if not self._is_away:
                log.warning("refused connections cannot be reported now", why=str(error))
            self._is_away = True
        else:
            self._is_away = False
