"""The offers at hand, and whether Mesos shall send any. Owned by the service's thread."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from framework.clock import Clock
from framework.matching import Key, Offer
from framework.metrics import Metrics
from framework.ports import Cluster

IDLE_REFUSE_SECONDS = 3600.0
"""Nothing waits: REVIVE clears this as soon as something does."""
BUSY_REFUSE_SECONDS = 5.0
"""Something waits for more than there is; an agent that gets more free is offered before."""
REVIVE_SECONDS = 10.0
"""REVIVE is repeated while something waits: it may be lost, or overtaken by a DECLINE."""


class Offers:
    """Holds each offer until it is used, given back or void."""

    def __init__(self, cluster: Cluster, clock: Clock, metrics: Metrics) -> None:
        self._cluster = cluster
        self._clock = clock
        self._metrics = metrics
        self._held: dict[str, Offer] = {}
        self._woken_for: frozenset[Key] = frozenset()
        self._woken_at = 0.0
        self._quiet = True
        self.connected = False

    @property
    def held(self) -> Sequence[Offer]:
        """What can be taken now."""
        return tuple(self._held.values())

    def subscribed(self) -> None:
        """Begin anew: nothing is held. Whether offers come is as it was asked for last."""
        self.void()
        self.connected = True

    def void(self) -> None:
        """Drop everything; the link to the master is gone."""
        self._held.clear()
        self._woken_for = frozenset()
        self.connected = False

    def add(self, offers: Iterable[Offer]) -> None:
        """Hold offers."""
        for offer in offers:
            self._held[offer.id] = offer
            self._metrics.offers.labels("received").inc()

    def rescind(self, offer_id: str) -> None:
        """Drop an offer; also one that was used or given back already."""
        if self._held.pop(offer_id, None):
            self._metrics.offers.labels("rescinded").inc()

    def accept(self, agent_id: str, tasks: Sequence[Mapping[str, Any]]) -> None:
        """Launch tasks on everything that an agent offers.

        The offers are gone whatever happens. Raises Unavailable, OutcomeUnknown.
        """
        ids = [offer.id for offer in self._held.values() if offer.agent_id == agent_id]
        for offer_id in ids:
            del self._held[offer_id]
        self._metrics.offers.labels("accepted").inc(len(ids))
        self._cluster.accept(ids, tasks, 0.0)

    def give_back(self, *, busy: bool) -> None:
        """Decline what is left; `busy` when something waits for more."""
        if not self._held:
            return
        ids = list(self._held)
        self._cluster.decline(ids, BUSY_REFUSE_SECONDS if busy else IDLE_REFUSE_SECONDS)
        self._metrics.offers.labels("declined").inc(len(ids))
        self._held.clear()

    def wake(self, keys: Collection[Key]) -> None:
        """Ask for offers for what waits: at once for something new, again after some seconds."""
        now = self._clock.monotonic()
        if self._held or not (set(keys) - self._woken_for or now - self._woken_at > REVIVE_SECONDS):
            return
        self._cluster.revive()
        self._quiet = False
        self._woken_for = frozenset(keys)
        self._woken_at = now

    def rest(self) -> None:
        """Ask for no more offers."""
        self._woken_for = frozenset()
        if not self._quiet:
            self._cluster.suppress()
            self._quiet = True
