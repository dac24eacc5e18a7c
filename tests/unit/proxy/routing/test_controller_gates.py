"""The controller's gates: read, put in force, reported."""

import asyncio
from pathlib import Path

from proxy.haproxy.config import Files
from proxy.haproxy.router import HaproxyRouter
from proxy.routing.controller import Controller
from proxy.routing.routing_table import RoutingTable
from tests.fakes.placements import KEY, FakePlacements
from tests.fakes.router import FakeRouter
from tests.fakes.signed_gates import lead, make_gate, sign


class Bench:
    def __init__(self) -> None:
        self.placements = FakePlacements()
        self.router = FakeRouter()
        self.table = RoutingTable()
        self.controller = Controller(
            self.placements,
            self.router,
            self.table,
            domain="x",
            trusted=(KEY,),
            save_map=lambda: None,
            observe_change=lambda seconds: None,
        )

    def cycle(self) -> bool:
        return asyncio.run(self.controller.cycle())

    def paths(self) -> dict[str, str]:
        """Return the paths of the gates in force that lead to a label."""
        assert self.router.gates
        paths = self.router.gates.entries.paths
        return {path: to for path, to in paths.items() if to != "?"}


def test_a_revision_is_reported_once_it_is_in_force() -> None:
    bench = Bench()
    bench.placements.put_gate("api", sign(make_gate(lead("/", "main"))))
    assert bench.cycle()
    assert bench.paths() == {"api.1/": "main.hello.x"}
    assert bench.placements.revisions == [{"api": 1}]
    bench.placements.put_gate("api", sign(make_gate(lead("/", "v1"), number=2)))
    bench.router.away = True
    assert not bench.cycle()
    assert bench.placements.revisions == [{"api": 1}]
    bench.router.away = False
    assert bench.cycle()
    assert bench.paths() == {"api.2/": "v1.hello.x"}
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
    assert bench.paths() == {"api.1/": "main.hello.x"}
    bench.placements.gates = {}
    bench.cycle()
    assert bench.paths() == {}


def test_a_record_that_is_not_signed_counts_as_left_out() -> None:
    bench = Bench()
    bench.placements.put_gate("api", make_gate(lead("/", "main")).encode())
    bench.cycle()
    assert bench.controller.left_out() == 1
    assert bench.paths() == {}


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
