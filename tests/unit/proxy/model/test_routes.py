import json
from dataclasses import replace
from typing import NoReturn

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prevs import names
from prevs.records import Placement, RecordError
from proxy.model import routes
from proxy.model.routes import AppRoutes, Merged, Route
from proxy.model.trust import Node
from tests.fakes.placements import OTHER_SHA, SHA, TRUST, placement, record

GOOD = placement("hello", SHA, 31000, "main", "5c80e7d", host="10.0.0.1")
ROUTE = Route("10.0.0.1", 31000, f"hello.{SHA}.a1")

hosts = st.dictionaries(
    st.sampled_from(["a", "b", "c", "d"]),
    st.builds(Route, st.sampled_from(["10.0.0.1", "::1"]), st.integers(1, 3), st.just("t")),
)


def test_each_label_of_a_placement_is_a_host_that_leads_there() -> None:
    read, problems = routes.read("hello", record("hello", {SHA: GOOD}), "example.org", TRUST)
    assert read == {"main.hello.example.org": ROUTE, "5c80e7d.hello.example.org": ROUTE}
    assert problems == []


def test_a_label_that_is_too_long_for_the_flat_form_is_two_hosts() -> None:
    long = "a" * 63
    placed = placement("hello", SHA, 31000, long, SHA, "main", host="10.0.0.1")
    read, problems = routes.read("hello", record("hello", {SHA: placed}), "example.org", TRUST)
    cut = names.flat_label(long, "hello")
    assert sorted(read) == sorted(
        f"{label}.hello.example.org" for label in (long, cut, SHA, "main")
    )
    assert set(read.values()) == {ROUTE}
    assert problems == []


@pytest.mark.parametrize("ip", ["10.0.0.1", "::1", "fd00:1111:2222:3333:4444:5555:6666:7777"])
def test_the_value_in_the_map_is_address_port_and_task(ip: str) -> None:
    for route in (ROUTE._replace(ip=ip), ROUTE._replace(ip=ip, port=1)):
        value = str(route)
        assert value[: routes.TASK_AT].rstrip("|") == f"{ip}|{route.port}"
        assert value[routes.TASK_AT :] == f"hello.{SHA}.a1"
        assert routes.parse(value) == route


@pytest.mark.parametrize(
    ("marked", "mark"),
    [(ROUTE._replace(protocol="h2"), "+"), (ROUTE._replace(service=True), "~")],
    ids=["HTTP/2", "a service"],
)
def test_the_value_in_the_map_marks_http2_and_services(marked: Route, mark: str) -> None:
    for ip in ("10.0.0.1", "fd00:1111:2222:3333:4444:5555:6666:7777"):
        route = marked._replace(ip=ip, port=65535)
        value = str(route)
        assert value[: routes.TASK_AT].rstrip("|") == f"{ip}|65535{mark}"
        assert value[routes.TASK_AT :] == ROUTE.task_id
        assert routes.parse(value) == route


@pytest.mark.parametrize("protocol", ["", "h2"])
@pytest.mark.parametrize("ip", ["255.255.255.255", "::1", "fd00:1111::7777"])
def test_the_newer_commit_that_failed_is_right_in_front_of_the_task(ip: str, protocol: str) -> None:
    route = ROUTE._replace(ip=ip, port=65535, protocol=protocol, newer=OTHER_SHA[:12])
    value = str(route)
    assert value[routes.TASK_AT - 12 :] == f"{OTHER_SHA[:12]}{ROUTE.task_id}"
    assert routes.parse(value) == route


@pytest.mark.parametrize("end", ["|", "+", "~"])
def test_a_long_address_leaves_out_the_newer_commit(end: str) -> None:
    ip = "fd00:1111:2222:3333:4444:5555:6666:7777"
    protocol, service = "h2" if end == "+" else "", end == "~"
    route = ROUTE._replace(ip=ip, port=65535, protocol=protocol, service=service)
    value = str(route._replace(newer=OTHER_SHA[:12]))
    assert value[routes.TASK_AT - 1] == end, "its key in HAProxy"
    assert routes.parse(value) == route


def test_a_label_has_its_own_newer_commit_if_there_is_one() -> None:
    failed = {"main": OTHER_SHA, "5c80e7d": "no commit\r\nX: y", "elsewhere": OTHER_SHA}
    data = record("hello", {SHA: GOOD}, failed)
    read, problems = routes.read("hello", data, "example.org", TRUST)
    assert read["main.hello.example.org"] == ROUTE._replace(newer=OTHER_SHA[:12])
    assert read["5c80e7d.hello.example.org"] == ROUTE
    assert problems == []


