"""Reports to the framework which tasks are used, as HAProxy counts it.

Each report is also a sign of life. If no framework accepts a report, the next report contains it.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable

import structlog

from proxy.intervals import USUAL, Intervals
from proxy.model import usage
from proxy.model.errors import ApiAway, ApiRefused, RouterAway
from proxy.model.usage import Source, TaskUsage
from proxy.ports import Framework, Router

log = structlog.get_logger(__name__)

MOST = 2000
"""How many tasks the framework accepts in one call."""


class UsageReporter:
    """Reads the counts and reports them, in turns. Belongs to the event loop's thread.

    `find_source` returns from where this proxy connects to previews, which is reported too.
    """

    def __init__(
        self,
        router: Router,
        framework: Framework,
        proxy_id: str,
        *,
        find_source: Callable[[], Source],
        intervals: Intervals = USUAL,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._router = router
        self._framework = framework
        self._proxy_id = proxy_id
        self._find_source = find_source
        self._source: Source | None = None
        self._intervals = intervals
        self._clock = clock
        self._pause = pause
        self._tally = usage.EMPTY
        self._reported_at: float | None = None
        self._away: set[str] = set()

    async def run(self) -> None:
        """Take turns until it is cancelled."""
        while True:
            await self.turn()
            await self._pause(self._intervals.usage)

    async def turn(self) -> None:
        """Read the counts once. Report if something changed, or if the last report is old."""
        try:
            reading = await self._router.counts()
            # On a thread: a hundred thousand counts would block the event loop.
            self._tally = await asyncio.to_thread(usage.add_reading, self._tally, reading)
        except RouterAway as error:
            self._note("HAProxy", error)
        else:
            self._note("HAProxy", None)
        uses = await asyncio.to_thread(usage.to_report, self._tally)
        source = self._find_source()
        if uses or source != self._source or self._is_silent():
            await self._report(uses, source)

    def _is_silent(self) -> bool:
        at = self._reported_at
        return at is None or self._clock() - at >= self._intervals.silence

    async def _report(self, uses: list[TaskUsage], source: Source) -> None:
        for start in range(0, max(len(uses), 1), MOST):
            some = uses[start : start + MOST]
            try:
                await self._framework.report_usage(self._proxy_id, some, source)
            except (ApiAway, ApiRefused) as error:
                self._note("framework", error)
                return
            self._note("framework", None)
            self._tally = usage.mark_reported(self._tally, some)
            self._reported_at = self._clock()
            self._source = source

    def _note(self, part: str, error: Exception | None) -> None:
        if error is None:
            self._away.discard(part)
        elif part not in self._away:
            self._away.add(part)
            log.warning("usage cannot be reported now", part=part, why=str(error))
