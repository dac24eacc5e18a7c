import asyncio
from collections.abc import Callable

import pytest

from program import health
from proxy.model.routes import Route
from proxy.model.usage import Count
from proxy.routing.controller import STUCK_SECONDS, Controller
from proxy.routing.routing_table import RoutingTable
from tests.fakes.clock import FakeClock
from tests.fakes.placements import KEY, SHA, FakePlacements, placement, record
from tests.fakes.router import FakeRouter
from tests.loops import in_a_loop

HELLO = record("hello", {SHA: placement("hello", SHA, 31000, "main")})
ROUTE = Route("127.0.0.1", 31000, f"hello.{SHA}.a1")


class Bench:
    def __init__(self) -> None:
        self.placements = FakePlacements()
        self.router = FakeRouter()
        self.table = RoutingTable()
        self.saved = 0
        self.observed: list[float] = []
        self.clock = FakeClock()
        self.controller = Controller(
            self.placements,
            self.router,
            self.table,
            domain="x",
            trusted=(KEY,),
            save_map=self._save_map,
            observe_change=self.observed.append,
            clock=self.clock.read,
        )

    def cycle(self) -> bool:
        return asyncio.run(self.controller.cycle())

    def _save_map(self) -> None:
        self.saved += 1


@pytest.fixture
def bench() -> Bench:
    """A controller, and a preview that is placed."""
    made = Bench()
    made.placements.write("hello", HELLO)
    return made


def test_a_cycle_applies_what_is_placed_and_reports_its_version(bench: Bench) -> None:
    assert bench.cycle()
    assert bench.router.routed == {"main.hello.x": ROUTE}
    assert bench.table.get("main.hello.x") == ROUTE
    assert bench.placements.reported[-1] == {"hello": 0}


def test_what_is_known_first_is_coming_and_not_yet_there(bench: Bench) -> None:
    bench.controller.trigger()
    assert asyncio.run(bench.controller.read_first(5.0)) == {"main.hello.x": ROUTE}
    assert bench.table.get_next("main.hello.x") == ROUTE
    assert bench.table.get("main.hello.x") is None
    # It is known to be there before it reads what it starts with.
    assert bench.placements.reported == [{}]
    assert bench.placements.reads == [1]


def test_a_version_is_reported_only_after_it_was_applied(bench: Bench) -> None:
    bench.router.away = True
    assert not bench.cycle()
    assert bench.placements.reported == []
    assert bench.table.get("main.hello.x") is None
    bench.router.away = False
    assert bench.cycle()
    assert bench.placements.reported == [{"hello": 0}]


def test_it_knows_for_how_long_nothing_could_be_applied(bench: Bench) -> None:
    bench.clock.pass_seconds(1.0)
    assert bench.cycle()
    assert bench.controller.since_applied() == 0.0
    for part in (bench.placements, bench.router):
        part.away = True
        bench.clock.pass_seconds(5.0)
        bench.cycle()
        assert bench.controller.since_applied() == 5.0
        part.away = False
        assert bench.cycle()
        assert bench.controller.since_applied() == 0.0


def test_nothing_changes_while_zookeeper_is_away(bench: Bench) -> None:
    bench.cycle()
    bench.placements.away = True
    bench.placements.nodes = {}
    assert bench.cycle()
    assert bench.router.routed == {"main.hello.x": ROUTE}
    bench.placements.away = False
    bench.cycle()
    assert bench.router.routed == {}


def test_a_tree_that_is_gone_is_no_reason_to_let_go_of_what_runs(bench: Bench) -> None:
    bench.cycle()
    bench.placements.nodes = None
    bench.cycle()
    assert bench.router.routed == {"main.hello.x": ROUTE}


def test_what_was_recalled_is_routed_while_nothing_could_be_read_yet(bench: Bench) -> None:
    bench.placements.away = True
    bench.table.replace({"main.hello.x": ROUTE})
    bench.cycle()
    assert bench.router.routed == {"main.hello.x": ROUTE}
    assert bench.placements.reported == []


def test_a_malformed_record_keeps_the_last_good_routes_and_their_version(bench: Bench) -> None:
    bench.cycle()
    bench.placements.write("hello", b"{")
    bench.placements.write("other", record("other", {SHA: placement("other", SHA, 1, "a")}))
    bench.cycle()
    assert set(bench.router.routed) == {"main.hello.x", "a.other.x"}
    assert bench.placements.reported[-1] == {"hello": 0, "other": 0}


