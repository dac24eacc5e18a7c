"""Notices when a client disconnects while HAProxy holds its request.

HAProxy 3.0 reads nothing from an HTTP/1 client while Lua holds its request, so it does not notice
the end of the connection. The kernel does: when a connection is not ESTABLISHED any more, nobody
waits at its other end. A connection is known by both of its ends: a client's port can be in use
again, towards another service of this machine.
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
"""A client's address and port and the port it connected to, as the kernel writes them; `read_peer`
makes one."""


async def watch(
    held_peers: Callable[[], frozenset[Peer]],
    disconnected: Callable[[frozenset[Peer]], object],
    *,
    read: Callable[[frozenset[Peer]], frozenset[Peer]],
    pause: Callable[[float], Awaitable[object]] = asyncio.sleep,
) -> None:
    """Check `held_peers` every two seconds, and call `disconnected` with those who have gone.

    One check is not enough: the kernel may leave a connection out of a table that changes while it
    is read. `read` returns which of some peers are connected, and may block. Runs until cancelled.
    """
    missed: frozenset[Peer] = frozenset()
    while True:
        await pause(LOOK_SECONDS)
        peers = held_peers()
        if not peers:
            continue
        try:
            connected = await asyncio.to_thread(read, peers)
        except OSError as error:
            log.warning("cannot see which clients have disconnected", why=str(error))
            continue
        before, missed = missed, peers - connected
        if gone := before & missed:
            disconnected(gone)


def read_peer(ip: str, port: int, own_port: int) -> Peer:
    """Return the peer at an address, whatever form it is written in.

    `own_port` is the port of this machine that it connected to.
    """
    address = ipaddress.ip_address(ip)
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return _peer(f"{_words((mapped or address).packed)}:{port:04X}", f"{own_port:04X}")


def read_peers(wanted: frozenset[Peer]) -> frozenset[Peer]:
    """Return which of `wanted` this machine has connections to."""
    found: set[Peer] = set()
    for table in _TABLES:
        with table.open(encoding="ascii") as lines:
            found.update(wanted.intersection(parse(lines)))
    return frozenset(found)


def parse(lines: Iterable[str]) -> Iterator[Peer]:
    """Yield the peers of established connections in a kernel table (proc(5), /proc/net/tcp)."""
    for line in lines:
        fields = line.split(None, 4)
        if fields[3] == _ESTABLISHED:
            yield _peer(fields[2].removeprefix(_MAPPED), fields[1].rpartition(":")[2])


def _peer(remote: str, own_port: str) -> Peer:
    return Peer(f"{remote} {own_port}")


def _words(packed: bytes) -> str:
    """Return an address in groups of 32 bits, each in the machine's byte order."""
    return "".join(f"{word:08X}" for word in struct.unpack(f"={len(packed) // 4}I", packed))


_MAPPED = _words(ipaddress.IPv6Address("::ffff:0:0").packed[:12])
"""How an IPv4 address begins at an IPv6 socket."""
