"""Notices that a client has gone whose request is held inside HAProxy.

HAProxy 3.0 reads nothing from a client while Lua holds its request, so it sees no end of the
connection. The kernel does: a connection that is ESTABLISHED no longer has no one who waits at its
other end. Belongs to the event loop's thread, but for reading the kernel's tables.
"""

import asyncio
import contextlib
import ipaddress
import struct
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import structlog

log = structlog.get_logger(__name__)

LOOK_SECONDS = 2.0
_TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
_ESTABLISHED = "01"


class Peer(NamedTuple):
    """The other end of a connection; `read_peer` makes one."""

    ip: str
    port: int


def read_peer(ip: str, port: int) -> Peer:
    """Return the peer at an address, in one form however it is written. Raises ValueError."""
    address = ipaddress.ip_address(ip)
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return Peer(str(mapped or address), port)


class Departures:
    """Looks after those who are waited with, while there are any."""

    def __init__(
        self,
        read: Callable[[], frozenset[Peer]],
        *,
        pause: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._read = read
        self._pause = pause
        self._waiting: defaultdict[Peer, set[asyncio.Future[None]]] = defaultdict(set)

    @contextlib.contextmanager
    def awaited(self, peer: Peer) -> Iterator[asyncio.Future[None]]:
        """Yield a future that is done once `peer` was missed by two looks in a row."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[peer].add(future)
        try:
            yield future
        finally:
            future.cancel()
            self._waiting[peer].discard(future)
            if not self._waiting[peer]:
                del self._waiting[peer]

    async def run(self) -> None:
        """Look every two seconds, while there is somebody to look for. Runs until cancelled.

        One look is not enough: the kernel may leave a connection out of a table that changes while
        it is read.
        """
        missed: frozenset[Peer] = frozenset()
        while True:
            await self._pause(LOOK_SECONDS)
            waiting = frozenset(self._waiting)
            if not waiting:
                continue
            try:
                there = await asyncio.to_thread(self._read)
            except OSError as error:
                log.warning("who has gone cannot be seen", why=str(error))
                continue
            before, missed = missed, waiting - there
            for peer in before & missed:
                for future in self._waiting.get(peer, ()):
                    if not future.done():
                        future.set_result(None)


def read_peers() -> frozenset[Peer]:
    """Return the other ends of this machine's connections. Raises OSError."""
    return frozenset(peer for table in _TABLES for peer in parse(table.read_text("ascii")))


def parse(table: str) -> Iterator[Peer]:
    """Yield the other ends in a table of the kernel's (proc(5), /proc/net/tcp)."""
    for line in table.splitlines()[1:]:
        fields = line.split()
        if fields[3] == _ESTABLISHED:
            address, _, port = fields[2].partition(":")
            yield read_peer(_read_address(address), int(port, 16))


def _read_address(text: str) -> str:
    """Return the address in groups of 32 bits, each in the order of the machine."""
    words = [int(text[at : at + 8], 16) for at in range(0, len(text), 8)]
    return str(ipaddress.ip_address(struct.pack(f"={len(words)}I", *words)))
