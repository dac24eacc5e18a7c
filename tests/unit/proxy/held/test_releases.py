"""Held requests of one preview are let in by turns; proxy/model/pace.py decides how many."""

import asyncio
import dataclasses

import pytest

from proxy.held.releases import Outcome, Releases, Waiter
from proxy.model.errors import RouterAway
from proxy.model.pace import FIRST
from proxy.model.routes import Route
from proxy.model.usage import Count
from proxy.routing.routing_table import RoutingTable
from tests.fakes.pending_starts import HOST, ROUTE
from tests.loops import in_a_loop

STEP = 0.05
NEXT = ROUTE._replace(task_id="next")


@dataclasses.dataclass
class Request:
    """A request that waits."""

    got: list[Outcome] = dataclasses.field(default_factory=list)

    def take(self, outcome: Outcome) -> None:
        self.got.append(outcome)


class Bench:
    """Releases whose clock moves when they pause, and the counters of a preview."""

    def __init__(self) -> None:
        self.now = 0.0
        self.table = RoutingTable()
        self.table.replace({HOST: ROUTE})
        self.count: Count | None = Count(0, 0)
        self.looks = 0
        self.again: list[Waiter] = []
        self.releases = Releases(self.table, self._look, clock=lambda: self.now, pause=self._pause)

    def add(self, count: int, route: Route = ROUTE) -> list[Request]:
        found = [Request() for _ in range(count)]
        for one in found:
            self.releases.add(route, Waiter(HOST, "", one.take, self.again.append))
        return found

    async def go_on(self, seconds: float) -> None:
        for _ in range(round(seconds / STEP) + 1):
            for _ in range(5):
                await asyncio.sleep(0)
            self.now += STEP

    async def _look(self, _: str) -> Count:
        self.looks += 1
        if self.count is None:
            raise RouterAway("it does not answer")
        return self.count

    async def _pause(self, seconds: float) -> None:
        until = self.now + seconds
        while self.now < until:
            await asyncio.sleep(0)


def let_in(requests: list[Request]) -> int:
    assert all(one.got in ([], [ROUTE]) for one in requests)
    return sum(bool(one.got) for one in requests)


@in_a_loop
async def test_a_few_are_let_in_at_once_and_nobody_asks_haproxy() -> None:
    bench = Bench()
    assert let_in(bench.add(FIRST)) == FIRST
    await asyncio.sleep(0)
    assert bench.looks == 0
    bench.now += 1.0
    assert let_in(bench.add(FIRST)) == FIRST


@in_a_loop
async def test_the_others_are_let_in_by_turns_the_first_one_first() -> None:
    bench = Bench()
    bench.count = Count(FIRST, FIRST)
    found = bench.add(100)
    assert let_in(found) == FIRST
    await bench.go_on(0.5)
    assert let_in(found) == FIRST, "none was answered yet"
    bench.count = Count(0, FIRST)
    await bench.go_on(0.05)
    assert FIRST < let_in(found) < 100
    assert let_in(found) == let_in(found[: let_in(found)])
    assert bench.releases.count_waiting(ROUTE.task_id) == 100 - let_in(found)
    await bench.go_on(1.0)
    assert let_in(found) == 100
    assert bench.releases.count_waiting(ROUTE.task_id) == 0


@in_a_loop
async def test_where_haproxy_does_not_answer_all_are_let_in_nevertheless() -> None:
    bench = Bench()
    bench.count = None
    found = bench.add(3 * FIRST)
    await bench.go_on(2.5)
    assert let_in(found) == 3 * FIRST


@in_a_loop
async def test_each_preview_is_let_in_to_by_itself() -> None:
    bench = Bench()
    bench.count = Count(FIRST, FIRST)
    bench.add(20)
    [other] = bench.add(1, NEXT)
    assert other.got == [NEXT]


@in_a_loop
async def test_who_has_left_is_not_let_in() -> None:
    bench = Bench()
    found = bench.add(FIRST + 2)
    bench.releases.remove(found[FIRST].take)
    await bench.go_on(0.5)
    assert [bool(one.got) for one in found] == [True] * FIRST + [False, True]


@pytest.mark.parametrize("routes", [{}, {HOST: NEXT}])
@in_a_loop
async def test_whose_host_leads_elsewhere_by_then_waits_again(routes: dict[str, Route]) -> None:
    bench = Bench()
    bench.count = Count(FIRST, FIRST)
    found = bench.add(FIRST + 3)
    bench.table.replace(routes)
    await bench.go_on(0.1)
    assert let_in(found) == FIRST
    assert [one.callback for one in bench.again] == [one.take for one in found[FIRST:]]


@in_a_loop
async def test_nobody_is_let_in_after_the_end() -> None:
    bench = Bench()
    found = bench.add(20)
    bench.releases.close()
    await bench.go_on(1.0)
    assert let_in(found) == FIRST
