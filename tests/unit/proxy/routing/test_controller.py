import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from program.http import health
from proxy.haproxy.config import Files
from proxy.haproxy.router import HaproxyRouter
from proxy.model.access import AppAccess
from proxy.model.routes import Route
from proxy.model.usage import Count
from proxy.routing.controller import STUCK_SECONDS, Controller
from proxy.routing.routing_table import RoutingTable
from tests.fakes.access import ERA, guard
from tests.fakes.clock import FakeClock
from tests.fakes.placements import KEY, SHA, FakePlacements, placement, record
from tests.fakes.router import FakeRouter
from tests.fakes.signed_gates import lead, make_gate, sign
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
    """A controller, and a placed preview."""
    made = Bench()
    made.placements.write("hello", HELLO)
    return made


def test_a_cycle_applies_placements_and_reports_their_version(bench: Bench) -> None:
    assert bench.cycle()
    assert bench.router.routed == {"main.hello.x": ROUTE}
    assert bench.table.get("main.hello.x") == ROUTE
    assert bench.placements.reported[-1] == {"hello": 0}


def test_the_first_routes_are_expected_but_not_yet_applied(bench: Bench) -> None:
    bench.controller.trigger()
    assert asyncio.run(bench.controller.read_first(5.0)) == {"main.hello.x": ROUTE}
    assert bench.table.get_next("main.hello.x") == ROUTE
    assert bench.table.get("main.hello.x") is None
    # It is known to be there before it reads its first routes.
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


def test_it_reports_the_seconds_since_it_last_applied_everything(bench: Bench) -> None:
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


def test_routes_stay_when_the_whole_tree_is_removed(bench: Bench) -> None:
    bench.cycle()
    bench.placements.nodes = None
    bench.cycle()
    assert bench.router.routed == {"main.hello.x": ROUTE}


def test_routes_of_the_map_file_stay_until_placements_can_be_read(bench: Bench) -> None:
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


def test_a_cycle_without_changes_checks_that_the_router_has_its_routes(bench: Bench) -> None:
    bench.cycle()
    bench.cycle()
    assert [len(changes) for changes in bench.router.applied] == [1, 0]


def test_a_report_of_a_removed_route_names_its_open_requests() -> None:
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


def test_nothing_is_reported_while_open_requests_cannot_be_counted(bench: Bench) -> None:
    bench.router.uncountable = True
    assert not bench.cycle()
    assert bench.placements.reported == []
    assert bench.table.get("main.hello.x") == ROUTE
    bench.router.uncountable = False
    assert bench.cycle()
    assert bench.placements.reported == [{"hello": 0}]


def test_the_first_read_gives_up_if_zookeeper_does_not_answer(bench: Bench) -> None:
    bench.placements.away = True
    assert asyncio.run(bench.controller.read_first(0.0)) is None


@in_a_loop
async def test_the_first_read_runs_as_soon_as_zookeeper_connects(bench: Bench) -> None:
    trigger: Callable[[], None] = bench.controller.trigger
    asyncio.get_running_loop().call_soon(trigger)
    assert await bench.controller.read_first(10.0) == {"main.hello.x": ROUTE}


@in_a_loop
async def test_a_failed_save_of_the_map_is_logged_and_repeated() -> None:
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


def test_it_is_ready_once_it_has_routes_and_haproxy_answers(bench: Bench) -> None:
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


def test_it_stays_ready_with_known_routes_while_zookeeper_is_away(bench: Bench) -> None:
    bench.table.replace({"main.hello.x": ROUTE})
    bench.placements.away = True
    bench.cycle()
    bench.clock.pass_seconds(12.0)
    checks = bench.controller.readiness()
    assert failing(bench) == ["zookeeper"]
    assert health.why_not(checks) is None
    assert checks[-1].detail == "The placements were last read 12.0 s ago."


def test_a_controller_without_cycles_is_unhealthy(bench: Bench) -> None:
    bench.clock.pass_seconds(STUCK_SECONDS)
    assert bench.controller.health().ok
    bench.clock.pass_seconds(1.0)
    assert not bench.controller.health().ok


def test_it_observes_how_long_a_change_took_until_it_was_routed(bench: Bench) -> None:
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


