"""The bridge of a dockerd of ours, with addresses that no other one has.

Each dockerd takes docker0 for its own: one that starts without a bridge, or again with pools of
addresses, removes it, whoever uses it. So ours leaves docker0 alone, and has a bridge that is
named by its folder.
"""

import contextlib
import fcntl
import hashlib
import json
from collections.abc import Collection, Iterator
from ipaddress import IPv4Network
from pathlib import Path
from typing import NamedTuple

_RANGES = ("172.20.0.0/14", "172.24.0.0/13", "10.224.0.0/14")
"""The next range is used when those before have no pool left: each network of another Docker takes
a 172.x.0.0/16, so a few projects of docker compose leave nothing of the first."""
_POOLS = tuple(tuple(IPv4Network(one).subnets(new_prefix=18)) for one in _RANGES)
"""Each has addresses for 64 networks. The pools that dockerd has by default are spent after some
30 networks, and each cluster has one of its own."""

SIZE = 24
"""The prefix of each network in a pool; the first one is the bridge's."""


class Link(NamedTuple):
    """A network interface, and the networks that it has an address in."""

    name: str
    networks: tuple[IPv4Network, ...] = ()


def name(folder: Path) -> str:
    """Return the name of the bridge of the dockerd in a folder."""
    return f"prevs-{hashlib.sha256(bytes(folder)).hexdigest()[:8]}"


def address(pool: IPv4Network) -> str:
    """Return the address of the bridge, with its prefix: the first of the pool."""
    return f"{pool[1]}/{SIZE}"


def choose(folder: Path, taken: Collection[IPv4Network]) -> IPv4Network | None:
    """Return a pool that overlaps with none of `taken`, mostly the same for a folder."""
    number = int.from_bytes(hashlib.sha256(bytes(folder)).digest()[:4], "big")
    for pools in _POOLS:
        first = number % len(pools)
        for pool in (*pools[first:], *pools[:first]):
            if not any(pool.overlaps(network) for network in taken):
                return pool
    return None


def read_links(said: str) -> list[Link]:
    """Return what `ip -json -4 address` says; raises ValueError where that is nothing."""
    return [
        Link(
            link["ifname"],
            tuple(
                IPv4Network(f"{one['local']}/{one['prefixlen']}", strict=False)
                for one in link["addr_info"]
            ),
        )
        for link in json.loads(said)
        if link
    ]


def own(links: Collection[Link], bridge: str, pool: IPv4Network) -> list[str]:
    """Return the links of a dockerd: its bridge, and those of the networks in its pool."""
    return [
        link.name
        for link in links
        if link.name == bridge
        or (link.name.startswith("br-") and any(one.subnet_of(pool) for one in link.networks))
    ]


def is_there(pid: int, bridge: str) -> bool:
    """Tell whether the network namespace of a process has a bridge; True where it has ended."""
    try:
        listed = Path(f"/proc/{pid}/net/dev").read_text()
    except OSError:
        return True
    return any(line.partition(":")[0].strip() == bridge for line in listed.splitlines())


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """Let one at a time choose addresses in this network namespace."""
    with Path("/proc/self/ns/net").open("rb") as namespace:
        fcntl.flock(namespace, fcntl.LOCK_EX)
        yield
