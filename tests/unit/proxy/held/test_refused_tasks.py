import asyncio
import contextlib
import functools
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest
from structlog.testing import capture_logs

from proxy.held.refused_tasks import LINGER_SECONDS, MOST, RefusedTasks
from proxy.model.errors import ApiRefused
from proxy.model.problems import read_problem
from proxy.model.routes import Route, Routes
from proxy.routing.routing_table import RoutingTable
from tests.fakes import answers
from tests.fakes.world import FakeFramework
from tests.loops import in_its_loop

HOST, OTHER = "main.hello.localhost", "v1.hello.localhost"
ROUTE = Route("10.0.0.1", 31000, "one")
NEXT = Route("10.0.0.2", 31000, "two")


class Bench:
    """Refused tasks on a clock that only moves when somebody pauses; `at` is what happens when."""

    def __init__(self) -> None:
        self.now = 0.0
        self.takes = False
        self.looks: list[tuple[float, Route]] = []
        self.at: list[tuple[float, Callable[[], object]]] = []
        self.table = RoutingTable()
        self.table.replace({HOST: ROUTE, OTHER: ROUTE})
        self.framework = FakeFramework()
        self.refused_tasks = RefusedTasks(
            self.table,
            self.framework,
            "the-proxy",
            probe=self._probe,
            clock=lambda: self.now,
            pause=self._pause,
        )

    async def _probe(self, route: Route) -> bool:
        self.looks.append((self.now, route))
        return self.takes

    async def _pause(self, seconds: float) -> None:
        end = self.now + seconds
        while self.now < end:  # each pause moves the one clock
            self.now = min(end, self.now + 0.5)
            for when, act in [step for step in self.at if step[0] <= self.now]:
                self.at.remove((when, act))
                act()
            await asyncio.sleep(0)

    def run(self, scenario: Callable[[], Awaitable[Any]]) -> Any:
        async def whole() -> Any:
            try:
                return await scenario()
            finally:
                self.refused_tasks.close()

        return asyncio.run(whole())

    async def wait(self, host: str = HOST, refused: str = "one") -> tuple[Route, float]:
        """Wait for a host; return its route and the time."""
        with self.refused_tasks.wait_for(host, refused) as routed:
            return await routed, self.now

    async def turn(self, until: Callable[[], object]) -> None:
        """Let the other tasks run until a condition holds."""
        for _ in range(1000):
            if until():
                return
            await asyncio.sleep(0)
        pytest.fail("it has not come true")

    def take(self) -> None:
        self.takes = True


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_a_wait_ends_when_the_task_accepts_connections_again(bench: Bench) -> None:
    bench.at.append((4.5, bench.take))
    assert bench.run(bench.wait) == (ROUTE, 5.0)
    assert [at for at, _ in bench.looks] == [0, 1, 2, 3, 4, 5], "once a second, and no more then"


@pytest.mark.parametrize(
    ("routed", "goes"),
    [([(3.0, {HOST: NEXT})], NEXT), ([(2.0, {}), (3.0, {HOST: ROUTE})], ROUTE)],
    ids=["another task", "the same one, placed again, as after its agent was away"],
)
def test_a_wait_ends_when_another_task_is_routed(
    bench: Bench, routed: list[tuple[float, Routes]], goes: Route
) -> None:
    for at, routes in routed:
        bench.at.append((at, functools.partial(bench.table.replace, routes)))
    assert bench.run(bench.wait) == (goes, 3.0)


@pytest.mark.parametrize(
    ("leads", "refused"), [(NEXT, "one"), (ROUTE, "")], ids=["elsewhere already", "never refused"]
)
def test_a_wait_that_ends_at_once_probes_nothing(bench: Bench, leads: Route, refused: str) -> None:
    bench.table.replace({HOST: leads})
    assert bench.run(lambda: bench.wait(refused=refused)) == (leads, 0.0)
    assert bench.looks == []