def test_a_placement_has_the_protocol_of_its_application() -> None:
    placed = replace(GOOD, protocol="h2")
    read, problems = routes.read("hello", record("hello", {SHA: placed}), "example.org", TRUST)
    assert set(read.values()) == {ROUTE._replace(protocol="h2")}
    assert problems == []


def test_a_service_of_a_placement_is_at_hosts_of_its_own() -> None:
    services = {"result--main": 31002, "result--v1": 31002, "admin--main": 31003}
    placed = replace(GOOD, services=services, protocol="h2")
    other = placement("hello", OTHER_SHA, 31001, "admin--main", host="10.0.0.1")
    data = record("hello", {SHA: placed, OTHER_SHA: other}, {"result--main": OTHER_SHA})
    read, problems = routes.read("hello", data, "example.org", TRUST)
    result = ROUTE._replace(port=31002, service=True)
    assert read["result--main.hello.example.org"] == result._replace(newer=OTHER_SHA[:12])
    assert read["result--v1.hello.example.org"] == result
    assert read["main.hello.example.org"] == ROUTE._replace(protocol="h2")
    assert read["admin--main.hello.example.org"].task_id == other.task_id, "a branch comes first"
    assert problems == []


NOWHERE = [{"ip": "0.0.0.0"}, {"ip": "x"}, {"port": "x"}, {"port": "01"}]


@pytest.mark.parametrize(
    "text",
    [
        *("", "a|b|c", "10.0.0.1|x|t", "10.0.0.1|1", "10.0.0.1|1|t"),
        *(str(ROUTE._replace(**change)) for change in NOWHERE),  # type: ignore[arg-type]
    ],
)
def test_an_invalid_value_of_the_map_is_read_as_none(text: str) -> None:
    assert routes.parse(text) is None


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        (replace(GOOD, host="agent-1"), "is not an IP address"),
        (replace(GOOD, protocol="h3"), "'h3' is not a protocol that proxies speak"),
        (replace(GOOD, host="10.0.0.1|80"), "is not an IP address"),
        (replace(GOOD, host="0.0.0.0"), "is not the address of an agent"),
        (replace(GOOD, host="::"), "is not the address of an agent"),
        (replace(GOOD, host="fe80::1%eth0"), "is not the address of an agent"),
        (replace(GOOD, port=0), "is not a port"),
        (replace(GOOD, port=70000), "is not a port"),
        (replace(GOOD, services={"result--main": 0}), "is not a port"),
        (replace(GOOD, services={"result--main\n": 31002}), "is not a DNS label"),
        (replace(GOOD, task_id=f"other.{SHA}.a1"), "is not a task of this commit"),
        (replace(GOOD, task_id=f"hello.{OTHER_SHA}.a1"), "is not a task of this commit"),
        (replace(GOOD, task_id="x y"), "is not a task of this commit"),
        (replace(GOOD, labels=("main", "no label\n")), "is not a DNS label"),
    ],
)
def test_an_invalid_placement_is_left_out_and_reported(bad: Placement, why: str) -> None:
    other = placement("hello", OTHER_SHA, 31001, "v1")
    data = record("hello", {SHA: bad, OTHER_SHA: other})
    read, problems = routes.read("hello", data, "localhost", TRUST)
    assert list(read) == ["v1.hello.localhost"]
    assert len(problems) == 1
    assert why in problems[0]


def test_a_record_of_another_app_is_ignored() -> None:
    with pytest.raises(RecordError, match="another"):
        routes.read("hello", record("another", {}), "localhost", TRUST)


@pytest.mark.parametrize("data", [b"", b"\xff", b"[]", b'{"v":2}', b'{"v":1,"app":3}'])
def test_a_malformed_record_leaves_its_app_as_it_was_and_the_others_go_on(data: bytes) -> None:
    first = routes.learn({}, {"hello": Node(record("hello", {SHA: GOOD}), 4, 10)}, "x", TRUST)
    nodes = {
        "hello": Node(data, 5, 11),
        "other": Node(record("other", {SHA: placement("other", SHA, 1, "a")}), 0, 12),
    }
    learned = routes.learn(first.apps, nodes, "x", TRUST)
    assert set(routes.merge(learned.apps)) == {"main.hello.x", "5c80e7d.hello.x", "a.other.x"}
    assert routes.versions(learned.apps) == {"hello": 4, "other": 0}
    assert [app for app, _ in learned.problems] == ["hello"]
    again = routes.learn(learned.apps, nodes, "x", TRUST)
    assert again.problems == (), "it is reported once"
    assert again.apps == learned.apps


