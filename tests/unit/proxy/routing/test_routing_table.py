import pytest

from proxy.model.routes import Route
from proxy.routing.routing_table import RoutingTable
from tests.loops import in_a_loop

ROUTE = Route("10.0.0.1", 1, "t")


@pytest.fixture
def table() -> RoutingTable:
    return RoutingTable()


@in_a_loop
async def test_a_wait_for_a_host_ends_when_it_is_routed(table: RoutingTable) -> None:
    with table.wait_for("a") as first, table.wait_for("a") as second, table.wait_for("b") as other:
        table.replace({"a": ROUTE})
        assert first.done()
        assert await second == ROUTE
        assert not other.done()
    assert other.cancelled()


@in_a_loop
async def test_a_finished_wait_does_not_keep_other_waits_from_ending(table: RoutingTable) -> None:
    with table.wait_for("a") as first, table.wait_for("b") as nowhere, table.wait_for("c") as last:
        table.replace({"a": ROUTE})
        table.replace({"a": ROUTE._replace(port=2), "c": ROUTE})
        assert [first.done(), nowhere.done(), last.done()] == [True, False, True]


@in_a_loop
async def test_a_wait_for_a_routed_host_ends_at_once(table: RoutingTable) -> None:
    table.replace({"a": ROUTE})
    with table.wait_for("a") as routed:
        assert routed.done()
    assert table.get("a") == ROUTE
    table.replace({})
    assert table.get("a") is None


@in_a_loop
async def test_a_cancelled_wait_is_forgotten(table: RoutingTable) -> None:
    with table.wait_for("a"):
        with table.wait_for("a"):
            pass
        assert len(table._waiting["a"]) == 1
    assert table._waiting == {}
    with table.wait_for("a") as still:
        table.replace({"a": ROUTE})
        assert still.done()


@in_a_loop
async def test_a_host_has_no_route_once_its_removal_is_expected(table: RoutingTable) -> None:
    table.replace({"a": ROUTE, "b": ROUTE})
    table.expect({"b": ROUTE._replace(port=2), "c": ROUTE})
    assert table.get("a") is None
    assert table.get("b") == ROUTE, "not before HAProxy confirms it"
    assert table.get("c") is None, "it is not confirmed yet"
    assert [table.get_next(host) for host in "abc"] == [None, ROUTE._replace(port=2), ROUTE]
    with table.wait_for("a") as routed:
        assert not routed.done()
        table.replace({"a": ROUTE})
        assert routed.done()


@in_a_loop
async def test_a_wait_with_an_excluded_task_ends_with_another_task(table: RoutingTable) -> None:
    table.replace({"a": ROUTE})
    with table.wait_for("a", exclude="t") as elsewhere, table.wait_for("a", exclude="u") as at_once:
        assert at_once.done()
        table.replace({"a": ROUTE, "b": ROUTE})
        assert not elsewhere.done()
        table.replace({"a": ROUTE._replace(task_id="u")})
        assert await elsewhere == ROUTE._replace(task_id="u")


@in_a_loop
async def test_an_excluded_task_counts_after_a_gap_without_a_route(table: RoutingTable) -> None:
    table.replace({"a": ROUTE})
    with table.wait_for("a", exclude="t") as elsewhere:
        table.replace({})
        with table.wait_for("a", exclude="t") as later:
            table.replace({"a": ROUTE})
            assert elsewhere.done()
            assert later.done()
