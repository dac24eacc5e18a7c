"""Reads the placements, sends HAProxy the difference, and reports the versions that it applied.

The control loop is level-triggered: an event only starts a cycle, and each cycle compares all that
may have changed. A cycle without a change checks that HAProxy still has its routes. While ZooKeeper
is away nothing changes: HAProxy goes on with the last known routes.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable, Collection, Mapping

import structlog

from program.http import health
from program.http.health import Check
from program.logs import log_lines
from proxy.intervals import USUAL, Intervals
from proxy.model import access, gates, routes, trust, usage
from proxy.model.access import Accesses, SeenAccess
from proxy.model.errors import PlacementsAway, RouterAway
from proxy.model.gates import Gates, SeenGate
from proxy.model.routes import AppRoutes, Changes, Routes
from proxy.model.trust import Nodes, Trust
from proxy.ports import Placements, Router
from proxy.routing.routing_table import RoutingTable

log = structlog.get_logger(__name__)

TICK_SECONDS = 1.0
STUCK_SECONDS = 60.0
"""A cycle that takes longer counts as stuck."""
KNOWN = "They were read, or are known from before."
_RETRY_SECONDS = 0.05
_HELD_SECONDS = 0.2
_LOGGED = 20
"""How many hosts or tasks one log line names at most."""


class Controller:
    """The only writer of the router and the routing table. Belongs to the event loop's thread.

    It calls `observe_change` with the seconds from the trigger until the router had a change, and
    `save_map` to store the routes on disk. `trusted` are the keys whose signatures are accepted.
    """

    def __init__(  # noqa: PLR0913 - wiring; each is given by name
        self,
        placements: Placements,
        router: Router,
        table: RoutingTable,
        *,
        domain: str,
        trusted: Collection[bytes],
        save_map: Callable[[], None],
        observe_change: Callable[[float], object],
        intervals: Intervals = USUAL,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._placements = placements
        self._router = router
        self._table = table
        self._domain = domain
        self._trust = Trust(trusted)
        self._save_map = save_map
        self._observe_change = observe_change
        self._reread_seconds = intervals.reread
        self._triggered_at: float | None = None
        self._clock = clock
        self._applied_at = self._cycled_at = self._read_at = clock()
        self._apps: Mapping[str, AppRoutes] = {}
        self._access: Mapping[str, SeenAccess] = {}
        self._wanted: Routes | None = None
        self._gates: Mapping[str, SeenGate] = {}
        self._applied: tuple[Accesses | None, Gates | None] = (None, None)
        self._unsaved = False
        self._holding: tuple[str, ...] = ()
        self._away: dict[str, str] = {}
        self._changed = asyncio.Event()

    def agent_hosts(self) -> Collection[str]:
        """Return the addresses of the agents that previews may be on."""
        return self._trust.ports.keys()

    def trigger(self) -> None:
        """Start a cycle now. Call it on the loop's thread."""
        if self._triggered_at is None:
            self._triggered_at = self._clock()
        self._changed.set()

    async def read(self, *, full: bool = False) -> Routes | None:
        """Read the placements; return the wanted routes, or None if they were never known."""
        try:
            nodes = await self._placements.read(full=full)
        except PlacementsAway as error:
            self._mark_away("ZooKeeper", str(error))
            return self._wanted
        self._mark_back("ZooKeeper")
        self._read_at = self._clock()
        self._learn_access(nodes)
        self._learn_gates(nodes)
        if nodes.apps is None and self._table.routes:
            # Somebody has removed the whole tree: keep the routes of the previews that run.
            self._mark_away(
                "placements", "there are none in ZooKeeper; the routes stay as they are"
            )
            return self._wanted
        self._mark_back("placements")
        self._learn(nodes)
        self._wanted = routes.merge(self._apps)
        return self._wanted

    def _learn(self, nodes: Nodes) -> None:
        self._trust, problem = trust.learn(self._trust, nodes.agents)
        if problem is not None:
            log.warning("the record of agents is invalid", why=problem)
        learned = routes.learn(self._apps, nodes.apps or {}, self._domain, self._trust)
        for app, problem in learned.problems:
            log.warning("a record of placements is invalid", app=app, why=problem)
        self._apps = learned.apps

    def _learn_access(self, nodes: Nodes) -> None:
        """Learn who may look. It stays as it was if somebody has removed all of it."""
        if nodes.access is None and self._table.accesses:
            self._mark_away("access", "nothing in ZooKeeper says who may look; it stays as it was")
            return
        self._mark_back("access")
        learned = access.learn(self._access, nodes.access or {}, self._trust.keys)
        for app, seen in learned.items():
            if seen.problem and seen != self._access.get(app):
                log.warning("who may look cannot be read: closed", app=app, why=seen.problem)
        guarded = access.list_guarded(learned)
        if guarded != self._table.accesses:  # else it stays the same object
            self._table.accesses = guarded
        self._access = learned

    def _learn_gates(self, nodes: Nodes) -> None:
        """Learn the gates. They stay as they were if somebody has removed all of them."""
        if nodes.gates is None:
            if self._gates:
                self._mark_away("gates", "there is no place for them; they stay as they were")
            return
        self._mark_back("gates")
        learned = gates.learn(self._gates, nodes.gates, self._domain, self._trust.keys)
        for name, seen in learned.items():
            if seen.problem and seen != self._gates.get(name):
                log.warning("the record of a gate is invalid", gate=name, why=seen.problem)
        if self._table.gates is None or learned != self._gates:  # else it stays the same object
            self._table.gates = gates.merge(learned)
        self._gates = learned

    def left_out(self) -> int:
        """Return how many placements and records in ZooKeeper are invalid, and so not used."""
        closed = sum(bool(seen.problem) for seen in self._access.values())
        gates_left_out = sum(bool(seen.problem) for seen in self._gates.values())
        return closed + gates_left_out + sum(len(app.problems) for app in self._apps.values())

    def since_applied(self) -> float:
        """Return the seconds since the router last had all that ZooKeeper has."""
        return self._clock() - self._applied_at

    def health(self) -> Check:
        """Return whether the cycles go on."""
        return health.turns("controller", self.since_cycle(), STUCK_SECONDS)

    def readiness(self) -> tuple[Check, ...]:
        """Return a check of each thing that serving visitors depends on.

        ZooKeeper is not required: while it is away, the proxy serves the last known routes.
        """
        knows = self._wanted is not None or bool(self._table.routes)
        haproxy = self._away.get("HAProxy")
        age = f"The placements were last read {self._clock() - self._read_at:.1f} s ago."
        placements = KNOWN if knows else "They could not be read yet."
        if left_out := self.left_out():
            placements += f" {left_out} of them are not used: the proxy's log shows why."
        return (
            Check("haproxy", haproxy is None, haproxy or "It answers."),
            Check("placements", knows, placements),
            Check("zookeeper", "ZooKeeper" not in self._away, age, needed=False),
        )

    def since_cycle(self) -> float:
        """Return the seconds since the last cycle ended."""
        return self._clock() - self._cycled_at

    async def read_first(self, seconds: float) -> Routes | None:
        """Return the wanted routes as soon as they are known; None if they are not in time.

        The next HAProxy begins with them. This proxy registers before it reads. So the framework
        knows of it, and waits until it has applied each change that this read misses.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self._wanted is None:
                    await self._changed.wait()
                    self._changed.clear()
                    with contextlib.suppress(PlacementsAway):  # then there is nothing to read
                        await self._placements.report({}, (), {})
                        await self.read()
        if self._wanted is not None:
            self._table.expect(self._wanted)
        return self._wanted

    async def cycle(self, *, full: bool = False) -> bool:
        """Read, apply and report; return whether all of it succeeded."""
        triggered_at, self._triggered_at = self._triggered_at, None
        wanted = await self.read(full=full)
        if wanted is None:
            wanted = self._table.routes
        self._table.expect(wanted)
        beside = self._table.accesses, self._table.gates
        try:
            changes = await self._router.apply(wanted, *beside)
        except RouterAway as error:
            self._mark_away("HAProxy", str(error))
            self._triggered_at = triggered_at
            return False
        self._mark_back("HAProxy")
        if changes or any(a is not b for a, b in zip(beside, self._applied, strict=True)):
            self._unsaved, self._applied = True, beside
        self._table.replace(wanted)
        if changes:
            _log_changes(changes)
            if triggered_at is not None:
                self._observe_change(self._clock() - triggered_at)
        return await self._report()

    async def run(self) -> None:
        """Run a cycle at each trigger and each tick, until cancelled."""
        loop = asyncio.get_running_loop()
        next_reread = loop.time() + self._reread_seconds
        while True:
            self._changed.clear()
            full = loop.time() >= next_reread
            if full:
                next_reread = loop.time() + self._reread_seconds
            done = await self.cycle(full=full)
            self._cycled_at = self._clock()
            with contextlib.suppress(TimeoutError):
                # Not wait_for: up to Python 3.11 it may swallow a cancellation, see
                # https://github.com/python/cpython/issues/86296
                async with asyncio.timeout(self._pause(done)):
                    await self._changed.wait()
                continue
            if done and self._unsaved:  # a quiet moment
                self._save()

    def _save(self) -> None:
        """Save the routes; if that fails, try again in the next quiet moment."""
        try:
            self._save_map()
        except OSError as error:
            self._mark_away("disk", str(error))
        else:
            self._unsaved = False
            self._mark_back("disk")

    def _pause(self, done: bool) -> float:
        if not done:
            return _RETRY_SECONDS
        return _HELD_SECONDS if self._holding else TICK_SECONDS

    async def _report(self) -> bool:
        """Report the applied versions, and the tasks with open requests but without a route."""
        if self._wanted is None or "ZooKeeper" in self._away:
            return True
        self._applied_at = self._clock()
        try:
            reading = await self._router.counts(only_open=True)  # after `apply`, or one is missed
        except RouterAway as error:
            self._mark_away("HAProxy", str(error))
            return False
        routed = {task_id for task_id in reading if routes.is_routed(self._apps, task_id)}
        self._holding = usage.still_open(reading, routed)
        try:
            revisions = gates.list_revisions(self._gates)
            await self._placements.report(routes.versions(self._apps), self._holding, revisions)
        except PlacementsAway as error:
            self._mark_away("ZooKeeper", str(error))
        return True

    def _mark_away(self, part: str, why: str) -> None:
        if part not in self._away:
            log.warning("a part does not work", part=part, why=why)
        self._away[part] = why

    def _mark_back(self, part: str) -> None:
        if self._away.pop(part, None) is not None:
            log.info("a part works again", part=part)


def _log_changes(changes: Changes) -> None:
    routed = {route.task_id for part in (changes.adds, changes.changes) for route in part.values()}
    for task_id in sorted(routed)[:_LOGGED]:
        log.info("an attempt is routed", **log_lines.name_attempt(task_id))
    log.info(
        "routes changed",
        added=" ".join(sorted(changes.adds)[:_LOGGED]),
        changed=" ".join(sorted(changes.changes)[:_LOGGED]),
        removed=" ".join(sorted(changes.removes)[:_LOGGED]),
        count=len(changes),
    )
