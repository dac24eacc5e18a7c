"""The rules that keep containers of one bridge apart below IP, as rules of ebtables. Pure.

iptables sees IP packets only: ARP passes, and so do the answers of a container that claims to be
the gateway. So no frame goes from one port of a bridge to another. Frames between a container and
the agent itself, which is its gateway, are never forwarded by the bridge.

Each bridge has its own chain, named as that of iptables, and one rule that leads to it. Needs
nothing of a port, so a container is apart from its first frame on.
"""

from __future__ import annotations

from collections.abc import Collection
from itertools import product

from executor.limits.firewall import FirewallZone, chain

TABLE = "filter"
_HOOK = "FORWARD"
_PREFIX = chain("")


def rules(zone: FirewallZone, *, by_name: bool) -> list[str]:
    """Return the rules of the chain, as ebtables-save prints them.

    With `by_name` they match the bridge itself, for which the kernel needs nft_meta_bridge. Else
    they match the bridge's addresses: each frame that a container there would take has one of them.
    """
    add = f"-A {chain(zone.bridge)}"
    if by_name:
        return [f"{add} --logical-in {zone.bridge} -j DROP"]
    made: list[str] = []
    for subnet, end in product(zone.subnets, ("src", "dst")):
        if subnet.version == 6:
            made.append(f"{add} -p IPv6 --ip6-{end} {subnet} -j DROP")
        else:
            made += [
                f"{add} -p ARP --arp-ip-{end} {subnet} -j DROP",
                f"{add} -p IPv4 --ip-{end} {subnet} -j DROP",
            ]
    return made


def is_set(saved: str, zone: FirewallZone) -> bool:
    """Return whether the rules are set in one of the two ways, by the output of ebtables-save."""
    lines = saved.splitlines()
    begins = f"-A {chain(zone.bridge)} "
    mine = [line for line in lines if line.startswith(begins)]
    ways = [rules(zone, by_name=by_name) for by_name in (True, False)]
    return mine in ways and f"-A {_jump(zone.bridge)}" in lines


def restore(saved: str, zone: FirewallZone, *, by_name: bool) -> str:
    """Return the input of ebtables-restore --noflush that sets the rules.

    `saved` is the output of ebtables-save. The change takes effect as a whole.
    """
    name = chain(zone.bridge)
    lines = [f"*{TABLE}", f":{name} RETURN", *rules(zone, by_name=by_name)]
    if f"-A {_jump(zone.bridge)}" not in saved.splitlines():
        lines.append(f"-I {_jump(zone.bridge)}")
    return "\n".join([*lines, ""])


def stale(saved: str, links: Collection[str]) -> list[str]:
    """Return the bridges that have a chain and are not among `links`."""
    begins = f":{_PREFIX}"
    named = [line.split()[0] for line in saved.splitlines() if line.startswith(begins)]
    return [bridge for name in named if (bridge := name[len(begins) :]) not in links]


def remove(saved: str, bridge: str) -> str:
    """Return the input of ebtables-restore --noflush that removes the chain of a bridge."""
    name = chain(bridge)
    ways = [f"-D {_jump(bridge)}"] * saved.splitlines().count(f"-A {_jump(bridge)}")
    return "\n".join([f"*{TABLE}", *ways, f"-F {name}", f"-X {name}", ""])


def _jump(bridge: str) -> str:
    return f"{_HOOK} -j {chain(bridge)}"
