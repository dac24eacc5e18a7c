"""Those who wait for a host: its preview is started once, and all of them learn the outcome.

That it answers is learned from the table, at once. That it does not is learned by asking the
framework, at most twice a second for each preview, however many wait. Belongs to the event loop's
thread.
"""

import asyncio
import functools
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple, TypeVar

import structlog

from prevs import names
from proxy import problems
from proxy.errors import ApiAway, ApiRefused
from proxy.ports import Framework
from proxy.preview import Preview
from proxy.problems import Problem
from proxy.refusals import Refusals
from proxy.routes import Route
from proxy.table import Table

log = structlog.get_logger(__name__)

_T = TypeVar("_T")

_LOOK_SECONDS = 0.4
_AWAY_SECONDS = 15.0
"""How long a framework that does not answer is waited for: some seconds pass while it restarts."""
_LINGER_SECONDS = 5.0
"""Between two questions of a held request nobody waits for a moment."""
_REMEMBERED = 1000


class _Search:
    """One host's way to its preview, for all who wait for it."""

    def __init__(self, since: float, host: str) -> None:
        self.host = host
        self.waiting = 0
        self.left = since
        self.preview: Preview | None = None
        self.refused = ""


_Ending = asyncio.Task[Problem | None]
"""Ends with why a host has no preview; with None when it has one, or nobody waits any more."""


class _Look(NamedTuple):
    at: float
    task: asyncio.Task[Preview | None]


class Waiting:
    """Starts previews for those who wait. `clock` and `pause` are in seconds.

    `ended` is told how each start ended: `running`, `left` (nobody waits any more), or a problem's
    slug.
    """

    def __init__(
        self,
        framework: Framework,
        table: Table,
        domain: str,
        *,
        refusals: Refusals,
        ended: Callable[[str], object],
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._framework = framework
        self._table = table
        self._domain = domain
        self._refusals = refusals
        self._ended = ended
        self._clock = clock
        self._pause = pause
        self._searches: dict[str, tuple[_Search, _Ending]] = {}
        self._looks: dict[tuple[str, str], _Look] = {}
        self._verdicts: OrderedDict[str, Problem] = OrderedDict()

    async def outcome(self, host: str, seconds: float, refused: str = "") -> Route | Problem | None:
        """Start the preview of `host`; return where it answers or why it does not.

        Returns None if neither is known after `seconds`; asking again goes on waiting. The task
        `refused` took no connection: it is an answer only once it does.
        """
        if route := self._elsewhere(host, refused):
            return route
        search, task = self._search(host)
        search.refused = refused or search.refused
        search.waiting += 1
        try:
            with self._refusals.awaited(host, refused) as routed:
                either: list[asyncio.Future[Any]] = [routed, task]
                await asyncio.wait(either, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            search.waiting -= 1
            search.left = self._clock()
        if route := self._table.get(host) if _is_done(routed) else self._elsewhere(host, refused):
            return route
        return task.result() if task.done() and not task.cancelled() else None

    def _elsewhere(self, host: str, refused: str) -> Route | None:
        """Return where a host leads, unless that is to the task that was refused."""
        route = self._table.get(host)
        return route if route is not None and route.task_id != refused else None

    def verdict(self, host: str, held: int) -> Problem:
        """Return why a request that was held for `held` seconds is let go without an answer."""
        if host in self._verdicts:
            return self._verdicts[host]
        running = self._searches.get(host)
        return problems.not_yet(running[0].preview if running else None, held)

    def close(self) -> None:
        """Forget all who wait."""
        for _, task in self._searches.values():
            task.cancel()

    def _search(self, host: str) -> tuple[_Search, _Ending]:
        running = self._searches.get(host)
        if running is None:
            search = _Search(self._clock(), host)
            running = search, asyncio.create_task(self._find(search))
            self._searches[host] = running
        return running

    async def _find(self, search: _Search) -> Problem | None:
        """Start a preview and look after it until nobody waits any more, or it has failed."""
        try:
            problem = await self._await_end(search)
        except ApiRefused as refusal:
            problem = refusal.problem
        except ApiAway as error:
            problem = problems.unavailable(f"The preview cannot be started now: {error}.")
        finally:
            del self._searches[search.host]
        served = "running" if self._table.get(search.host) else "left"
        self._ended(problem.slug if problem else served)
        if problem is not None:
            self._verdicts[search.host] = problem
            while len(self._verdicts) > _REMEMBERED:
                self._verdicts.popitem(last=False)
        return problem

    async def _await_end(self, search: _Search) -> Problem | None:
        host = search.host
        split = names.split_host(host, self._domain)
        if split is None:
            return problems.no_address(host, self._domain)
        label, app = split
        start = functools.partial(self._framework.start, app, label)
        preview = await self._patiently(start)
        log.info("a request waits", host=host, sha=preview.sha, state=preview.state)
        while True:
            search.preview = preview
            if preview.is_coming:  # what was true before is no longer
                self._verdicts.pop(host, None)
            if preview.has_failed:
                whole = await self._framework.find(preview.app, preview.sha)
                return problems.failed(whole or preview)
            if preview.is_stopped:
                return problems.stopped(preview)
            if not search.waiting and self._clock() - search.left > _LINGER_SECONDS:
                return None
            await self._pause(_LOOK_SECONDS)
            if self._elsewhere(host, search.refused):
                return None
            look = functools.partial(self._look, preview.app, preview.sha)
            found = await self._patiently(look)
            if found is None:  # forgotten meanwhile; but who waits wants it
                found = await self._patiently(start)
            preview = found

    async def _patiently(self, ask: Callable[[], Awaitable[_T]]) -> _T:
        """Return the framework's answer, once it gives one. Raises ApiAway, ApiRefused."""
        deadline = self._clock() + _AWAY_SECONDS
        while True:
            try:
                return await ask()
            except ApiAway:
                if self._clock() > deadline:
                    raise
            await self._pause(_LOOK_SECONDS)

    async def _look(self, app: str, sha: str) -> Preview | None:
        """Return a preview as it was at most some moments ago. Raises ApiAway, ApiRefused."""
        now = self._clock()
        look = self._looks.get((app, sha))
        if look is None or (look.task.done() and now - look.at >= _LOOK_SECONDS / 2):
            self._looks = {k: v for k, v in self._looks.items() if not v.task.done()}
            look = _Look(now, asyncio.create_task(self._framework.find(app, sha)))
            self._looks[app, sha] = look
        return await asyncio.shield(look.task)


def _is_done(future: asyncio.Future[Route]) -> bool:
    return future.done() and not future.cancelled()
