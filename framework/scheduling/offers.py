"""The offers at hand, and whether Mesos shall send any. Owned by the service's thread."""

from collections import OrderedDict
from collections.abc import Collection, Iterable, Sequence

from framework.clock import Clock
from framework.matching.match import Key, Offer
from framework.metrics import Metrics
from framework.ports import Cluster
from framework.ports.tasks import Task

IDLE_REFUSE_SECONDS = 3600.0
"""Nothing waits: REVIVE clears this as soon as something does."""
BUSY_REFUSE_SECONDS = 5.0
"""Something waits for more than there is; an agent that gets more free is offered before."""
HOLD_SECONDS = 10.0
"""The longest that an offer is kept for what may soon want it: others get nothing meanwhile."""
REVIVES, REVIVE_EVERY_SECONDS = 3, 1.0
"""REVIVE makes the master offer everything anew: so many may follow each other at once, as who
asks for a preview waits for it, and then one each second."""
REVIVE_SECONDS = 10.0
"""REVIVE is repeated while something waits: it may be lost, or overtaken by a DECLINE."""
_BANNED = 1000


class Offers:
    """Holds each offer until it is used, given back or void."""

    def __init__(self, cluster: Cluster, clock: Clock, metrics: Metrics) -> None:
        self._cluster = cluster
        self._clock = clock
        self._metrics = metrics
        self._held: dict[str, Offer] = {}
        self._since: dict[str, float] = {}
        self._rescinded: OrderedDict[str, None] = OrderedDict()
        self._woken_for: frozenset[Key] = frozenset()
        self._woken_at = float("-inf")
        self._revives, self._counted_at = float(REVIVES), 0.0
        self._quiet = True
        self._asking_since: float | None = None
        self.connected = False
        self.revive_pending = False

    @property
    def held(self) -> Sequence[Offer]:
        """What can be taken now."""
        return tuple(self._held.values())

    def requested_for(self) -> float:
        """Return for how many seconds offers have been asked for, without a rest; 0 where not.

        Agents with room offer it within milliseconds.
        """
        since = self._asking_since
        return 0.0 if since is None else self._clock.monotonic() - since

    def subscribed(self) -> None:
        """Begin anew: nothing is held. Whether offers come is as it was asked for last."""
        self.clear()
        self.connected = True

    def clear(self) -> None:
        """Drop everything; the link to the master is gone."""
        self._drop(tuple(self._held))
        self._woken_for = frozenset()
        self._asking_since = None
        self.revive_pending = False
        self.connected = False

    def add(self, offers: Collection[Offer]) -> None:
        """Hold offers, but for those that are void already."""
        good = {offer.id: offer for offer in offers if offer.id not in self._rescinded}
        self._held |= good
        self._since |= dict.fromkeys(good, self._clock.monotonic())
        self._metrics.offers.labels("received").inc(len(offers))
        if void := len(offers) - len(good):
            self._metrics.offers.labels("rescinded").inc(void)

    def rescind(self, offer_id: str) -> None:
        """Drop an offer, now or when it comes; also one that was used or given back already."""
        if offer_id in self._held:
            self._drop((offer_id,))
            self._metrics.offers.labels("rescinded").inc()
        self._rescinded[offer_id] = None
        if len(self._rescinded) > _BANNED:
            self._rescinded.popitem(last=False)

    def accept(self, agent_id: str, tasks: Sequence[Task], *, busy: bool) -> None:
        """Launch tasks on everything that an agent offers.

        What they leave of it comes back at once if `busy` (something waits still), else as what
        is given back. The offers are gone whatever happens. Raises Unavailable, OutcomeUnknown.
        """
        ids = [offer.id for offer in self._held.values() if offer.agent_id == agent_id]
        self._drop(ids)
        self._metrics.offers.labels("accepted").inc(len(ids))
        self._cluster.accept(ids, tasks, 0.0 if busy else IDLE_REFUSE_SECONDS)

    def give_back(self, *, busy: bool, holding: bool) -> None:
        """Decline what is left; `busy` when something waits for more.

        With `holding` something may want them in a moment: only those go that were held too long.
        """
        limit = self._clock.monotonic() - HOLD_SECONDS
        ids = [i for i, since in self._since.items() if not holding or since <= limit]
        if not ids:
            return
        self._cluster.decline(ids, BUSY_REFUSE_SECONDS if busy else IDLE_REFUSE_SECONDS)
        self._metrics.offers.labels("declined").inc(len(ids))
        self._drop(ids)

    def request(self, keys: Collection[Key]) -> None:
        """Ask for offers for what waits: at once for something new, again after some seconds.

        Where that would be too often `revive_pending` is set until the next is due.
        """
        now = self._clock.monotonic()
        is_new = not self._woken_for.issuperset(keys)
        if self._held or not (is_new or now - self._woken_at > REVIVE_SECONDS):
            return
        earned = (now - self._counted_at) / REVIVE_EVERY_SECONDS
        self._revives, self._counted_at = min(REVIVES, self._revives + earned), now
        self.revive_pending = self._revives < 1
        if self.revive_pending:
            return
        self._cluster.revive()
        self._revives -= 1
        self._quiet = False
        if self._asking_since is None:
            self._asking_since = now
        self._woken_for = frozenset(keys)
        self._woken_at = now

    def renew_request(self) -> None:
        """Have the next `request` ask for offers at once: what was no use before is some now."""
        self._woken_for = frozenset()

    def suppress(self) -> None:
        """Ask for no more offers."""
        self._woken_for = frozenset()
        self._asking_since = None
        self.revive_pending = False
        if not self._quiet:
            self._cluster.suppress()
            self._quiet = True

    def _drop(self, ids: Iterable[str]) -> None:
        for offer_id in ids:
            del self._held[offer_id], self._since[offer_id]
