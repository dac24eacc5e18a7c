"""Notices that a client has gone whose request is held inside HAProxy.

HAProxy 3.0 reads nothing from a client of HTTP/1 while Lua holds its request, so it sees no end of
the connection. The kernel does: a connection that is ESTABLISHED no longer has no one who waits at
its other end.
"""

import asyncio
import ipaddress
import struct
from collections.abc import Awaitable, Callable, Iterable, Iterator
from pathlib import Path
from typing import NewType

import structlog

log = structlog.get_logger(__name__)

LOOK_SECONDS = 2.0
_TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
_ESTABLISHED = "01"

Peer = NewType("Peer", str)
"""The other end of a connection, as the kernel writes it; `read_peer` makes one."""


async def watch(
    awaited: Callable[[], frozenset[Peer]],
    tell: Callable[[frozenset[Peer]], object],
    *,
    read: Callable[[frozenset[Peer]], frozenset[Peer]],
    pause: Callable[[float], Awaitable[object]] = asyncio.sleep,
) -> None:
    """Look every two seconds for those who are `awaited`, and tell who has gone, until cancelled.

    One look is not enough: the kernel may leave a connection out of a table that changes while it
    is read. `read` returns who of some is there, and may block.
    """
    missed: frozenset[Peer] = frozenset()
    while True:
        await pause(LOOK_SECONDS)
        peers = awaited()
        if not peers:
            continue
        try:
            there = await asyncio.to_thread(read, peers)
        except OSError as error:
            log.warning("who has gone cannot be seen", why=str(error))
            continue
        before, missed = missed, peers - there
        if gone := before & missed:
            tell(gone)


def read_peer(ip: str, port: int) -> Peer:
    """Return the peer at an address, in one form however it is written. Raises ValueError."""
    address = ipaddress.ip_address(ip)
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return Peer(f"{_words((mapped or address).packed)}:{port:04X}")


def read_peers(wanted: frozenset[Peer]) -> frozenset[Peer]:
    """Return which of `wanted` this machine has connections to. Raises OSError."""
    found: set[Peer] = set()
    for table in _TABLES:
        with table.open(encoding="ascii") as lines:
            found.update(wanted.intersection(parse(lines)))
    return frozenset(found)


def parse(lines: Iterable[str]) -> Iterator[Peer]:
    """Yield the other ends in a table of the kernel's (proc(5), /proc/net/tcp)."""
    for line in lines:
        fields = line.split(None, 4)
        if fields[3] == _ESTABLISHED:
            yield Peer(fields[2].removeprefix(_MAPPED))


def _words(packed: bytes) -> str:
    """Return an address in groups of 32 bits, each in the order of the machine."""
    return "".join(f"{word:08X}" for word in struct.unpack(f"={len(packed) // 4}I", packed))


_MAPPED = _words(ipaddress.IPv6Address("::ffff:0:0").packed[:12])
"""How an address of IP 4 begins at a socket of IP 6."""
