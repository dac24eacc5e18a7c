"""framework/attempts/proxies.py: which proxies may connect, and which executors know of them."""

from typing import Any

from framework import events
from framework.attempts.proxies import AT_ONCE, KEPT_SECONDS, REPEAT_SECONDS, SETTLING_SECONDS
from framework.errors import Unavailable
from prevs.messages import KnownProxies, ProxyAddress
from tests.fakes.driven import Driven

FIRST, SECOND = ProxyAddress("10.0.0.7", 998), ProxyAddress("10.0.0.8", 998)


def report(driven: Driven, proxy: str, *addresses: str) -> None:
    driven.step(events.UsageReported(proxy, [], addresses, 998))


def told(driven: Driven) -> list[tuple[str, str, tuple[ProxyAddress, ...]]]:
    """Return what executors were told."""
    calls: list[Any] = driven.cluster.of("tell")
    return [(agent, task, KnownProxies.decode(data).proxies) for agent, task, data in calls]


def test_an_order_names_the_proxies_that_have_reported(driven: Driven) -> None:
    report(driven, "p1", "10.0.0.7", "no address")
    driven.run()
    [task] = driven.cluster.tasks
    assert task.order.proxies is not None
    assert task.order.proxies.proxies == (FIRST,)
    assert task.order.proxies.since == driven.clock.seconds * 1000
    assert told(driven) == [], "the executor has it from its order"


def test_a_proxy_that_is_added_is_told_to_the_executors_at_once(driven: Driven) -> None:
    report(driven, "p1", "10.0.0.7")
    driven.run()
    before = driven.cluster.tasks[0].order.proxies
    report(driven, "p2", "10.0.0.8")
    [(agent, task, data)] = driven.cluster.of("tell")
    found = KnownProxies.decode(data)
    assert (agent, task) == (driven.cluster.tasks[0].agent_id, driven.task())
    assert found.proxies == (FIRST, SECOND)
    assert before is not None
    assert found.since > before.since


def test_a_lost_message_is_repeated_and_one_that_mesos_did_not_take_is_sent_again(
    driven: Driven,
) -> None:
    report(driven, "p1", "10.0.0.7")
    driven.run()
    driven.cluster.failure = Unavailable("The Mesos master")
    report(driven, "p2", "10.0.0.8")
    driven.cluster.failure = None
    driven.step()
    assert len(told(driven)) == 2
    driven.clock.pass_seconds(REPEAT_SECONDS)
    report(driven, "p2", "10.0.0.8")
    assert len(told(driven)) == 3


def test_a_new_leader_says_nothing_before_all_proxies_have_had_time_to_report(
    driven: Driven,
) -> None:
    driven.run()
    assert driven.cluster.tasks[0].order.proxies is None
    driven.clock.pass_seconds(SETTLING_SECONDS)
    driven.step()
    assert told(driven) == [], "there is no proxy that has to be let in"
    report(driven, "p1", "10.0.0.7")
    assert told(driven)[-1][2] == (FIRST,)


def test_a_proxy_that_is_gone_counts_for_an_hour_as_its_haproxy_may_go_on(driven: Driven) -> None:
    report(driven, "p1", "10.0.0.7")
    report(driven, "p2", "10.0.0.8")
    driven.run()
    driven.clock.pass_seconds(KEPT_SECONDS - 1)
    report(driven, "p1", "10.0.0.7")
    assert told(driven)[-1][2] == (FIRST, SECOND)
    driven.clock.pass_seconds(2)
    report(driven, "p1", "10.0.0.7")
    assert told(driven)[-1][2] == (FIRST,)
    assert AT_ONCE > 1
