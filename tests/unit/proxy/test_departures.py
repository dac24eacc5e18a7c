import asyncio
from collections.abc import Awaitable, Callable

import pytest

from proxy.departures import Departures, Peer, parse, read_peer

HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt"
V4 = "   0: 0100007F:1F90 0200007F:D431 01 00000000:00000000 00:00000000 00000000 0"
GONE = V4.replace(" 01 ", " 08 ").replace("D431", "D432")
V6 = V4.replace("0200007F", "B80D0120000000000000000001000000")
MAPPED = V4.replace("0200007F", "0000000000000000FFFF00000200007F")

ONE, TWO = Peer("127.0.0.2", 54321), Peer("10.0.0.2", 54322)


@pytest.mark.parametrize(
    ("line", "found"),
    [
        (V4, [ONE]),
        (GONE, []),
        (V6, [Peer("2001:db8::1", 54321)]),
        (MAPPED, [ONE]),
    ],
)
def test_who_is_at_the_other_end_is_read_from_the_kernels_table(
    line: str, found: list[Peer]
) -> None:
    assert list(parse(f"{HEAD}\n{line}\n")) == found


@pytest.mark.parametrize("ip", ["127.0.0.2", "::ffff:127.0.0.2", "::FFFF:7f00:2"])
def test_an_address_is_the_same_however_it_is_written(ip: str) -> None:
    assert read_peer(ip, 54321) == ONE


class Bench:
    """Looks without end, at who is there, or who is there in turn if there is a turn."""

    def __init__(self) -> None:
        self.there = {ONE, TWO}
        self.turns: list[set[Peer]] = []
        self.looks = 0
        self.broken = False
        self.departures = Departures(self._read, pause=self._pause)

    def run(self, scenario: Callable[[], Awaitable[None]]) -> None:
        async def whole() -> None:
            looking = asyncio.create_task(self.departures.run())
            try:
                await asyncio.wait_for(scenario(), 20)
            finally:
                looking.cancel()

        asyncio.run(whole())

    def _read(self) -> frozenset[Peer]:
        found = frozenset(self.turns[self.looks % len(self.turns)] if self.turns else self.there)
        self.looks += 1
        if self.broken:
            raise OSError("no such table")
        return found

    async def _pause(self, _: float) -> None:
        await asyncio.sleep(0)


def test_everybody_who_waits_with_one_that_leaves_is_told_and_nobody_else() -> None:
    bench = Bench()

    async def scenario() -> None:
        waits = bench.departures.awaited
        with waits(ONE) as first, waits(ONE) as second, waits(TWO) as other:
            while bench.looks < 2:
                await asyncio.sleep(0)
            assert not first.done()
            bench.there.remove(ONE)
            await asyncio.gather(first, second)
            assert not other.done()

    bench.run(scenario)


def test_one_that_is_missed_once_has_not_gone() -> None:
    bench = Bench()
    bench.turns = [{TWO}, {ONE, TWO}]

    async def scenario() -> None:
        with bench.departures.awaited(ONE) as gone:
            while bench.looks < 10:
                await asyncio.sleep(0)
            assert not gone.done()

    bench.run(scenario)


def test_nothing_is_read_while_nobody_waits() -> None:
    bench = Bench()

    async def scenario() -> None:
        with bench.departures.awaited(ONE):
            pass
        for _ in range(20):
            await asyncio.sleep(0)

    bench.run(scenario)
    assert bench.looks == 0


def test_a_table_that_cannot_be_read_takes_nobody_for_gone() -> None:
    bench = Bench()

    async def scenario() -> None:
        bench.broken = True
        with bench.departures.awaited(ONE) as gone:
            while bench.looks < 3:
                await asyncio.sleep(0)
            assert not gone.done()
            bench.broken = False
            bench.there.clear()
            await gone

    bench.run(scenario)
