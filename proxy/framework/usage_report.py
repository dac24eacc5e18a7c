"""Tells the framework which tasks are used, from what HAProxy counts.

Each report is also a sign of life. What a framework that is away has not taken is in the next
report that one takes.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable

import structlog

from proxy.intervals import USUAL, Intervals
from proxy.model import use
from proxy.model.errors import ApiAway, ApiRefused, RouterAway
from proxy.model.use import Use
from proxy.ports import Framework, Router

log = structlog.get_logger(__name__)

MOST = 2000
"""What the framework takes in one call."""


class Reporter:
    """Reads and reports in turns. Belongs to the event loop's thread."""

    def __init__(
        self,
        router: Router,
        framework: Framework,
        proxy_id: str,
        *,
        intervals: Intervals = USUAL,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._router = router
        self._framework = framework
        self._proxy_id = proxy_id
        self._intervals = intervals
        self._clock = clock
        self._pause = pause
        self._tally = use.NOTHING
        self._told_at: float | None = None
        self._away: set[str] = set()

    async def run(self) -> None:
        """Take turns until it is cancelled."""
        while True:
            await self.turn()
            await self._pause(self._intervals.read)

    async def turn(self) -> None:
        """Read once, and report if there is something to tell, or nothing was for a while."""
        try:
            reading = await self._router.counts()
            # On a thread: a hundred thousand counts would hold up the event loop.
            self._tally = await asyncio.to_thread(use.take, self._tally, reading)
        except RouterAway as error:
            self._note("HAProxy", error)
        else:
            self._note("HAProxy", None)
        uses = await asyncio.to_thread(use.to_tell, self._tally)
        if uses or self._is_silent():
            await self._tell(uses)

    def _is_silent(self) -> bool:
        told = self._told_at
        return told is None or self._clock() - told >= self._intervals.silence

    async def _tell(self, uses: list[Use]) -> None:
        for start in range(0, max(len(uses), 1), MOST):
            some = uses[start : start + MOST]
            try:
                await self._framework.report_uses(self._proxy_id, some)
            except (ApiAway, ApiRefused) as error:
                self._note("framework", error)
                return
            self._note("framework", None)
            self._tally = use.told(self._tally, some)
            self._told_at = self._clock()

    def _note(self, part: str, error: Exception | None) -> None:
        if error is None:
            self._away.discard(part)
        elif part not in self._away:
            self._away.add(part)
            log.warning("use is not told for now", part=part, why=str(error))
