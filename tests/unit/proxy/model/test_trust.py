from dataclasses import replace

import pytest

from prevs.records import AgentsRecord, PlacementsRecord, PortRange
from prevs.signatures import derive_key, sign_agents, sign_placement
from proxy.model import routes, trust
from proxy.model.trust import UNSIGNED, Node, Trust
from tests.fakes.placements import AGENTS, KEY, OTHER_SHA, SHA, TRUST, placement, record

GOOD = placement("hello", SHA, 31000, "main", host="10.0.0.1")
PORTS = {"10.0.0.1": (PortRange(31000, 31005), PortRange(31010, 31020))}
HERE = Trust((KEY,), PORTS)
ELSEWHERE = AgentsRecord(PORTS, sign_agents(KEY, AgentsRecord(PORTS))).encode()


def learn(data: bytes, believed: Trust = HERE) -> routes.Learned:
    return routes.learn({}, {"hello": Node(data, 3, 10)}, "x", believed)


@pytest.mark.parametrize("signature", ["", "0" * 64, "größe"])
def test_a_placement_without_the_frameworks_signature_is_not_routed(signature: str) -> None:
    other = placement("hello", OTHER_SHA, 31001, "v1", host="10.0.0.1")
    signed = {OTHER_SHA: sign_placement(KEY, "hello", OTHER_SHA, other), SHA: signature}
    learned = learn(PlacementsRecord("hello", {SHA: GOOD, OTHER_SHA: other}, signed).encode())
    assert set(routes.merge(learned.apps)) == {"v1.hello.x"}
    assert learned.problems == (("hello", f"the placement of {SHA}: {UNSIGNED}"),)
    assert routes.versions(learned.apps) == {"hello": 3}, "it counts as applied"


def test_the_signature_of_one_placement_is_invalid_for_another() -> None:
    moved = replace(GOOD, port=31001)
    signed = {SHA: sign_placement(KEY, "hello", SHA, GOOD)}
    assert routes.merge(learn(PlacementsRecord("hello", {SHA: moved}, signed).encode()).apps) == {}


def test_a_foreign_key_is_refused_and_an_older_one_still_accepted() -> None:
    data = record("hello", {SHA: GOOD})
    other = derive_key("another token")
    assert routes.merge(learn(data, HERE._replace(keys=(other,))).apps) == {}
    assert set(routes.merge(learn(data, HERE._replace(keys=(other, KEY))).apps)) == {"main.hello.x"}


@pytest.mark.parametrize(
    ("host", "port"),
    [("10.0.0.1", 2181), ("10.0.0.1", 31006), ("10.0.0.1", 30999), ("10.0.0.9", 31000)],
)
def test_a_placement_with_a_port_that_no_agent_offers_is_not_routed(host: str, port: int) -> None:
    away = placement("hello", SHA, port, "main", host=host)
    learned = learn(record("hello", {SHA: away}))
    assert routes.merge(learned.apps) == {}
    assert learned.problems == (
        ("hello", f"the placement of {SHA}: no agent has {host}:{port} for previews"),
    )


def test_a_service_at_a_port_that_no_agent_offers_is_not_routed() -> None:
    away = replace(GOOD, services={"result--main": 2181})
    learned = learn(record("hello", {SHA: away}))
    assert routes.merge(learned.apps) == {}
    assert "no agent has 10.0.0.1:2181 for previews" in learned.problems[0][1]


@pytest.mark.parametrize("port", [31000, 31005, 31010, 31020])
def test_the_ends_of_a_range_belong_to_it(port: int) -> None:
    at = placement("hello", SHA, port, "main", host="10.0.0.1")
    assert routes.merge(learn(record("hello", {SHA: at})).apps)["main.hello.x"].port == port


def test_a_placement_is_routed_while_an_agent_has_its_port() -> None:
    nodes = {"hello": Node(record("hello", {SHA: GOOD}), 0, 1)}
    before = routes.learn({}, nodes, "x", Trust((KEY,)))
    assert len(before.problems) == 1
    known, problem = trust.learn(Trust((KEY,)), Node(ELSEWHERE, 0, 2))
    assert problem is None
    after = routes.learn(before.apps, nodes, "x", known)
    assert set(routes.merge(after.apps)) == {"main.hello.x"}
    nobody = AgentsRecord({}, sign_agents(KEY, AgentsRecord({}))).encode()
    known, problem = trust.learn(known, Node(nobody, 1, 3))
    assert routes.merge(routes.learn(after.apps, nodes, "x", known).apps) == {}


def test_routes_that_stay_the_same_are_the_same_object_when_agents_change() -> None:
    nodes = {"hello": Node(record("hello", {SHA: GOOD}), 0, 1)}
    first = routes.learn({}, nodes, "x", HERE)
    second = routes.learn(first.apps, nodes, "x", TRUST)
    assert second.apps["hello"].routes is first.apps["hello"].routes
    assert second.problems == ()


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"{", "not JSON"),
        (AgentsRecord(PORTS).encode(), UNSIGNED),
        (AgentsRecord({}, sign_agents(KEY, AgentsRecord(PORTS))).encode(), UNSIGNED),
    ],
)
def test_a_bad_record_of_agents_keeps_the_ports_and_is_reported_once(data: bytes, why: str) -> None:
    known, _ = trust.learn(Trust((KEY,)), Node(ELSEWHERE, 0, 1))
    after, problem = trust.learn(known, Node(data, 1, 2))
    assert problem is not None
    assert why in problem
    assert after.ports == PORTS
    assert trust.learn(after, Node(data, 1, 2)) == (after, None)
    assert trust.learn(after, None) == (after, None)


def test_a_record_of_agents_is_read_once() -> None:
    known, _ = trust.learn(Trust((KEY,)), Node(AGENTS, 0, 7))
    assert trust.learn(known, Node(b"not looked at", 0, 7))[0] is known
