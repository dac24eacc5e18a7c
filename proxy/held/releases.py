"""Lets held requests in to a preview, not faster than it answers. For the event loop."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import NamedTuple

import structlog

from program.logs import log_lines
from proxy.model import pace
from proxy.model.errors import RouterAway
from proxy.model.pace import Pace
from proxy.model.problems import Problem
from proxy.model.routes import Route
from proxy.model.usage import Count
from proxy.routing.routing_table import RoutingTable

log = structlog.get_logger(__name__)

_LOOK_SECONDS = 0.05
_BURST_SECONDS = 1.0


Outcome = Route | Problem
"""Where a preview answers, or why it does not."""
Callback = Callable[[Outcome], object]


class Waiter(NamedTuple):
    """A held request: `callback` gets its outcome.

    The task `refused` has refused its connection (empty: none was tried). `wait_again` gets the
    request if its host leads elsewhere before it is its turn.
    """

    host: str
    refused: str
    callback: Callback
    wait_again: Callable[["Waiter"], object]


class _Release:
    """What is let in to one task: how many were at once since `since`, and who still waits."""

    def __init__(self, task_id: str, since: float) -> None:
        self.task_id = task_id
        self.since = since
        self.at_once = 0
        self.waiting: dict[Callback, Waiter] = {}
        self.turns: asyncio.Task[None] | None = None


class Releases:
    """Lets requests in by `pace`, task by task. `clock` and `pause` are in seconds.

    `table` has the routes. `count` returns HAProxy's counters of a task, or raises RouterAway.
    """

    def __init__(
        self,
        table: RoutingTable,
        count: Callable[[str], Awaitable[Count]],
        *,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self.table = table
        self._count = count
        self._clock = clock
        self._pause = pause
        self._releases: dict[str, _Release] = {}
        self._places: dict[Callback, _Release] = {}
        self._tidied = 0.0

    def add(self, route: Route, waiter: Waiter) -> None:
        """Let a request in to where its host leads: before this returns, or when it is its turn."""
        release = self._find(route.task_id)
        if release.turns is None and release.at_once < pace.FIRST:
            release.at_once += 1
            waiter.callback(route)
            return
        release.waiting[waiter.callback] = waiter
        self._places[waiter.callback] = release
        if release.turns is None:
            release.turns = asyncio.create_task(self._take_turns(release))

    def remove(self, callback: Callback) -> None:
        """Do not call `callback` any more."""
        if release := self._places.pop(callback, None):
            del release.waiting[callback]

    def count_waiting(self, task_id: str) -> int:
        """Return how many requests wait to be let in to a task."""
        release = self._releases.get(task_id)
        return len(release.waiting) if release else 0

    def close(self) -> None:
        """Forget all who wait."""
        for release in self._releases.values():
            release.waiting.clear()
            if release.turns:
                release.turns.cancel()
        self._places.clear()

    def _find(self, task_id: str) -> _Release:
        """Return the release of a task; a new one, unless some were let in moments ago."""
        now = self._clock()
        if now - self._tidied > _BURST_SECONDS:
            self._tidied = now
            self._releases = {
                other: release
                for other, release in self._releases.items()
                if release.turns or now - release.since < _BURST_SECONDS
            }
        release = self._releases.get(task_id)
        if release is None or (not release.turns and now - release.since >= _BURST_SECONDS):
            release = self._releases[task_id] = _Release(task_id, now)
        return release

    async def _take_turns(self, release: _Release) -> None:
        began, waited = self._clock(), len(release.waiting)
        current = Pace(let_in_at=began)
        try:
            while release.waiting:
                seen = await self._look(release.task_id)
                waited = max(waited, len(release.waiting))
                count, current = pace.decide(current, seen, self._clock())
                self._let_in(release, count)
                await self._pause(_LOOK_SECONDS)
        finally:
            if self._releases.get(release.task_id) is release:
                del self._releases[release.task_id]
        log.info(
            "held requests were let in by turns",
            **log_lines.name_attempt(release.task_id),
            waited=waited,
            at_a_time=current.window,
            seconds=round(self._clock() - began, 1),
        )

    async def _look(self, task_id: str) -> Count | None:
        try:
            return await self._count(task_id)
        except RouterAway:
            return None

    def _let_in(self, release: _Release, count: int) -> None:
        """Let in `count` waiting requests; skip each whose host leads to another task by now."""
        for waiter in tuple(release.waiting.values()):
            route = self.table.get(waiter.host)
            if route is None or route.task_id != release.task_id:
                self.remove(waiter.callback)
                waiter.wait_again(waiter)
            elif count > 0:
                count -= 1
                self.remove(waiter.callback)
                waiter.callback(route)
