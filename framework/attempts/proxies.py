"""The proxies that may connect to previews, and the executors that have to know of them.

Agents let nobody else in. An order has the list of its time. If that changes while previews run,
their executors get a message; one of them is enough for its agent. A message may be lost, so it is
repeated, to another executor of the agent. Owned by the service's thread.
"""

import ipaddress
import itertools
from collections.abc import Iterable, Mapping, Sequence

import structlog

from framework.clock import Clock
from framework.ports import Cluster
from framework.state.records import Records
from prevs import names
from prevs.messages import KnownProxies, ProxyAddress
from prevs.records import PreviewRecord
from prevs.states import State

log = structlog.get_logger(__name__)

SETTLING_SECONDS = 10.0
"""How long after a subscription all proxies have reported: each does within four seconds."""
KEPT_SECONDS = 3600.0
"""How long a proxy counts after its last report: its HAProxy may serve on without it."""
AT_ONCE = 3
"""How many executors of an agent get each message, so that one that ends takes none with it."""
REPEAT_SECONDS = 60.0

Addresses = frozenset[ProxyAddress]


class Proxies:
    """Where the proxies connect from, as they report it."""

    def __init__(self, records: Records, cluster: Cluster, clock: Clock) -> None:
        self._records = records
        self._cluster = cluster
        self._clock = clock
        self._reported: dict[str, tuple[float, Addresses]] = {}
        self._settles_at: float | None = None
        self._known: KnownProxies | None = None
        self._told: dict[str, tuple[int, float]] = {}
        self._turn = itertools.count()

    @property
    def known(self) -> KnownProxies | None:
        """The list; None while not all proxies may have reported to this leader."""
        return self._known

    def subscribed(self) -> None:
        """Begin to wait for the reports of all proxies, if this leader knows none yet."""
        if self._settles_at is None:
            self._settles_at = self._clock.monotonic() + SETTLING_SECONDS

    def note(self, proxy: str, addresses: Iterable[str], user: int | None) -> None:
        """Take a proxy's report of where it connects from."""
        found = frozenset(ProxyAddress(one, user) for one in addresses if _is_address(one))
        self._reported[proxy] = (self._clock.monotonic(), found)

    def launched(self, agent_id: str, proxies: KnownProxies | None) -> None:
        """Note that an order with a list was sent to an agent."""
        if proxies is not None:
            self._told[agent_id] = (proxies.since, self._clock.monotonic())

    def reconcile(self) -> None:
        """Make the list, and tell it to the agents that may not have it.

        Raises Unavailable, OutcomeUnknown.
        """
        self._make_list()
        if self._known is None or not self._known.proxies:
            return
        by_agent: dict[str, list[PreviewRecord]] = {}
        for preview in self._records.in_state(State.RUNNING):
            if preview.agent_id and preview.task_id:
                by_agent.setdefault(preview.agent_id, []).append(preview)
        self._told = {agent: told for agent, told in self._told.items() if agent in by_agent}
        self._tell_all(self._known, by_agent)

    def _tell_all(
        self, known: KnownProxies, by_agent: Mapping[str, Sequence[PreviewRecord]]
    ) -> None:
        data, now = known.encode(), self._clock.monotonic()
        for agent_id, previews in by_agent.items():
            since, at = self._told.get(agent_id, (0, 0.0))
            is_new = since < known.since
            if not is_new and now < at + REPEAT_SECONDS:
                continue
            start = next(self._turn) % len(previews)
            chosen = [*previews[start:], *previews[:start]][: AT_ONCE if is_new else 1]
            for preview in chosen:
                executor = names.executor_id(preview.task_id or "")
                self._cluster.tell(agent_id, executor, data)
            self._told[agent_id] = (known.since, now)

    def _make_list(self) -> None:
        now = self._clock.monotonic()
        self._reported = {
            proxy: one for proxy, one in self._reported.items() if now - one[0] < KEPT_SECONDS
        }
        if self._known is None and not self._is_settled(now):
            return
        found = {one for _, addresses in self._reported.values() for one in addresses}
        wanted = tuple(sorted(found, key=lambda one: (one.address, one.user or 0)))
        if self._known is not None and wanted == self._known.proxies:
            return
        before = self._known.since if self._known else 0
        self._known = KnownProxies(max(before + 1, int(self._clock.now() * 1000)), wanted)
        shown = sorted({one.address for one in wanted})
        log.info("these may connect to previews", proxies=" ".join(shown) or "none")

    def _is_settled(self, now: float) -> bool:
        if self._settles_at is None:
            return False
        if now >= self._settles_at:
            return True
        return bool(self._reported) and len(self._reported) >= self._records.live_proxies()


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        log.warning("a proxy reports what is no address", text=text)
        return False
    return True
