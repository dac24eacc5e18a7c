"""HAProxy's reports of held requests, and the answers to them, over a socket."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from proxy import servers
from proxy.held import start_limits
from proxy.hold_server import HoldServer
from proxy.metrics import Metrics
from proxy.model.routes import Route
from proxy.room.context import RoomSettings, make_context
from proxy.routing.routing_table import RoutingTable
from tests.fakes.clock import FakeClock
from tests.fakes.router import FakeRouter
from tests.fakes.world import FakeFramework
from tests.loops import in_a_loop

ROUTE = Route("10.0.0.1", 31000, "t")
PATIENCE = 20.0
HELD = 40
"""So many of one client are held."""


def host(number: int) -> str:
    return f"b{number}.hello.localhost"


class Bench:
    """The controller's end of the socket; `turns` has one for each count."""

    def __init__(self, folder: Path) -> None:
        self.clock = FakeClock()
        self.table = RoutingTable()
        self.turns: asyncio.Queue[None] = asyncio.Queue()
        self.metrics = Metrics(CollectorRegistry())
        framework = FakeFramework()
        for number in range(200):
            framework.world.add("hello", f"b{number}", f"{number:040x}")
        context = make_context(
            framework,
            self.table,
            self.metrics,
            RoomSettings("the-proxy", ["x"], "localhost", {"held": HELD}),
            probe=self._connects,
            count_open=FakeRouter().count,
            clock=self.clock.read,
        )
        self._pending_starts = context.pending_starts
        self._server = HoldServer(context, pause=lambda _: self.turns.get())
        self._path = folder / "held.sock"

    async def _connects(self, _: Route) -> bool:
        return True

    @contextlib.asynccontextmanager
    async def connected(self) -> AsyncIterator["HaproxyThread"]:
        """Serve, and connect like a thread of HAProxy."""
        serving_task = asyncio.create_task(self._server.serve(servers.listen(self._path)))
        try:
            async with asyncio.timeout(PATIENCE):
                await asyncio.sleep(0)
                thread = HaproxyThread(*await asyncio.open_unix_connection(self._path))
                yield thread
                thread.writer.close()
        finally:
            serving_task.cancel()
            self._pending_starts.close()

    async def count(self, held: int) -> None:
        """Wait until this many are held."""
        while self.metrics.registry.get_sample_value("prevs_proxy_held_requests") != held:
            await asyncio.sleep(0)


