"""Previews that are being started for held requests: each once, whoever waits for it.

The routing table reports a success at once; then `releases` lets them in. A failure is found by
polling the framework, at most twice a second for each preview, however many requests wait. Belongs
to the event loop's thread.
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
from program.logs import log_lines
from proxy.held.refused_tasks import RefusedTasks
from proxy.held.releases import Callback, Releases, Waiter
from proxy.model import problems
from proxy.model.errors import ApiAway, ApiRefused
from proxy.model.preview import Preview
from proxy.model.problems import Problem
from proxy.model.routes import Route
from proxy.ports import Framework

log = structlog.get_logger(__name__)

_T = TypeVar("_T")

_POLL_SECONDS = 0.4
_POLLS_A_SECOND = 100
"""For all hosts together: with more than forty pending starts, each is polled less often."""
_STARTS_A_SECOND = 100
"""Otherwise a thousand starts at once would open a thousand connections to the framework."""
_DEFECT = problems.unavailable("The preview cannot be started now.")
_AWAY_SECONDS = 15.0
"""How long a start waits for a framework that does not answer: a restart takes some seconds."""
_LINGER_SECONDS = 5.0
"""A client that repeats its request leaves short gaps in which nobody waits."""
_REMEMBERED = 1000


async def with_log(read_end: Callable[[str, str], Awaitable[str]], preview: Preview) -> Preview:
    """Return a preview with the last lines of its public log, if they can be read now."""
    try:
        tail = await read_end(preview.app, preview.sha)
    except (ApiAway, ApiRefused):
        return preview
    return dataclasses.replace(preview, log_tail=tail)


class _PendingStart:
    """The start of one host's preview, for all who wait for it after the same refusing task."""

    def __init__(self, since: float, host: str, refused: str) -> None:
        self.host = host
        self.refused = refused
        self.waiting: dict[Callback, Waiter] = {}
        self.left_at = since
        self.preview: Preview | None = None

    def end(self, report: Callable[[Waiter], object]) -> None:
        """Call `report` with each who waits, the first one first; nobody does any more."""
        waiting, self.waiting = self.waiting, {}
        for waiter in waiting.values():
            report(waiter)


class _Query(NamedTuple):
    at: float
    task: asyncio.Task[Preview | None]