def test_a_quiet_cycle_still_asks_whether_the_router_has_it_all(bench: Bench) -> None:
    bench.cycle()
    bench.cycle()
    assert [len(changes) for changes in bench.router.applied] == [1, 0]


def test_what_is_still_open_is_held_in_the_report_that_says_that_its_route_is_gone() -> None:
    bench = Bench()
    bench.placements.write("hello", HELLO)
    bench.router.counted = {ROUTE.task_id: Count(1, 1)}
    bench.cycle()
    assert bench.placements.holding == [()]
    bench.placements.write("hello", record("hello", {}))
    bench.cycle()
    assert bench.placements.reported[-1] == {"hello": 1}
    assert bench.placements.holding == [(), (ROUTE.task_id,)]
    bench.router.counted = {ROUTE.task_id: Count(0, 1)}
    bench.cycle()
    assert bench.placements.holding[-1] == ()


def test_nothing_is_reported_until_it_is_known_what_is_open(bench: Bench) -> None:
    bench.router.uncountable = True
    assert not bench.cycle()
    assert bench.placements.reported == []
    assert bench.table.get("main.hello.x") == ROUTE
    bench.router.uncountable = False
    assert bench.cycle()
    assert bench.placements.reported == [{"hello": 0}]


def test_the_first_read_gives_up_on_a_zookeeper_that_does_not_come(bench: Bench) -> None:
    bench.placements.away = True
    assert asyncio.run(bench.controller.read_first(0.0)) is None


@in_a_loop
async def test_the_first_read_comes_with_the_link(bench: Bench) -> None:
    trigger: Callable[[], None] = bench.controller.trigger
    asyncio.get_running_loop().call_soon(trigger)
    assert await bench.controller.read_first(10.0) == {"main.hello.x": ROUTE}


@in_a_loop
async def test_a_disk_that_takes_nothing_ends_nothing_and_is_tried_again() -> None:
    placements, router, table = FakePlacements(), FakeRouter(), RoutingTable()
    placements.write("hello", HELLO)
    tried: list[bool] = []

    kept = asyncio.Event()

    def save_map() -> None:
        tried.append(bool(tried))
        if not tried[-1]:
            raise OSError("no space is left")
        kept.set()

    parts = (placements, router, table)
    controller = Controller(
        *parts, domain="x", trusted=(KEY,), save_map=save_map, observe_change=print
    )
    runs = asyncio.ensure_future(controller.run())
    waits = asyncio.ensure_future(kept.wait())
    await asyncio.wait([runs, waits], timeout=60, return_when=asyncio.FIRST_COMPLETED)
    assert not runs.done()
    runs.cancel()
    assert tried == [False, True]


def failing(bench: Bench) -> list[str]:
    return [check.name for check in bench.controller.readiness() if not check.ok]


def test_it_is_ready_once_it_knows_where_previews_are_and_haproxy_answers(bench: Bench) -> None:
    bench.placements.away = True
    assert failing(bench) == ["placements"]
    bench.cycle()
    assert failing(bench) == ["placements", "zookeeper"]
    bench.placements.away = False
    bench.cycle()
    assert failing(bench) == []
    bench.router.away = True
    bench.cycle()
    assert failing(bench) == ["haproxy"]


def test_it_stays_ready_by_what_it_knew_while_zookeeper_is_away(bench: Bench) -> None:
    bench.table.replace({"main.hello.x": ROUTE})
    bench.placements.away = True
    bench.cycle()
    bench.clock.pass_seconds(12.0)
    checks = bench.controller.readiness()
    assert failing(bench) == ["zookeeper"]
    assert health.why_not(checks) is None
    assert checks[-1].detail == "It last said where previews are 12.0 s ago."


def test_a_controller_that_goes_round_no_more_is_not_well(bench: Bench) -> None:
    bench.clock.pass_seconds(STUCK_SECONDS)
    assert bench.controller.health().ok
    bench.clock.pass_seconds(1.0)
    assert not bench.controller.health().ok


def test_it_tells_how_long_a_change_took_to_be_routed_by(bench: Bench) -> None:
    bench.controller.trigger()
    bench.clock.pass_seconds(1.0)
    bench.controller.trigger()
    bench.router.away = True
    assert not bench.cycle()
    bench.clock.pass_seconds(2.0)
    bench.router.away = False
    assert bench.cycle()
    assert bench.observed == [3.0]
    bench.controller.trigger()
    assert bench.cycle()
    assert bench.observed == [3.0], "nothing had changed"
