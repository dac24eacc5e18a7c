import asyncio
import socket
from collections.abc import Callable

import pytest

from proxy.held.client_disconnects import Peer, parse, read_peer, read_peers, watch

HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt"
V4 = "   0: 0100007F:1F90 0200007F:D431 01 00000000:00000000 00:00000000 00000000 0"
GONE = V4.replace(" 01 ", " 08 ").replace("D431", "D432")
V6 = V4.replace("0200007F", "B80D0120000000000000000001000000")
MAPPED = V4.replace("0200007F", "0000000000000000FFFF00000200007F")

OWN = 0x1F90
ONE, TWO = read_peer("127.0.0.2", 54321, OWN), read_peer("10.0.0.2", 54322, OWN)


@pytest.mark.parametrize(
    ("line", "found"),
    [
        (V4, [ONE]),
        (GONE, []),
        (V6, [read_peer("2001:db8::1", 54321, OWN)]),
        (MAPPED, [ONE]),
    ],
)
def test_peers_are_read_from_the_kernels_table(line: str, found: list[Peer]) -> None:
    assert list(parse([HEAD, line])) == found


@pytest.mark.parametrize("ip", ["127.0.0.2", "::ffff:127.0.0.2", "::FFFF:7f00:2"])
def test_an_address_is_recognized_in_every_notation(ip: str) -> None:
    assert read_peer(ip, 54321, OWN) == ONE


def test_a_client_that_uses_its_port_towards_another_service_has_gone() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as held,
        socket.create_server(("127.0.0.1", 0)) as other,
    ):
        client = socket.create_connection(other.getsockname())
        with client, other.accept()[0]:
            ip, port = client.getsockname()
            ports = [server.getsockname()[1] for server in (held, other)]
            gone, there = (read_peer(ip, port, own) for own in ports)
            assert read_peers(frozenset({gone, there})) == {there}


class Bench:
    """Looks without end at the connected peers, or at each set of them in turn."""

    def __init__(self) -> None:
        self.held = {ONE, TWO}
        self.there = {ONE, TWO}
        self.turns: list[set[Peer]] = []
        self.looks = 0
        self.broken = False
        self.gone: list[frozenset[Peer]] = []

    def look(self, until: Callable[[], bool]) -> None:
        async def whole() -> None:
            looking = asyncio.create_task(
                watch(
                    lambda: frozenset(self.held),
                    self.gone.append,
                    read=self._read,
                    pause=lambda _: asyncio.sleep(0),
                )
            )
            async with asyncio.timeout(20):
                while not until():
                    await asyncio.sleep(0)
            looking.cancel()

        asyncio.run(whole())

    def _read(self, wanted: frozenset[Peer]) -> frozenset[Peer]:
        there = self.turns[self.looks % len(self.turns)] if self.turns else self.there
        self.looks += 1
        if self.broken:
            raise OSError("no such table")
        return wanted & there


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_only_disconnected_peers_are_reported(bench: Bench) -> None:
    bench.look(lambda: bench.looks >= 3)
    assert bench.gone == []
    bench.there.remove(ONE)
    bench.look(lambda: bool(bench.gone))
    assert set(bench.gone) == {frozenset({ONE})}


def test_a_peer_that_is_missing_once_is_not_disconnected(bench: Bench) -> None:
    bench.turns = [{TWO}, {ONE, TWO}]
    bench.look(lambda: bench.looks >= 10)
    assert bench.gone == []


def test_no_table_is_read_while_nothing_waits(bench: Bench) -> None:
    bench.held.clear()
    turns = iter(range(20))
    bench.look(lambda: next(turns, None) is None)
    assert bench.looks == 0


def test_an_unreadable_table_reports_no_disconnect(bench: Bench) -> None:
    bench.broken = True
    bench.there.clear()
    bench.look(lambda: bench.looks >= 3)
    assert bench.gone == []
    bench.broken = False
    bench.look(lambda: bool(bench.gone))
    assert set(bench.gone) == {frozenset({ONE, TWO})}