@in_its_loop
async def test_a_task_that_accepts_but_has_no_route_ends_no_wait(bench: Bench) -> None:
    bench.at.append((2.0, lambda: bench.table.replace({})))
    bench.at.append((2.5, bench.take))
    bench.at.append((9.0, lambda: bench.table.replace({HOST: NEXT})))
    waits = asyncio.create_task(bench.wait())
    await bench.turn(lambda: bench.takes)
    await bench._pause(9.0)
    assert (await waits)[0] == NEXT


def test_a_probe_that_contradicts_haproxy_delays_the_next_try(bench: Bench) -> None:
    bench.take()
    refused: list[list[str]] = []
    bench.at.append((0.5, lambda: refused.append(bench.refused_tasks.tasks)))
    assert bench.run(bench.wait) == (ROUTE, 1.0)
    assert len(bench.looks) == 1
    assert refused == [[]]


@in_its_loop
async def test_any_number_of_waits_causes_one_probe_a_second(bench: Bench) -> None:
    bench.at.append((2.5, bench.take))
    ends = await asyncio.gather(*(bench.wait(host) for host in [HOST, OTHER] * 50))
    assert {route for route, _ in ends} == {ROUTE}
    assert len(bench.looks) == 4


@in_its_loop
async def test_probes_go_on_for_some_seconds_after_the_last_wait(bench: Bench) -> None:
    with bench.refused_tasks.wait_for(HOST, "one"):
        await bench.turn(lambda: bench.now >= 10)
        assert bench.refused_tasks.tasks == ["one"]
    await bench.turn(lambda: not bench.refused_tasks.tasks)
    assert 10 + LINGER_SECONDS <= bench.now <= 11 + LINGER_SECONDS


@in_its_loop
async def test_a_watched_task_is_probed_and_reported(bench: Bench) -> None:
    bench.refused_tasks.watch(HOST, "one")
    bench.refused_tasks.watch(HOST, "another")
    await bench.turn(lambda: bench.refused_tasks.tasks)
    assert bench.refused_tasks.tasks == ["one"]


@in_its_loop
async def test_a_service_that_refuses_is_probed_and_its_preview_is_not_reported(
    bench: Bench,
) -> None:
    service = Route("10.0.0.1", 31001, "one", service=True)
    bench.table.replace({HOST: ROUTE, OTHER: service})
    bench.refused_tasks.watch(OTHER, "one")
    await bench.turn(lambda: len(bench.looks) > 2)
    assert {route for _, route in bench.looks} == {service}
    assert bench.refused_tasks.tasks == []
    bench.refused_tasks.watch(HOST, "one")
    await bench.turn(lambda: bench.refused_tasks.tasks)
    assert bench.refused_tasks.tasks == ["one"]
    bench.take()
    assert await bench.wait(OTHER) == (service, bench.now)


@in_its_loop
async def test_a_task_that_is_watched_again_is_probed_for_longer(bench: Bench) -> None:
    bench.at.append((4.0, lambda: bench.refused_tasks.watch(HOST, "one")))
    bench.refused_tasks.watch(HOST, "one")
    await bench.turn(lambda: bench.refused_tasks.tasks)
    await bench.turn(lambda: not bench.refused_tasks.tasks)
    assert bench.now >= 4.0 + LINGER_SECONDS


@pytest.mark.parametrize(
    ("refused", "takes", "ended"),
    [("one", True, True), ("one", False, False), ("two", True, False), ("", True, False)],
)
def test_a_probe_decides_whether_a_task_has_recovered(
    refused: str, takes: bool, ended: bool
) -> None:
    bench = Bench()
    bench.takes = takes
    assert bench.run(lambda: bench.refused_tasks.has_recovered(HOST, refused)) is ended
    assert len(bench.looks) == (refused == "one")


@in_its_loop
async def test_reports_go_on_while_a_task_refuses_connections_even_without_waits(
    bench: Bench,
) -> None:
    bench.at.append((8.5, bench.take))
    reporting = asyncio.create_task(bench.refused_tasks.run())
    await asyncio.gather(*(bench.wait() for _ in range(20)))
    before = list(bench.framework.world.refused)
    await bench._pause(10.0)
    assert bench.framework.world.refused == before, "it is over"
    bench.takes = False
    bench.refused_tasks.watch(HOST, "one")
    await bench.turn(lambda: len(bench.framework.world.refused) > len(before))
    reporting.cancel()
    reports = bench.framework.world.refused
    assert 5 <= len(reports) <= 12
    assert all(one == {"proxy": "the-proxy", "tasks": ["one"]} for one in reports)