def test_who_may_look_is_applied_and_a_bad_record_closes_and_is_counted(bench: Bench) -> None:
    assert bench.table.accesses is None
    bench.placements.guard("hello", guard("hello"))
    bench.cycle()
    assert bench.router.accesses == {"hello": AppAccess(ERA)}
    assert (bench.controller.left_out(), bench.saved) == (0, 0)
    bench.placements.guard("hello", b"{")
    bench.cycle()
    assert bench.router.accesses == {"hello": AppAccess(closed=True)}
    assert bench.controller.left_out() == 1
    bench.placements.access = {}
    bench.cycle()
    assert bench.router.accesses == {}


def test_who_may_look_stays_when_all_of_it_is_removed(bench: Bench) -> None:
    bench.placements.guard("hello", guard("hello"))
    bench.cycle()
    bench.placements.access = None
    bench.cycle()
    assert bench.router.accesses == {"hello": AppAccess(ERA)}


def test_nobody_is_let_in_until_who_may_look_is_known(bench: Bench) -> None:
    bench.placements.away = True
    bench.cycle()
    assert [bench.router.accesses] == [None]
    assert bench.table.find_access("hello") == AppAccess(closed=True)
    bench.placements.away, bench.placements.access = False, None  # no app is guarded yet
    bench.cycle()
    assert bench.router.accesses == {}
    assert bench.table.find_access("hello") is None


def lead_to(bench: Bench) -> dict[str, str]:
    """Return the paths of the gates in force that lead to a label."""
    assert bench.router.gates
    paths = bench.router.gates.entries.paths
    return {path: to for path, to in paths.items() if to != "?"}


def test_a_revision_is_reported_once_it_is_in_force() -> None:
    bench = Bench()
    bench.placements.put_gate("api", sign(make_gate(lead("/", "main"))))
    assert bench.cycle()
    assert lead_to(bench) == {"api.1/": "main.hello.x"}
    assert bench.placements.revisions == [{"api": 1}]
    bench.placements.put_gate("api", sign(make_gate(lead("/", "v1"), number=2)))
    bench.router.away = True
    assert not bench.cycle()
    assert bench.placements.revisions == [{"api": 1}]
    bench.router.away = False
    assert bench.cycle()
    assert lead_to(bench) == {"api.2/": "v1.hello.x"}
    assert bench.placements.revisions[-1] == {"api": 2}
    gate = bench.table.find_gate("api.x")
    assert gate
    assert gate.revision.number == 2


def test_gates_stay_while_there_is_no_place_for_them_and_as_they_were_before_the_first_read() -> (
    None
):
    bench = Bench()
    bench.placements.gates = None
    bench.cycle()
    assert bench.router.gates is None
    bench.placements.put_gate("api", sign(make_gate(lead("/", "main"))))
    bench.cycle()
    bench.placements.gates = None
    bench.cycle()
    assert lead_to(bench) == {"api.1/": "main.hello.x"}
    bench.placements.gates = {}
    bench.cycle()
    assert lead_to(bench) == {}


def test_a_record_that_is_not_signed_counts_as_left_out() -> None:
    bench = Bench()
    bench.placements.put_gate("api", make_gate(lead("/", "main")).encode())
    bench.cycle()
    assert bench.controller.left_out() == 1
    assert lead_to(bench) == {}


def test_the_files_with_which_haproxy_starts_have_the_gates(tmp_path: Path) -> None:
    bench = Bench()
    bench.placements.put_gate("api", sign(make_gate(lead("/", "main", "v1"), lead("/v2", "v1"))))
    bench.cycle()
    HaproxyRouter(Files(tmp_path), "run").begin_with({}, {}, bench.table.gates)
    next_one = HaproxyRouter(Files(tmp_path), "the-next-run")
    next_one.load_map()
    next_one.save_map()  # what it knows from the files, while ZooKeeper is away
    found = {path.name: path.read_text() for path in sorted(tmp_path.glob("gate*.map"))}
    assert found["gates.map"] == "api.x api.1\n"
    assert "api.1/v2/ v1.hello.x\n" in found["gate-paths.map"]
    assert "api.1| |||hello.x||main\n" in found["gate-values.map"]
    assert "+api.1.0|w0000 v1.hello.x|*|||\n" in found["gate-lots.map"]
