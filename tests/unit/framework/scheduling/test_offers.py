"""The held offers, without a service around them."""

import math
from collections.abc import Callable

import pytest
from prometheus_client import CollectorRegistry

from framework.errors import Unavailable
from framework.metrics import Metrics
from framework.scheduling.offers import REVIVE_SECONDS, Offers
from prevs.units import preview_unit
from tests.fakes.clock import FakeClock
from tests.fakes.cluster import FakeCluster
from tests.fakes.offers import offer

A = preview_unit("hello", "a" * 40)


@pytest.fixture
def cluster() -> FakeCluster:
    return FakeCluster()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def offers(cluster: FakeCluster, clock: FakeClock) -> Offers:
    """No offers are held, and there is a subscription."""
    return subscribe(cluster, clock)


def subscribe(
    cluster: FakeCluster, clock: FakeClock, registry: CollectorRegistry | None = None
) -> Offers:
    offers = Offers(cluster, clock.clock, Metrics(registry or CollectorRegistry()))
    offers.subscribed()
    return offers


def held(offers: Offers) -> list[str]:
    return [one.id for one in offers.held]


def test_an_offer_whose_rescind_came_first_is_never_held(offers: Offers) -> None:
    offers.rescind("o1")
    offers.add([offer("o1"), offer("o2")])
    assert held(offers) == ["o2"]


def test_each_offer_is_counted_by_what_becomes_of_it(
    cluster: FakeCluster, clock: FakeClock
) -> None:
    registry = CollectorRegistry()
    offers = subscribe(cluster, clock, registry)
    offers.rescind("early 1")
    offers.rescind("early 2")
    offers.add([offer("early 1"), offer("early 2"), offer("o1"), offer("o2"), offer("o3")])
    offers.add([offer("o4"), offer("o5", agent="agent-2")])
    offers.rescind("o4")
    offers.rescind("never seen")
    offers.accept("agent-1", [], busy=False)
    offers.give_back(busy=False, holding=False)
    found = {
        what: registry.get_sample_value("prevs_offers_total", {"fate": what})
        for what in ("received", "rescinded", "accepted", "declined")
    }
    assert found == {"received": 7.0, "rescinded": 3.0, "accepted": 3.0, "declined": 1.0}


def test_an_old_rescind_is_forgotten(offers: Offers) -> None:
    for number in range(5000):
        offers.rescind(f"r{number}")
    offers.add([offer("r0"), offer("r4999")])
    assert held(offers) == ["r0"]


def test_offers_are_held_for_coming_previews_but_not_for_long(
    offers: Offers, cluster: FakeCluster, clock: FakeClock
) -> None:
    offers.add([offer("o1")])
    clock.pass_seconds(6)
    offers.add([offer("o2")])
    offers.give_back(busy=True, holding=True)
    assert cluster.of("decline") == []
    clock.pass_seconds(4)
    offers.give_back(busy=True, holding=True)
    assert cluster.of("decline") == [(["o1"], 5.0)]
    assert held(offers) == ["o2"]


def test_offers_that_nothing_waits_for_are_declined_for_long(
    offers: Offers, cluster: FakeCluster
) -> None:
    offers.add([offer("o1")])
    offers.give_back(busy=False, holding=False)
    offers.give_back(busy=False, holding=False)
    assert cluster.of("decline") == [(["o1"], 3600.0)]


def test_an_offer_that_could_not_be_declined_is_still_held(
    offers: Offers, cluster: FakeCluster
) -> None:
    offers.add([offer("o1")])
    cluster.failure = Unavailable("Mesos")
    with pytest.raises(Unavailable):
        offers.give_back(busy=False, holding=False)
    assert held(offers) == ["o1"]


def test_the_rest_of_a_launch_is_offered_again_at_once_while_something_waits(
    offers: Offers, cluster: FakeCluster
) -> None:
    for busy in (True, False):
        offers.add([offer("o1"), offer("o2"), offer("o3", agent="agent-2")])
        offers.accept("agent-1", [], busy=busy)
    assert cluster.refusals == [0.0, 3600.0]
    assert cluster.of("accept") == [(["o1", "o2"], [])] * 2
    assert held(offers) == ["o3"]


def test_no_offer_of_a_lost_link_is_kept(offers: Offers, clock: FakeClock) -> None:
    offers.add([offer("o1")])
    offers.clear()
    assert held(offers) == []
    assert not offers.connected
    offers.subscribed()
    clock.pass_seconds(60)
    offers.give_back(busy=False, holding=True)
    assert held(offers) == []


