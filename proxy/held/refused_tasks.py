"""The tasks whose connections are refused: looked at while somebody waits for them, and told.

HAProxy says that a connection was refused. Whether that lasts is found out by connecting, about
once a second for each task, however many wait and for some seconds after the last of them. The
framework is told of those that were found refusing. Belongs to the event loop's thread.
"""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Iterator

import structlog

from program import log_lines
from proxy.model.errors import ApiAway, ApiRefused
from proxy.model.routes import Route
from proxy.ports import Framework
from proxy.routing.routing_table import RoutingTable

log = structlog.get_logger(__name__)

LOOK_SECONDS = 1.0
LINGER_SECONDS = 5.0
"""Who asks again and again, without waiting, is not missed in between."""
TELL_SECONDS = 2.0
MOST = 300
"""What the framework takes in one call."""


class _Watch:
    """A task that is looked at, and who waits for it."""

    def __init__(self, route: Route, now: float) -> None:
        self.route = route
        self.left = now
        self.waiting: dict[asyncio.Future[Route], str] = {}
        self.refuses = False
        self.first: asyncio.Future[bool] = asyncio.get_running_loop().create_future()


class Refusals:
    """Watches tasks. `connects` tells whether a route takes connections; times are in seconds."""

    def __init__(
        self,
        table: RoutingTable,
        framework: Framework,
        proxy_id: str,
        *,
        connects: Callable[[Route], Awaitable[bool]],
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._table = table
        self._framework = framework
        self._proxy_id = proxy_id
        self._connects = connects
        self._clock = clock
        self._pause = pause
        self._watches: dict[str, tuple[_Watch, asyncio.Task[None]]] = {}
        self._begun = asyncio.Event()
        self._is_away = False

    @contextlib.contextmanager
    def wait_for(self, host: str, refused: str) -> Iterator[asyncio.Future[Route]]:
        """Yield a future that is done when `host` leads to a task that may take a connection.

        That is any but `refused` (empty: none was); or `refused`, once it takes connections again,
        or has been placed anew.
        """
        with self._table.wait_for(host, exclude=refused) as routed:
            watch = self._watch(host, refused)
            if watch is None:
                yield routed
                return
            watch.waiting[routed] = host
            try:
                yield routed
            finally:
                del watch.waiting[routed]
                watch.left = self._clock()

    async def has_ended(self, host: str, refused: str) -> bool:
        """Tell whether `host` leads to `refused` still, and that takes connections by now.

        Waits for the first look at it, a few seconds at most. It is looked at for some more.
        """
        watch = self._watch(host, refused)
        return watch is not None and await asyncio.shield(watch.first)

    def note(self, host: str, refused: str) -> None:
        """Have a task be looked at for some seconds that took no connection."""
        self._watch(host, refused)

    @property
    def tasks(self) -> list[str]:
        """Return the tasks that are looked at, and were found to refuse connections."""
        return sorted(task_id for task_id, (watch, _) in self._watches.items() if watch.refuses)

    async def run(self) -> None:
        """Tell the framework which tasks refuse, again and again while they do. Until cancelled."""
        while True:
            await self._begun.wait()
            self._begun.clear()
            while tasks := self.tasks:
                await self._tell(tasks)
                await self._pause(TELL_SECONDS)

    def close(self) -> None:
        """Look at nothing any more."""
        for _, task in self._watches.values():
            task.cancel()

    def _watch(self, host: str, refused: str) -> _Watch | None:
        """Have the task be looked at to which `host` leads, if that is `refused`."""
        route = self._table.get(host)
        if route is None or route.task_id != refused:
            return None
        if refused not in self._watches:
            watch = _Watch(route, self._clock())
            self._watches[refused] = watch, asyncio.create_task(self._look(watch))
        watch, _ = self._watches[refused]
        watch.left = self._clock()
        return watch

    async def _look(self, watch: _Watch) -> None:
        """Look at a task until it takes connections, or nobody waits for it."""
        try:
            while watch.waiting or self._clock() - watch.left < LINGER_SECONDS:
                taken = await self._connects(watch.route)
                if not watch.first.done():
                    watch.first.set_result(taken)
                if taken:
                    if not watch.refuses:  # HAProxy found otherwise just now: not to and fro
                        await self._pause(LOOK_SECONDS)
                    break
                if not watch.refuses:
                    attempt = log_lines.name_attempt(watch.route.task_id)
                    log.warning("connections are refused", **attempt)
                    watch.refuses = True
                    self._begun.set()
                await self._pause(LOOK_SECONDS)
        finally:
            watch.first.cancel()
            del self._watches[watch.route.task_id]
        self._let_go(watch)

    def _let_go(self, watch: _Watch) -> None:
        for future, host in watch.waiting.items():
            if not future.done() and self._table.get(host) == watch.route:
                future.set_result(watch.route)

    async def _tell(self, tasks: list[str]) -> None:
        try:
            for start in range(0, len(tasks), MOST):
                some = tasks[start : start + MOST]
                await self._framework.report_refused_tasks(self._proxy_id, some)
        except (ApiAway, ApiRefused) as error:
            if not self._is_away:
                log.warning("refused connections are not told for now", why=str(error))
            self._is_away = True
        else:
            self._is_away = False
