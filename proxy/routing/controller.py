"""Reads the placements, gives HAProxy the difference, and reports what it has applied.

Events are hints: every cycle looks at everything that may have changed, and a cycle that finds
nothing to do finds out whether HAProxy still has what it was given. While ZooKeeper is away nothing
changes: HAProxy goes on serving what it last knew.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable, Collection, Mapping

import structlog

from program import health, log_lines
from program.health import Check
from proxy.intervals import USUAL, Intervals
from proxy.model import routes, trust, use
from proxy.model.errors import PlacementsAway, RouterAway
from proxy.model.routes import AppRoutes, Changes, Routes
from proxy.model.trust import Nodes, Trust
from proxy.ports import Placements, Router
from proxy.routing.routing_table import Table

log = structlog.get_logger(__name__)

TICK_SECONDS = 1.0
STUCK_SECONDS = 60.0
"""After which a cycle counts as stuck."""
KNOWN = "They were read, or are known from before."
_RETRY_SECONDS = 0.05
_HELD_SECONDS = 0.2
_TOLD = 20
"""How many of what has changed at once are named in the log."""


class Controller:
    """The only one that changes the router and the table. Belongs to the event loop's thread.

    `took` is told how many seconds passed from the notice of a change until the router had it.
    `trusted` are the keys of signatures that are good.
    """

    def __init__(  # noqa: PLR0913 - wiring; each is given by name
        self,
        placements: Placements,
        router: Router,
        table: Table,
        *,
        domain: str,
        trusted: Collection[bytes],
        remember: Callable[[], None],
        took: Callable[[float], object],
        intervals: Intervals = USUAL,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._placements = placements
        self._router = router
        self._table = table
        self._domain = domain
        self._trust = Trust(trusted)
        self._remember = remember
        self._took = took
        self._anew = intervals.anew
        self._noticed: float | None = None
        self._clock = clock
        self._applied = self._turned = self._heard = clock()
        self._apps: Mapping[str, AppRoutes] = {}
        self._wanted: Routes | None = None
        self._to_remember = False
        self._holding: tuple[str, ...] = ()
        self._away: dict[str, str] = {}
        self._changed = asyncio.Event()

    def notice(self) -> None:
        """Have a cycle run now. Called on the loop's thread."""
        if self._noticed is None:
            self._noticed = self._clock()
        self._changed.set()

    async def read(self, *, anew: bool = False) -> Routes | None:
        """Read the placements; return what is wanted, or None if it was never known."""
        try:
            nodes = await self._placements.read(anew=anew)
        except PlacementsAway as error:
            self._told_away("ZooKeeper", str(error))
            return self._wanted
        self._told_back("ZooKeeper")
        self._heard = self._clock()
        if nodes is None and self._table.routes:
            # Somebody has removed the whole tree: that is no reason to let go of what runs.
            self._told_away("placements", "there are none in ZooKeeper; the routes stay")
            return self._wanted
        self._told_back("placements")
        self._learn(nodes or Nodes({}))
        self._wanted = routes.merge(self._apps)
        return self._wanted

    def _learn(self, nodes: Nodes) -> None:
        self._trust, problem = trust.learn(self._trust, nodes.agents)
        if problem is not None:
            log.warning("the record of agents is not as it should be", why=problem)
        learned = routes.learn(self._apps, nodes.apps, self._domain, self._trust)
        for app, problem in learned.problems:
            log.warning("a record of placements is not as it should be", app=app, why=problem)
        self._apps = learned.apps

    def left_out(self) -> int:
        """Return how many placements and records of ZooKeeper are not as they should be."""
        return sum(len(app.problems) for app in self._apps.values())

    def age(self) -> float:
        """Return how many seconds ago the router was known to do what ZooKeeper says."""
        return self._clock() - self._applied

    def health(self) -> Check:
        """Tell whether the controller goes round."""
        return health.turns("controller", self.turned(), STUCK_SECONDS)

    def readiness(self) -> tuple[Check, ...]:
        """Tell what serving visitors needs, and whether it is there.

        ZooKeeper is not needed: what was known last is served while it is away.
        """
        knows = self._wanted is not None or bool(self._table.routes)
        haproxy = self._away.get("HAProxy")
        heard = f"It last said where previews are {self._clock() - self._heard:.1f} s ago."
        told = KNOWN if knows else "They could not be read yet."
        if left_out := self.left_out():
            told += f" {left_out} of them lead nobody anywhere: the proxy's log says why."
        return (
            Check("haproxy", haproxy is None, haproxy or "It answers."),
            Check("placements", knows, told),
            Check("zookeeper", "ZooKeeper" not in self._away, heard, needed=False),
        )

    def turned(self) -> float:
        """Return how many seconds ago the controller last went round."""
        return self._clock() - self._turned

    async def first(self, seconds: float) -> Routes | None:
        """Return what is wanted, as soon as it is known; None if it is not after `seconds`.

        The HAProxy that is started next begins with it. This proxy is known to be there before it
        reads, so a change that it does not read waits until it has applied that.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self._wanted is None:
                    await self._changed.wait()
                    self._changed.clear()
                    with contextlib.suppress(PlacementsAway):  # then there is nothing to read
                        await self._placements.report({}, ())
                        await self.read()
        if self._wanted is not None:
            self._table.expect(self._wanted)
        return self._wanted

    async def cycle(self, *, anew: bool = False) -> bool:
        """Read, apply and report; tell whether all of it was done."""
        noticed, self._noticed = self._noticed, None
        wanted = await self.read(anew=anew)
        if wanted is None:
            wanted = self._table.routes
        self._table.expect(wanted)
        try:
            changes = await self._router.apply(wanted)
        except RouterAway as error:
            self._told_away("HAProxy", str(error))
            self._noticed = noticed
            return False
        self._told_back("HAProxy")
        if changes:
            self._to_remember = True
        self._table.replace(wanted)
        if changes:
            _tell(changes)
            if noticed is not None:
                self._took(self._clock() - noticed)
        return await self._report()

    async def run(self) -> None:
        """Cycle at each change and each tick. Runs until it is cancelled."""
        loop = asyncio.get_running_loop()
        next_anew = loop.time() + self._anew
        while True:
            self._changed.clear()
            anew = loop.time() >= next_anew
            if anew:
                next_anew = loop.time() + self._anew
            done = await self.cycle(anew=anew)
            self._turned = self._clock()
            with contextlib.suppress(TimeoutError):
                # Not wait_for: up to Python 3.11 it may swallow the cancellation.
                async with asyncio.timeout(self._pause(done)):
                    await self._changed.wait()
                continue
            if done and self._to_remember:  # a quiet moment
                self._keep()

    def _keep(self) -> None:
        """Have the routes remembered; where that fails, again in the next quiet moment."""
        try:
            self._remember()
        except OSError as error:
            self._told_away("disk", str(error))
        else:
            self._to_remember = False
            self._told_back("disk")

    def _pause(self, done: bool) -> float:
        if not done:
            return _RETRY_SECONDS
        return _HELD_SECONDS if self._holding else TICK_SECONDS

    async def _report(self) -> bool:
        """Report what is applied, with what is open though it is routed no longer."""
        if self._wanted is None or "ZooKeeper" in self._away:
            return True
        self._applied = self._clock()
        try:
            reading = await self._router.counts(only_open=True)  # after `apply`, or one is missed
        except RouterAway as error:
            self._told_away("HAProxy", str(error))
            return False
        routed = {task_id for task_id in reading if routes.is_routed(self._apps, task_id)}
        self._holding = use.held(reading, routed)
        try:
            await self._placements.report(routes.versions(self._apps), self._holding)
        except PlacementsAway as error:
            self._told_away("ZooKeeper", str(error))
        return True

    def _told_away(self, part: str, why: str) -> None:
        if part not in self._away:
            log.warning("is away, or does not do its part", part=part, why=why)
        self._away[part] = why

    def _told_back(self, part: str) -> None:
        if self._away.pop(part, None) is not None:
            log.info("is back", part=part)


def _tell(changes: Changes) -> None:
    routed = {route.task_id for part in (changes.adds, changes.changes) for route in part.values()}
    for task_id in sorted(routed)[:_TOLD]:
        log.info("an attempt is routed", **log_lines.name_attempt(task_id))
    log.info(
        "routes changed",
        added=" ".join(sorted(changes.adds)[:_TOLD]),
        changed=" ".join(sorted(changes.changes)[:_TOLD]),
        removed=" ".join(sorted(changes.removes)[:_TOLD]),
        count=len(changes),
    )