def test_offers_of_an_earlier_subscription_are_invalid(offers: Offers) -> None:
    offers.add([offer("o1")])
    offers.subscribed()
    assert held(offers) == []


def test_a_waiting_preview_revives_offers_at_a_new_master_at_once(
    offers: Offers, cluster: FakeCluster
) -> None:
    offers.request([A])
    offers.clear()
    offers.subscribed()
    offers.request([A])
    assert len(cluster.of("revive")) == 2


def test_offers_are_revived_at_once_for_a_new_preview_but_not_again_and_again(
    offers: Offers, cluster: FakeCluster, clock: FakeClock
) -> None:
    units = [preview_unit("hello", f"{number:040x}") for number in range(5)]
    for number in (1, 2, 3, 4, 5):
        offers.request(units[:number])
    assert len(cluster.of("revive")) == 3
    assert offers.revive_wait() == pytest.approx(0.25)
    clock.pass_seconds(0.2)
    offers.request(units)
    assert len(cluster.of("revive")) == 3
    assert offers.revive_wait() == pytest.approx(0.05)
    clock.pass_seconds(0.05)
    offers.request(units)
    assert len(cluster.of("revive")) == 4
    assert offers.revive_wait() == math.inf
    clock.pass_seconds(2)
    offers.request(units)
    assert len(cluster.of("revive")) == 4


def test_nothing_is_known_before_the_first_subscription(
    cluster: FakeCluster, clock: FakeClock
) -> None:
    offers = Offers(cluster, clock.clock, Metrics(CollectorRegistry()))
    assert not offers.connected
    assert (held(offers), offers.requested_for(), offers.revive_wait()) == ([], 0.0, math.inf)


@pytest.mark.parametrize("end", [Offers.suppress, Offers.clear])
def test_offers_are_requested_from_the_first_request_until_nothing_waits_or_the_link_is_gone(
    offers: Offers, clock: FakeClock, end: Callable[[Offers], None]
) -> None:
    for seconds in (0.0, 2.0, 5.0):
        clock.seconds = 1000.0 + seconds
        offers.request([preview_unit("hello", f"{seconds}")])
        assert offers.requested_for() == seconds
    end(offers)
    assert offers.requested_for() == 0.0


@pytest.mark.parametrize("end", [Offers.suppress, Offers.clear])
def test_no_revive_is_due_once_nothing_waits_or_the_link_is_gone(
    offers: Offers, end: Callable[[Offers], None]
) -> None:
    for number in range(5):
        offers.request([preview_unit("hello", f"{number}")])
    assert offers.revive_wait() < math.inf
    end(offers)
    assert offers.revive_wait() == math.inf


def test_reviving_is_repeated_while_something_waits_because_it_may_be_lost(
    offers: Offers, cluster: FakeCluster, clock: FakeClock
) -> None:
    offers.request([A])
    clock.pass_seconds(REVIVE_SECONDS)
    offers.request([A])
    assert len(cluster.of("revive")) == 1
    clock.pass_seconds(1)
    offers.request([A])
    assert len(cluster.of("revive")) == 2


def test_a_renewed_request_revives_again_at_once(offers: Offers, cluster: FakeCluster) -> None:
    offers.request([A])
    offers.request([A])
    assert len(cluster.of("revive")) == 1
    offers.renew_request()
    offers.request([A])
    assert len(cluster.of("revive")) == 2


def test_offers_are_not_revived_while_some_are_held(offers: Offers, cluster: FakeCluster) -> None:
    offers.add([offer("o1")])
    offers.request([A])
    assert cluster.of("revive") == []


def test_offers_are_suppressed_once_when_nothing_waits(
    offers: Offers, cluster: FakeCluster, clock: FakeClock
) -> None:
    offers.suppress()
    assert cluster.of("suppress") == []
    offers.request([A])
    offers.suppress()
    offers.suppress()
    assert len(cluster.of("suppress")) == 1
    clock.pass_seconds(1)
    offers.request([A])
    assert len(cluster.of("revive")) == 2


def test_a_failed_request_is_repeated_at_once(offers: Offers, cluster: FakeCluster) -> None:
    calls: list[tuple[str, Callable[[], None]]] = [
        ("revive", lambda: offers.request([A])),
        ("suppress", offers.suppress),
    ]
    for call, send in calls:
        cluster.failure = Unavailable("Mesos")
        with pytest.raises(Unavailable):
            send()
        cluster.failure = None
        send()
        assert len(cluster.of(call)) == 2