class PendingStarts:
    """Starts previews for those who wait. `clock` and `pause` are in seconds.

    It calls `count_outcome` when a start ends, with `running`, `left` (nobody waits any more), or
    the slug of a problem. It calls `forget_refused` with a host whose start the framework
    refuses, also if nobody waits for it any more. `releases` has the routes, too.
    """

    def __init__(
        self,
        framework: Framework,
        releases: Releases,
        domain: str,
        *,
        refused_tasks: RefusedTasks,
        count_outcome: Callable[[str], object],
        forget_refused: Callable[[str], object],
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._framework = framework
        self._releases, self._table = releases, releases.table
        self._domain = domain
        self._refused_tasks = refused_tasks
        self._count_outcome = count_outcome
        self._forget_refused = forget_refused
        self._clock = clock
        self._pause = pause
        self._pending: dict[tuple[str, str], tuple[_PendingStart, asyncio.Task[None]]] = {}
        self._next_start = 0.0
        self._queries: dict[tuple[str, str], _Query] = {}
        self._last_problems: OrderedDict[str, Problem] = OrderedDict()

    def add(self, host: str, callback: Callback, refused: str = "") -> None:
        """Start the preview of `host`, and call `callback` once with the outcome.

        If the outcome is known already, `callback` is called before this returns, unless many are
        let in to the same preview. The task `refused` has refused a connection: a route to it
        counts only once it accepts connections.
        """
        self._add(Waiter(host, refused, callback, self._add))

    def _add(self, waiter: Waiter) -> None:
        host, refused = waiter.host, waiter.refused
        if route := self._find_route(host, refused):
            self._releases.add(route, waiter)
            return
        if (host, refused) not in self._pending:
            pending = _PendingStart(self._clock(), host, refused)
            task = asyncio.create_task(self._run(pending))
            self._pending[host, refused] = pending, task
        self._pending[host, refused][0].waiting[waiter.callback] = waiter

    def remove(self, host: str, callback: Callback, refused: str = "") -> None:
        """Do not call `callback` any more."""
        if running := self._pending.get((host, refused)):
            pending, _ = running
            pending.waiting.pop(callback, None)
            pending.left_at = self._clock()
        self._releases.remove(callback)

    def explain_timeout(self, host: str, held: int, refused: str = "") -> Problem:
        """Return why a request got no response from a preview within `held` seconds."""
        if host in self._last_problems:
            return self._last_problems[host]
        running = self._pending.get((host, refused))
        route = None if running else self._table.get(host)
        if route and (others := self._releases.count_waiting(route.task_id)):
            return problems.not_its_turn(others, held)
        return problems.not_yet(running[0].preview if running else None, held)

    def close(self) -> None:
        """Forget all who wait."""
        for pending, task in self._pending.values():
            pending.waiting.clear()
            task.cancel()
        self._releases.close()

    def _find_route(self, host: str, refused: str) -> Route | None:
        """Return the route of a host, unless it leads to the task that refused."""
        route = self._table.get(host)
        return route if route is not None and route.task_id != refused else None

    async def _run(self, pending: _PendingStart) -> None:
        """Start a preview, and poll it until it has failed or nobody waits any more.

        `_succeed` cancels this once the host leads to a task that may accept a connection.
        """
        problem: Problem | None = _DEFECT
        try:
            with self._refused_tasks.wait_for(pending.host, pending.refused) as routed:
                routed.add_done_callback(
                    lambda _: self._succeed(pending, self._table.get(pending.host))
                )
                problem = await self._find_problem(pending)
        except ApiRefused as refusal:
            problem = refusal.problem
            self._forget_refused(pending.host)
        except ApiAway as error:
            problem = problems.unavailable(f"The preview cannot be started now: {error}.")
        finally:
            if problem is not None and pending.waiting:
                log.info("held requests are refused", host=pending.host, why=problem.slug)
                outcome = problem
                pending.end(lambda waiter: waiter.callback(outcome))
            if self._is_current(pending):
                del self._pending[pending.host, pending.refused]
        self._count_outcome(problem.slug if problem else "left")
        if problem is not None:
            self._last_problems[pending.host] = problem
            while len(self._last_problems) > _REMEMBERED:
                self._last_problems.popitem(last=False)

    def _succeed(self, pending: _PendingStart, route: Route | None) -> None:
        """End a start with a route, if there is a route and the start has not ended yet."""
        if route is not None and self._is_current(pending):
            _, task = self._pending.pop((pending.host, pending.refused))
            task.cancel()
            attempt = log_lines.name_attempt(route.task_id)
            log.info(
                "held requests are let in",
                host=pending.host,
                **attempt,
                count=len(pending.waiting),
            )
            pending.end(lambda waiter: self._releases.add(route, waiter))
            self._count_outcome("running")

    def _is_current(self, pending: _PendingStart) -> bool:
        return self._pending.get((pending.host, pending.refused), (None,))[0] is pending

    async def _find_problem(self, pending: _PendingStart) -> Problem | None:
        """Start a preview; return why it failed, None once nobody waits. Raises as `Framework`."""
        host = pending.host
        split = names.split_host(host, self._domain)
        if split is None:
            return problems.no_address(host, self._domain)
        label, app = split
        log.info("a request is held", host=host)
        start = functools.partial(self._start, app, label)
        preview = await self._retry_while_away(start)
        log.info(
            "its preview is requested",
            host=host,
            app=preview.app,
            commit=preview.commit[:12],
            task=preview.task_id,
            state=preview.state,
        )
        return await self._poll(pending, preview, start)

    async def _poll(
        self, pending: _PendingStart, preview: Preview, start: Callable[[], Awaitable[Preview]]
    ) -> Problem | None:
        """Poll a started preview; return why it failed or stopped, None once nobody waits."""
        while True:
            pending.preview = preview
            if preview.is_coming:  # an earlier problem is over
                self._last_problems.pop(pending.host, None)
            if preview.has_failed:
                return problems.failed(await with_log(self._framework.read_log_end, preview))
            if preview.is_stopped:
                return problems.stopped(preview)
            if not pending.waiting and self._clock() - pending.left_at > _LINGER_SECONDS:
                return None
            await self._pause(max(_POLL_SECONDS, len(self._pending) / _POLLS_A_SECOND))
            # It may have been routed for a moment before.
            self._succeed(pending, self._find_route(pending.host, pending.refused))
            poll = functools.partial(self.find_recent, preview.app, preview.sha)
            found = await self._retry_while_away(poll)
            if found is None:  # the framework has forgotten it, but somebody still waits
                found = await self._retry_while_away(start)
            preview = found

    async def _start(self, app: str, label: str) -> Preview:
        """Request a preview, not faster than the limit for all."""
        now = self._clock()
        turn = max(now, self._next_start)
        self._next_start = turn + 1 / _STARTS_A_SECOND
        if turn > now:
            await self._pause(turn - now)
        return await self._framework.start(app, label)

    async def _retry_while_away(self, call: Callable[[], Awaitable[_T]]) -> _T:
        """Repeat a call until the framework answers it."""
        deadline = self._clock() + _AWAY_SECONDS
        while True:
            try:
                return await call()
            except ApiAway:
                if self._clock() > deadline:
                    raise
            await self._pause(_POLL_SECONDS)

    async def find_recent(self, app: str, sha: str) -> Preview | None:
        """Return a preview as it was at most some moments ago.

        Callers at about the same time share one call to the framework.
        """
        now = self._clock()
        query = self._queries.get((app, sha))
        if query is None or (query.task.done() and now - query.at >= _POLL_SECONDS / 2):
            self._queries = {k: v for k, v in self._queries.items() if not v.task.done()}
            query = _Query(now, asyncio.create_task(self._framework.find(app, sha)))
            self._queries[app, sha] = query
        return await asyncio.shield(query.task)
