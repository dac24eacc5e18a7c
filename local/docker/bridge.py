"""The bridge of our own dockerd, with addresses that no other network has.

Every dockerd treats docker0 as its own: one that starts without a bridge, or with other address
pools than before, removes docker0, even if another dockerd uses it. So ours does not touch docker0,
and has its own bridge, named after its folder.
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
"""A range is used when the ranges before it have no free pool: each network of another Docker takes
a 172.x.0.0/16, so a few projects of docker compose use up the first range."""
_POOLS = tuple(tuple(IPv4Network(one).subnets(new_prefix=18)) for one in _RANGES)
"""Each pool has addresses for 64 networks. The default pools of dockerd are used up after some 30
networks, and each cluster has its own network."""

SIZE = 24
"""The prefix length of each network in a pool; the first network is the bridge's."""


class Link(NamedTuple):
    """A network interface, and the networks that it has an address in."""

    name: str
    networks: tuple[IPv4Network, ...] = ()


def name(folder: Path) -> str:
    """Return the name of the bridge of the dockerd in a folder."""
    return f"prevs-{hashlib.sha256(bytes(folder)).hexdigest()[:8]}"


def address(pool: IPv4Network) -> str:
    """Return the address of the bridge with its prefix length: the first of the pool."""
    return f"{pool[1]}/{SIZE}"


def choose_pool(folder: Path, taken: Collection[IPv4Network]) -> IPv4Network | None:
    """Return a pool that overlaps with none of `taken`, usually the same one for a folder."""
    number = int.from_bytes(hashlib.sha256(bytes(folder)).digest()[:4], "big")
    for pools in _POOLS:
        first = number % len(pools)
        for pool in (*pools[first:], *pools[:first]):
            if not any(pool.overlaps(network) for network in taken):
                return pool
    return None


def read_links(output: str) -> list[Link]:
    """Return the links in the output of `ip -json -4 address`."""
    return [
        Link(
            link["ifname"],
            tuple(
                IPv4Network(f"{one['local']}/{one['prefixlen']}", strict=False)
                for one in link["addr_info"]
            ),
        )
        for link in json.loads(output)
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
    """Return whether the network namespace of a process has a bridge; True if it has ended."""
    try:
        listed = Path(f"/proc/{pid}/net/dev").read_text()
    except OSError:
        return True
    return any(line.partition(":")[0].strip() == bridge for line in listed.splitlines())


@contextlib.contextmanager
def exclusive() -> Iterator[None]:
    """Allow only one process at a time to choose addresses in this network namespace."""
    with Path("/proc/self/ns/net").open("rb") as namespace:
        fcntl.flock(namespace, fcntl.LOCK_EX)
        yield
