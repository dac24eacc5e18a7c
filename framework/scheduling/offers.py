"""The offers for one role, and whether Mesos sends any. Owned by the service's thread."""

import math
from collections import OrderedDict
from collections.abc import Collection, Hashable, Iterable, Sequence

from framework.clock import Clock
from framework.matching.resources import Offer
from framework.metrics import Metrics
from framework.ports import Cluster
from framework.ports.tasks import Task

IDLE_REFUSE_SECONDS = 3600.0
"""The refusal while no preview waits; REVIVE clears it as soon as one does."""
BUSY_REFUSE_SECONDS = 5.0
"""The refusal while previews wait. An agent on which more becomes free is offered earlier."""
HOLD_SECONDS = 10.0
"""How long an offer is held at most for a preview that may soon need it; nobody else gets it."""
REVIVES, REVIVE_EVERY_SECONDS = 3, 0.25
"""REVIVE makes the master offer everything again, at once. So many may follow each other, because
somebody waits for each preview; after that, one each quarter of a second. Without it the master
offers what has become free once a second, and short jobs would wait longer than they run."""
REVIVE_SECONDS = 10.0
"""REVIVE is repeated while a preview waits: it may be lost, or overtaken by a DECLINE."""
_MOST_RESCINDED = 1000


class Offers:
    """Holds each offer until it is accepted, declined or rescinded.

    The offers are those for `role`; "" is the only role of this framework.
    """

    def __init__(self, cluster: Cluster, clock: Clock, metrics: Metrics, role: str = "") -> None:
        self._cluster = cluster
        self._role = role
        self._clock = clock
        self._metrics = metrics
        self._held: dict[str, Offer] = {}
        self._since: dict[str, float] = {}
        self._rescinded: OrderedDict[str, None] = OrderedDict()
        self._requested: frozenset[Hashable] = frozenset()
        self._requested_at = float("-inf")
        self._revives, self._counted_at = float(REVIVES), 0.0
        self._quiet = True
        self._requesting_since: float | None = None
        self._revive_due = math.inf
        self.connected = False

    @property
    def held(self) -> Sequence[Offer]:
        """The offers that can be accepted now."""
        return tuple(self._held.values())

    def requested_for(self) -> float:
        """Return for how many seconds offers have been requested without a pause; 0 for not at all.

        Agents with free resources offer them within milliseconds.
        """
        since = self._requesting_since
        return 0.0 if since is None else self._clock.monotonic() - since

    def revive_wait(self) -> float:
        """Return in how many seconds a REVIVE that came too soon is due; inf if none waits."""
        return self._revive_due - self._clock.monotonic()

    def subscribed(self) -> None:
        """Begin again without offers. Whether Mesos sends any is as last requested."""
        self.clear()
        self.connected = True

    def clear(self) -> None:
        """Drop everything; the connection to the master is gone."""
        self._drop(tuple(self._held))
        self._requested = frozenset()
        self._requesting_since = None
        self._revive_due = math.inf
        self.connected = False

    def add(self, offers: Collection[Offer]) -> None:
        """Hold offers, except those that are rescinded already."""
        good = {offer.id: offer for offer in offers if offer.id not in self._rescinded}
        self._held |= good
        self._since |= dict.fromkeys(good, self._clock.monotonic())
        self._metrics.offers.labels("received").inc(len(offers))
        if rescinded := len(offers) - len(good):
            self._metrics.offers.labels("rescinded").inc(rescinded)

    def rescind(self, offer_id: str) -> None:
        """Drop an offer, now or when it arrives; it may also have been used or declined already."""
        if offer_id in self._held:
            self._drop((offer_id,))
            self._metrics.offers.labels("rescinded").inc()
        self._rescinded[offer_id] = None
        if len(self._rescinded) > _MOST_RESCINDED:
            self._rescinded.popitem(last=False)

    def accept(self, agent_id: str, tasks: Sequence[Task], *, busy: bool) -> None:
        """Launch tasks on everything that an agent offers.

        Mesos offers the rest again at once if `busy` (previews still wait), else as after a
        decline. The offers are gone whatever happens. Raises Unavailable, OutcomeUnknown.
        """
        ids = [offer.id for offer in self._held.values() if offer.agent_id == agent_id]
        self._drop(ids)
        self._metrics.offers.labels("accepted").inc(len(ids))
        self._cluster.accept(ids, tasks, 0.0 if busy else IDLE_REFUSE_SECONDS)

    def give_back(self, *, busy: bool, holding: bool) -> None:
        """Decline the remaining offers; `busy` if previews still wait.

        With `holding`, a preview may soon need them: only those held too long are declined.
        """
        limit = self._clock.monotonic() - HOLD_SECONDS
        ids = [i for i, since in self._since.items() if not holding or since <= limit]
        if not ids:
            return
        self._cluster.decline(ids, BUSY_REFUSE_SECONDS if busy else IDLE_REFUSE_SECONDS)
        self._metrics.offers.labels("declined").inc(len(ids))
        self._drop(ids)

    def request(self, wanted: Collection[Hashable]) -> None:
        """Request offers for what is `wanted`: at once for a new one, again after some seconds.

        If that would be too often, `revive_wait` tells when the next REVIVE is due.
        """
        now = self._clock.monotonic()
        is_new = not self._requested.issuperset(wanted)
        if self._held or not (is_new or now - self._requested_at > REVIVE_SECONDS):
            return
        earned = (now - self._counted_at) / REVIVE_EVERY_SECONDS
        self._revives, self._counted_at = min(REVIVES, self._revives + earned), now
        if self._revives < 1:
            self._revive_due = now + (1 - self._revives) * REVIVE_EVERY_SECONDS
            return
        self._revive_due = math.inf
        self._cluster.revive(self._role)
        self._revives -= 1
        self._quiet = False
        if self._requesting_since is None:
            self._requesting_since = now
        self._requested = frozenset(wanted)
        self._requested_at = now

    def renew_request(self) -> None:
        """Let the next `request` revive at once: more is free, or offers may be useful now."""
        self._requested = frozenset()

    def suppress(self) -> None:
        """Receive no more offers."""
        self._requested = frozenset()
        self._requesting_since = None
        self._revive_due = math.inf
        if not self._quiet:
            self._cluster.suppress(self._role)
            self._quiet = True

    def _drop(self, ids: Iterable[str]) -> None:
        for offer_id in ids:
            del self._held[offer_id], self._since[offer_id]
