"""executor/network/visitors.py: who may connect, from what an executor is told."""

import dataclasses
from ipaddress import ip_network

from executor.limits.ingress import Entrance, Ingress, Visitor
from executor.network.visitors import Agent, find_ingress, is_here
from prevs.messages import KnownProxies, ProxyAddress, PublishedService
from tests.unit.executor.attempt.test_attempt import ORDER

KNOWN = KnownProxies(
    7,
    (
        ProxyAddress("10.0.0.5", 998),
        ProxyAddress("10.0.0.7", 998),
        ProxyAddress("a later version's"),
    ),
)
AGENT = Agent([(31000, 31999)], [ip_network("10.9.0.0/24")], 997, lambda one: one == "10.0.0.5")
AWAY = dataclasses.replace(ORDER, host="10.0.0.5")


def test_the_user_counts_on_the_agents_own_machine_only() -> None:
    assert find_ingress(AWAY, KNOWN, AGENT) == Ingress(
        7,
        (
            Visitor(ip_network("10.0.0.5"), 998),
            Visitor(ip_network("10.0.0.7")),
            Visitor(ip_network("10.9.0.0/24")),
        ),
        own_users=(0, 997),
        checker=997,
    )


def test_an_agent_at_a_loopback_address_closes_all_its_ports_there() -> None:
    order = dataclasses.replace(ORDER, host="127.0.0.2", host_port=31005)
    found = find_ingress(order, KNOWN, AGENT)
    assert found is not None
    assert found.entrance == Entrance("127.0.0.2", [(31000, 31999)])
    assert found.own_users == (0,)
    bare = find_ingress(order, KNOWN, AGENT._replace(ports=()))
    assert bare is not None
    assert bare.entrance == Entrance("127.0.0.2", [(31005, 31005)])
    services = {"result": PublishedService(31006, "http://result--main.hello.localhost/")}
    several = find_ingress(
        dataclasses.replace(order, services=services), KNOWN, AGENT._replace(ports=())
    )
    assert several is not None
    assert several.entrance == Entrance("127.0.0.2", [(31005, 31005), (31006, 31006)])


def test_nothing_changes_before_the_framework_knows_the_proxies() -> None:
    assert find_ingress(AWAY, None, AGENT) is None


def test_the_machines_own_addresses_are_found() -> None:
    assert is_here("127.0.0.1")
    assert not is_here("192.0.2.1")
