"""Those who wait for a host: its preview is started once, and all of them learn the outcome.

That it answers is learned from the table, at once. That it does not is learned by asking the
framework, at most twice a second for each preview, however many wait. Belongs to the event loop's
thread.
"""

import asyncio
import dataclasses
import functools
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import NamedTuple, TypeVar

import structlog

from prevs import names
from program import log_lines
from proxy.held.refused_tasks import Refusals
from proxy.model import problems
from proxy.model.errors import ApiAway, ApiRefused
from proxy.model.preview import Preview
from proxy.model.problems import Problem
from proxy.model.routes import Route
from proxy.ports import Framework
from proxy.routing.routing_table import RoutingTable

log = structlog.get_logger(__name__)

_T = TypeVar("_T")

_LOOK_SECONDS = 0.4
_LOOKS_A_SECOND = 100
"""At most, for all hosts: where more than forty are waited for, each is looked at later."""
_STARTS_A_SECOND = 100
"""Else a thousand at once would be a thousand connections to the framework."""
_DEFECT = problems.unavailable("The preview cannot be started now.")
_AWAY_SECONDS = 15.0
"""How long a framework that does not answer is waited for: some seconds pass while it restarts."""
_LINGER_SECONDS = 5.0
"""Between two questions of a held request nobody waits for a moment."""
_REMEMBERED = 1000


Outcome = Route | Problem
"""Where a preview answers, or why it does not."""
Tell = Callable[[Outcome], object]


async def with_log(read_end: Callable[[str, str], Awaitable[str]], preview: Preview) -> Preview:
    """Return a preview with the last lines of its public log, where they can be read now."""
    try:
        tail = await read_end(preview.app, preview.sha)
    except (ApiAway, ApiRefused):
        return preview
    return dataclasses.replace(preview, log_tail=tail)