@in_its_loop
async def test_a_framework_that_was_away_gets_the_report_later(bench: Bench) -> None:
    bench.framework.away = True
    bench.at.append((6.0, lambda: setattr(bench.framework, "away", False)))
    reporting = asyncio.create_task(bench.refused_tasks.run())
    with bench.refused_tasks.wait_for(HOST, "one"):
        await bench.turn(lambda: bench.framework.world.refused)
    reporting.cancel()
    assert bench.now >= 6.0


@in_its_loop
async def test_a_refused_report_is_repeated_and_logged_once(bench: Bench) -> None:
    refuses = answers.problem("unauthorized", 401, "Who are you?")
    report, calls = bench.framework.report_refused_tasks, [0]

    async def refuse_five_times(proxy: str, tasks: Sequence[str]) -> None:
        calls[0] += 1
        if calls[0] in {1, 2, 3, 5, 6}:
            raise ApiRefused(read_problem(answers.content(refuses), refuses.status_code))
        await report(proxy, tasks)

    bench.framework.report_refused_tasks = refuse_five_times  # type: ignore[method-assign]
    with capture_logs() as logs, bench.refused_tasks.wait_for(HOST, "one"):
        reporting = asyncio.create_task(bench.refused_tasks.run())
        await bench.turn(lambda: calls[0] > 6)
        reporting.cancel()
    assert [log["why"] for log in logs if "cannot be reported" in log["event"]] == [
        "Who are you?"
    ] * 2


@in_its_loop
async def test_a_cancelled_query_does_not_cancel_the_others(bench: Bench) -> None:
    bench.take()
    leaves = asyncio.create_task(bench.refused_tasks.has_recovered(HOST, "one"))
    stays = asyncio.create_task(bench.refused_tasks.has_recovered(HOST, "one"))
    await asyncio.sleep(0)
    leaves.cancel()
    assert await stays is True


@in_its_loop
async def test_close_cancels_open_queries(bench: Bench) -> None:
    async def never(route: Route) -> bool:
        await asyncio.Event().wait()
        return True

    bench.refused_tasks._probe = never
    query = asyncio.create_task(bench.refused_tasks.has_recovered(HOST, "one"))
    await bench.turn(lambda: bench.refused_tasks._watches)
    await asyncio.sleep(0)
    assert not query.done()
    bench.refused_tasks.close()
    await bench.turn(query.done)
    assert query.cancelled()


@in_its_loop
async def test_a_wait_that_ended_by_a_route_does_not_block_the_others(bench: Bench) -> None:
    with (
        bench.refused_tasks.wait_for(HOST, "one") as first,
        bench.refused_tasks.wait_for(OTHER, "one") as second,
    ):
        await bench.turn(lambda: bench.refused_tasks.tasks)
        bench.table.replace({OTHER: ROUTE})
        bench.table.replace({HOST: ROUTE, OTHER: ROUTE})
        assert first.done()
        assert not second.done()
        bench.take()
        await bench.turn(second.done)


@in_its_loop
async def test_long_reports_are_split_into_several_calls(bench: Bench) -> None:
    many = {f"v{n}.hello.localhost": ROUTE._replace(task_id=f"t{n}") for n in range(MOST + 1)}
    bench.table.replace(many)
    with contextlib.ExitStack() as waiting:
        for host, route in many.items():
            waiting.enter_context(bench.refused_tasks.wait_for(host, route.task_id))
        await bench.turn(lambda: len(bench.refused_tasks.tasks) == MOST + 1)
        reporting = asyncio.create_task(bench.refused_tasks.run())
        await bench.turn(lambda: len(bench.framework.world.refused) >= 2)
        reporting.cancel()
    assert [len(report["tasks"]) for report in bench.framework.world.refused[:2]] == [MOST, 1]