def test_a_malformed_first_record_gives_no_routes_and_no_version() -> None:
    learned = routes.learn({}, {"hello": Node(b"{", 0, 1)}, "x", TRUST)
    assert routes.merge(learned.apps) == {}
    assert routes.versions(learned.apps) == {}


def test_an_app_without_a_znode_has_no_routes_any_more() -> None:
    known = {"hello": AppRoutes(1, 0, {"main.hello.x": ROUTE})}
    assert routes.learn(known, {}, "x", TRUST).apps == {}


def test_a_recreated_znode_is_read_although_its_version_is_the_same() -> None:
    first = routes.learn({}, {"hello": Node(record("hello", {}), 0, 1)}, "x", TRUST)
    second = routes.learn(
        first.apps, {"hello": Node(record("hello", {SHA: GOOD}), 0, 2)}, "x", TRUST
    )
    assert "main.hello.x" in routes.merge(second.apps)


def test_an_unknown_field_is_ignored() -> None:
    fields = json.loads(record("hello", {SHA: GOOD}))
    fields["placements"][SHA]["weight"] = 3
    read, problems = routes.read("hello", json.dumps(fields).encode(), "x", TRUST)
    assert len(read) == 2
    assert problems == []


@given(hosts, hosts)
def test_the_difference_turns_the_actual_routes_into_the_wanted_ones(
    actual: dict[str, Route], wanted: dict[str, Route]
) -> None:
    changes = routes.diff(actual, wanted)
    made = {host: route for host, route in actual.items() if host not in changes.removes}
    assert not set(changes.adds) & set(actual)
    assert set(changes.changes) <= set(actual)
    assert {**made, **changes.changes, **changes.adds} == wanted
    assert bool(changes) == (actual != wanted)
    assert (len(changes) == 0) == (actual == wanted)


def by_app(flat: dict[str, Route]) -> Merged[Route]:
    parts: dict[str, dict[str, Route]] = {}
    for host, route in flat.items():
        parts.setdefault(host.split(".")[1], {})[host] = route
    return Merged(parts)


app_hosts = st.dictionaries(
    st.sampled_from(["a.one.x", "b.one.x", "a.two.x", "a.three.x"]),
    st.builds(Route, st.just("10.0.0.1"), st.integers(1, 2), st.just("t")),
)


@given(app_hosts, app_hosts)
def test_the_difference_is_the_same_whether_routes_are_kept_by_app_or_not(
    actual: dict[str, Route], wanted: dict[str, Route]
) -> None:
    flat = routes.diff(actual, wanted)
    assert routes.diff(by_app(actual), by_app(wanted)) == flat
    assert routes.diff(actual, by_app(wanted)) == flat
    assert routes.diff(by_app(actual), wanted) == flat


def test_shared_parts_of_merged_routes_are_not_compared() -> None:
    class Untouchable(dict[str, Route]):
        def items(self) -> NoReturn:
            raise AssertionError("it was looked at")

    shared = Untouchable({"a.same.x": ROUTE})
    other = Route("10.0.0.2", 1, "t")
    before = Merged({"same": shared, "hello": {"main.hello.x": ROUTE}})
    after = Merged({"same": shared, "hello": {"main.hello.x": other}})
    assert routes.diff(before, after).changes == {"main.hello.x": other}


def test_an_unchanged_app_shares_its_routes_with_the_last_ones() -> None:
    nodes = {"hello": Node(record("hello", {SHA: GOOD}), 0, 1)}
    first = routes.learn({}, nodes, "x", TRUST).apps
    second = routes.learn(
        first, {**nodes, "other": Node(record("other", {}), 0, 2)}, "x", TRUST
    ).apps
    before, after = routes.merge(first), routes.merge(second)
    assert routes.parts(before)["hello"] is routes.parts(after)["hello"]


def test_merged_routes_are_a_mapping_of_every_host() -> None:
    merged = Merged({"hello": {"main.hello.x": ROUTE}, "other": {"a.other.x.org": ROUTE}})
    assert dict(merged) == {"main.hello.x": ROUTE, "a.other.x.org": ROUTE}
    assert len(merged) == 2
    assert merged.get("a.other.x.org") == ROUTE
    for unknown in ("b.other.x.org", "main.nowhere.x", "hello", "", "main.hello"):
        assert unknown not in merged


def test_a_task_is_routed_while_a_placement_leads_to_it() -> None:
    apps = routes.learn({}, {"hello": Node(record("hello", {SHA: GOOD}), 0, 1)}, "x", TRUST).apps
    assert routes.is_routed(apps, f"hello.{SHA}.a1")
    for task_id in (f"hello.{SHA}.a2", f"other.{SHA}.a1", "no task", ""):
        assert not routes.is_routed(apps, task_id)