class _Search:
    """One host's way to its preview, for all who wait for it and were refused by the same task."""

    def __init__(self, since: float, host: str, refused: str) -> None:
        self.host = host
        self.refused = refused
        self.waiting: set[Tell] = set()
        self.left = since
        self.preview: Preview | None = None

    def end(self, outcome: Outcome) -> None:
        """Tell all who wait."""
        waiting, self.waiting = self.waiting, set()
        for tell in waiting:
            tell(outcome)


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
        table: RoutingTable,
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
        self._searches: dict[tuple[str, str], tuple[_Search, asyncio.Task[None]]] = {}
        self._next_start = 0.0
        self._looks: dict[tuple[str, str], _Look] = {}
        self._verdicts: OrderedDict[str, Problem] = OrderedDict()

    def join(self, host: str, tell: Tell, refused: str = "") -> None:
        """Start the preview of `host`; have `tell` called once, with how that ended.

        Where it is known already, `tell` is called before this returns. The task `refused` took no
        connection: it is an answer only once it does.
        """
        if route := self._elsewhere(host, refused):
            tell(route)
            return
        if (host, refused) not in self._searches:
            search = _Search(self._clock(), host, refused)
            task = asyncio.create_task(self._find(search))
            self._searches[host, refused] = search, task
        self._searches[host, refused][0].waiting.add(tell)

    def leave(self, host: str, tell: Tell, refused: str = "") -> None:
        """Have `tell` be called no more."""
        if running := self._searches.get((host, refused)):
            search, _ = running
            search.waiting.discard(tell)
            search.left = self._clock()

    def verdict(self, host: str, held: int, refused: str = "") -> Problem:
        """Return why a request that was held for `held` seconds is let go without an answer."""
        if host in self._verdicts:
            return self._verdicts[host]
        running = self._searches.get((host, refused))
        return problems.not_yet(running[0].preview if running else None, held)

    def close(self) -> None:
        """Forget all who wait."""
        for search, task in self._searches.values():
            search.waiting.clear()
            task.cancel()

    def _elsewhere(self, host: str, refused: str) -> Route | None:
        """Return where a host leads, unless that is to the task that was refused."""
        route = self._table.get(host)
        return route if route is not None and route.task_id != refused else None

    async def _find(self, search: _Search) -> None:
        """Start a preview and look after it until nobody waits any more, or it has failed.

        It is cancelled once the host leads to what may take a connection.
        """
        problem: Problem | None = _DEFECT
        try:
            with self._refusals.wait_for(search.host, search.refused) as routed:
                routed.add_done_callback(
                    lambda _: self._let_in(search, self._table.get(search.host))
                )
                problem = await self._await_end(search)
        except ApiRefused as refusal:
            problem = refusal.problem
        except ApiAway as error:
            problem = problems.unavailable(f"The preview cannot be started now: {error}.")
        finally:
            if problem is not None and search.waiting:
                log.info("who waited is not let in", host=search.host, why=problem.slug)
                search.end(problem)
            if self._is_current(search):
                del self._searches[search.host, search.refused]
        self._ended(problem.slug if problem else "left")
        if problem is not None:
            self._verdicts[search.host] = problem
            while len(self._verdicts) > _REMEMBERED:
                self._verdicts.popitem(last=False)

    def _let_in(self, search: _Search, route: Route | None) -> None:
        """End the search, if it has not ended and there is a route, and let in who waits."""
        if route is not None and self._is_current(search):
            _, task = self._searches.pop((search.host, search.refused))
            task.cancel()
            attempt = log_lines.name_attempt(route.task_id)
            log.info("who waited is let in", host=search.host, **attempt, count=len(search.waiting))
            search.end(route)
            self._ended("running")

    def _is_current(self, search: _Search) -> bool:
        return self._searches.get((search.host, search.refused), (None,))[0] is search

    async def _await_end(self, search: _Search) -> Problem | None:
        host = search.host
        split = names.split_host(host, self._domain)
        if split is None:
            return problems.no_address(host, self._domain)
        label, app = split
        log.info("a request waits", host=host)
        start = functools.partial(self._start, app, label)
        preview = await self._patiently(start)
        log.info(
            "its preview is asked for",
            host=host,
            app=preview.app,
            commit=preview.sha[:12],
            task=preview.task_id,
            state=preview.state,
        )
        while True:
            search.preview = preview
            if preview.is_coming:  # what was true before is no longer
                self._verdicts.pop(host, None)
            if preview.has_failed:
                return problems.failed(await with_log(self._framework.read_log_end, preview))
            if preview.is_stopped:
                return problems.stopped(preview)
            if not search.waiting and self._clock() - search.left > _LINGER_SECONDS:
                return None
            await self._pause(max(_LOOK_SECONDS, len(self._searches) / _LOOKS_A_SECOND))
            # It may have been routed for a moment before.
            self._let_in(search, self._elsewhere(host, search.refused))
            look = functools.partial(self.look, preview.app, preview.sha)
            found = await self._patiently(look)
            if found is None:  # forgotten meanwhile; but who waits wants it
                found = await self._patiently(start)
            preview = found

    async def _start(self, app: str, label: str) -> Preview:
        """Return the preview that was asked for, each in its turn. Raises ApiAway, ApiRefused."""
        now = self._clock()
        turn = max(now, self._next_start)
        self._next_start = turn + 1 / _STARTS_A_SECOND
        if turn > now:
            await self._pause(turn - now)
        return await self._framework.start(app, label)

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

    async def look(self, app: str, sha: str) -> Preview | None:
        """Return a preview as it was at most some moments ago. Raises ApiAway, ApiRefused.

        Those who look at about the same time ask the framework once.
        """
        now = self._clock()
        look = self._looks.get((app, sha))
        if look is None or (look.task.done() and now - look.at >= _LOOK_SECONDS / 2):
            self._looks = {k: v for k, v in self._looks.items() if not v.task.done()}
            look = _Look(now, asyncio.create_task(self._framework.find(app, sha)))
            self._looks[app, sha] = look
        return await asyncio.shield(look.task)