class HaproxyThread:
    """The other end, like hold.lua."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def hold(self, number: int, client: str = "10.0.0.9", *, at: int | None = None) -> None:
        where = host(number if at is None else at)
        self.send(f"hold\t{number}\t{where}\t{client}\t127.0.0.1 {number + 1} 80\t\tr{number}")

    def send(self, line: str) -> None:
        self.writer.write(line.encode() + b"\n")

    async def lines(self) -> AsyncIterator[str]:
        """Yield answers, up to the empty line."""
        while line := (await self.reader.readline()).decode().rstrip("\n"):
            yield line


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


@in_a_loop
async def test_answers_are_sent_in_batches_after_each_next(bench: Bench) -> None:
    async with bench.connected() as haproxy:
        for number in range(120):
            haproxy.hold(number, f"10.0.0.{number}")
        await bench.count(120)
        routes = {host(n): ROUTE._replace(task_id=f"t{n}") for n in range(120)}
        bench.table.replace(routes)
        sizes: list[int] = []
        while sum(sizes) < 120:
            lines = [line async for line in haproxy.lines()]
            assert all(
                line == f"{n} to {routes[host(int(n))]}"
                for n, line in ((line.split()[0], line) for line in lines)
            )
            sizes.append(len(lines))
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(haproxy.reader.readexactly(1), 0.05)
            haproxy.send("next")
        assert max(sizes) == 50


@in_a_loop
async def test_a_request_without_a_host_is_answered_at_once(bench: Bench) -> None:
    async with bench.connected() as haproxy:
        haproxy.send("hold\t1\t\t10.0.0.9\t127.0.0.1 2 80\t\tr1")
        assert [line async for line in haproxy.lines()] == ["1 no"]
        haproxy.send("next")
        haproxy.hold(2)
        await bench.count(1)


@in_a_loop
async def test_requests_of_an_older_versions_haproxy_are_served(bench: Bench) -> None:
    """It stays until its last connection has ended, also when the proxy is upgraded meanwhile."""
    async with bench.connected() as haproxy:
        haproxy.send(f"hold\t1\t{host(1)}\t10.0.0.9\t127.0.0.1 2\t")
        await bench.count(1)
        bench.table.replace({host(1): ROUTE})
        assert [line async for line in haproxy.lines()] == [f"1 to {ROUTE}"]


@in_a_loop
async def test_the_end_of_a_connection_ends_its_requests(bench: Bench) -> None:
    async with bench.connected() as haproxy:
        haproxy.hold(1)
        haproxy.hold(2)
        await bench.count(2)
        haproxy.send("leave\t1")
        await bench.count(1)
        haproxy.send("end")
        assert await haproxy.reader.read() == b""
        await bench.count(0)


@in_a_loop
async def test_held_requests_stay_counted_for_the_limit_of_starts(bench: Bench) -> None:
    async with bench.connected() as haproxy:
        for number in range(start_limits.MOST["address"]):
            haproxy.hold(number)
        await bench.count(start_limits.MOST["address"])
        for _ in range(3):
            bench.clock.pass_seconds(start_limits.SECONDS - 1)
            bench.turns.put_nowait(None)
            while not bench.turns.empty():
                await asyncio.sleep(0)
            await asyncio.sleep(0)
        haproxy.hold(100)
        answers = [line async for line in haproxy.lines()]
        assert answers == [f"100 later {start_limits.SECONDS:.0f} address"]


@in_a_loop
async def test_hosts_that_do_not_exist_keep_no_visitor_from_starting_a_preview(
    bench: Bench,
) -> None:
    async with bench.connected() as haproxy:
        each, most = start_limits.MOST["address"], start_limits.MOST["app"]
        for number in range(most):
            haproxy.hold(1000 + number, f"10.0.9.{number // each}")
        for number in range(0, most, 2):
            haproxy.send(f"leave\t{1000 + number}")  # its start is counted all the same
        registry, unknown = bench.metrics.registry, {"by": "held", "outcome": "unknown-label"}
        while registry.get_sample_value("prevs_proxy_starts_total", unknown) != most:
            await asyncio.sleep(0.01)
        haproxy.hold(1, "10.0.8.1")
        await bench.count(1)
        haproxy.hold(9999, "10.0.9.1")
        answers: list[str] = []
        while not any(line.startswith("9999 ") for line in answers):
            answers += [line async for line in haproxy.lines()]
            haproxy.send("next")
        assert answers[-1] == f"9999 later {start_limits.SECONDS:.0f} address"


@in_a_loop
async def test_one_client_is_limited_and_another_is_not(bench: Bench) -> None:
    async with bench.connected() as haproxy:
        for number in range(HELD):
            haproxy.hold(number, "2001:db8:1::9", at=0)
        await bench.count(HELD)
        haproxy.hold(100, "2001:db8:1:2::1", at=0)
        assert [line async for line in haproxy.lines()] == ["100 later 10 held"]
        haproxy.send("next")
        haproxy.hold(101, "2001:db8:2::1", at=0)
        await bench.count(HELD + 1)
        haproxy.send("leave\t0")
        await bench.count(HELD)
        haproxy.hold(102, "2001:db8:1:2::1", at=0)
        await bench.count(HELD + 1)


@in_a_loop
async def test_released_requests_free_the_clients_slots(bench: Bench) -> None:
    async with bench.connected() as haproxy:
        for number in range(HELD):
            haproxy.hold(number, at=0)
        await bench.count(HELD)
        bench.table.replace({host(0): ROUTE})
        await bench.count(0)
        for number in range(HELD):
            haproxy.hold(100 + number, at=1)
        await bench.count(HELD)
