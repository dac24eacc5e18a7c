"""The offers for previews, and those for jobs. Owned by the service's thread."""

from collections.abc import Collection, Iterable, Sequence

from framework.clock import Clock
from framework.matching.resources import Offer
from framework.matching.roles import Roles
from framework.metrics import Metrics
from framework.ports import Cluster
from framework.scheduling.offers import Offers
from prevs.units import Unit, UnitKind


class OffersByRole:
    """The offers `of_previews` and `of_jobs`: the same object unless jobs have their own role."""

    def __init__(self, cluster: Cluster, clock: Clock, metrics: Metrics, roles: Roles) -> None:
        self._roles = roles
        if roles.jobs:
            self.of_previews = Offers(cluster, clock, metrics, roles.previews)
            self.of_jobs = Offers(cluster, clock, metrics, roles.jobs)
        else:
            self.of_previews = self.of_jobs = Offers(cluster, clock, metrics)
        self._all = tuple(dict.fromkeys((self.of_previews, self.of_jobs)))

    @property
    def connected(self) -> bool:
        """Whether there is a subscription."""
        return self.of_previews.connected

    def revive_wait(self) -> float:
        """Return in how many seconds the next REVIVE is due that came too soon; inf for none."""
        return min(offers.revive_wait() for offers in self._all)

    @property
    def held(self) -> Sequence[Offer]:
        """The offers that can be accepted now."""
        return tuple(offer for offers in self._all for offer in offers.held)

    def of(self, unit: Unit) -> Offers:
        """Return the offers that a unit may use."""
        return self.of_jobs if unit.kind is UnitKind.JOB else self.of_previews

    def split(self, units: Iterable[Unit]) -> dict[Offers, list[Unit]]:
        """Return the units that may use each of the offers."""
        found: dict[Offers, list[Unit]] = {offers: [] for offers in self._all}
        for unit in units:
            found[self.of(unit)].append(unit)
        return found

    def subscribed(self) -> None:
        """Begin again without offers."""
        for offers in self._all:
            offers.subscribed()

    def clear(self) -> None:
        """Drop everything; the connection to the master is gone."""
        for offers in self._all:
            offers.clear()

    def add(self, offers: Collection[Offer]) -> None:
        """Hold offers, each with those of its role."""
        if self.of_jobs is self.of_previews:
            self.of_previews.add(offers)
            return
        self.of_previews.add([one for one in offers if one.role != self._roles.jobs])
        self.of_jobs.add([one for one in offers if one.role == self._roles.jobs])

    def rescind(self, offer_id: str) -> None:
        """Drop an offer, now or when it arrives."""
        for offers in self._all:
            offers.rescind(offer_id)

    def renew_request(self) -> None:
        """Let the next requests revive at once."""
        for offers in self._all:
            offers.renew_request()
