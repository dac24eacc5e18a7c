"""Who may connect to previews, as rules of iptables. Pure.

Proxies may, and the executor for its health check; nobody else reaches a container, neither at its
port of the agent nor at its own address. One chain for each network of previews covers what is
forwarded to its bridge and what the agent's own programs send there (POSTROUTING of the table
mangle, before any address of a source is translated). On the agent itself the user tells a proxy
from other programs.

An agent at a loopback address has one machine's proxies, and everybody's browser, on the same
machine, and docker's proxy in between hides who has connected. So a second chain covers the ports
there (OUTPUT): only the proxies' user may connect, and only from the address that the proxies bind.
A web page cannot make a browser bind one, as it comes from 127.0.0.1.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from typing import NamedTuple, Optional

from program.networks.reserved import Network

CHECK_SOURCE = "127.0.83.2"
"""The address from which an executor checks an application at a loopback address."""

FORWARDED = "PREVSIN-"
LOOPBACK = "PREVSLO-"
"""The beginnings of the chains' names; the bridge follows."""

_HOOKS = {
    FORWARDED: "POSTROUTING -o {bridge}",
    LOOPBACK: "OUTPUT -o lo -p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN",
}
_IPV6_NEIGHBOURS = (133, 134, 135, 136)
"""The types of ICMPv6 for neighbour discovery, which is what ARP is for IPv4."""

Span = tuple[int, int]
"""The first and the last of some ports."""


class Visitor(NamedTuple):
    """Somebody who may connect: from a network, and if `user` is set only as that user of here."""

    network: Network
    user: Optional[int] = None


class Entrance(NamedTuple):
    """The loopback address of an agent, and its ports for previews."""

    host: str
    ports: Sequence[Span]


class Ingress(NamedTuple):
    """Who may connect to previews. A newer `since` is a newer list.

    `own_users` are the users of this machine whose connections are an executor's or docker's. With
    an `entrance`, previews are published there; `checker` is the executor's user then.
    """

    since: int
    visitors: Sequence[Visitor]
    own_users: Sequence[int] = (0,)
    entrance: Optional[Entrance] = None
    checker: int = 0


class Chain(NamedTuple):
    """A chain's name, the rule that jumps to it (without its -A), and its rules."""

    name: str
    jump: str
    rules: Sequence[str]


def chains(bridge: str, ingress: Ingress, version: int, listed: str = "") -> list[Chain]:
    """Return the chains of a bridge that have to be set. `listed` is what `iptables -S` prints.

    A newer list stays in force, and so does what other agents of the same network have set for
    their entrances.
    """
    found, entrance = [], ingress.entrance
    if not _is_newer(listed, f"{FORWARDED}{bridge}", ingress):
        found.append(_chain(FORWARDED, bridge, _forwarded(ingress, version)))
    if entrance is None or ipaddress.ip_address(entrance.host).version != version:
        return found
    to = f"-d {entrance.host}/32"
    if not _is_newer(listed, f"{LOOPBACK}{bridge} {to}", ingress):
        begins = f"-A {LOOPBACK}{bridge} "
        set_now = [one[len(begins) :] for one in listed.splitlines() if one.startswith(begins)]
        others = [one for one in set_now if f"{to} " not in one]
        found.append(_chain(LOOPBACK, bridge, [*others, *_loopback(ingress, entrance)]))
    return found


def _is_newer(listed: str, place: str, ingress: Ingress) -> bool:
    """Return whether a newer list is in force in a chain, or for an entrance in it."""
    begins = f"-A {place} -m comment --comment "
    for line in listed.splitlines():
        if line.startswith(begins):
            since = line[len(begins) :].strip('"')
            return since.isdecimal() and int(since) > ingress.since
    return False


def jumps(bridge: str) -> list[tuple[str, str]]:
    """Return the name of each chain that a bridge may have, and the rule that jumps to it."""
    return [(one.name, one.jump) for one in (_chain(kind, bridge, ()) for kind in _HOOKS)]


def _chain(kind: str, bridge: str, rules: Sequence[str]) -> Chain:
    name = f"{kind}{bridge}"
    jump = f"{_HOOKS[kind].format(bridge=bridge)} -j {name}"
    return Chain(name, jump, [f"-A {name} {rule}" for rule in rules])


def _forwarded(ingress: Ingress, version: int) -> list[str]:
    """Return the rules for what goes to the bridge. The first one says how new they are."""
    made = [
        f"-m comment --comment {ingress.since}",
        "-m conntrack --ctstate RELATED,ESTABLISHED -j RETURN",
    ]
    if version == 6:
        made += [f"-p ipv6-icmp -m icmp6 --icmpv6-type {n} -j RETURN" for n in _IPV6_NEIGHBOURS]
    far = [one for one in ingress.visitors if not one.network.is_loopback]
    made += [f"{one} -j RETURN".lstrip() for one in _sources(far, version)]
    made += [f"-m owner --uid-owner {user} -j RETURN" for user in ingress.own_users]
    return [*made, "-j DROP"]


def _loopback(ingress: Ingress, entrance: Entrance) -> list[str]:
    to = f"-d {entrance.host}/32"
    checks = Visitor(ipaddress.ip_network(CHECK_SOURCE), ingress.checker)
    near = [one for one in ingress.visitors if one.network.is_loopback]
    made = [f"{to} -m comment --comment {ingress.since}"]
    for source in _sources([*near, checks], 4):
        first, _, owner = source.partition(" -m ")
        made.append(" ".join([first, to, *([f"-m {owner}"] if owner else []), "-j RETURN"]))
    spans = (str(a) if a == b else f"{a}:{b}" for a, b in entrance.ports)
    return [*made, *(f"{to} -p tcp -m tcp --dport {span} -j DROP" for span in spans)]


def _sources(visitors: Iterable[Visitor], version: int) -> list[str]:
    """Return what matches visitors, each once."""
    found = []
    for network, user in visitors:
        if network.version != version:
            continue
        source = f"-s {network}" if network.prefixlen else ""
        owner = "" if user is None else f"-m owner --uid-owner {user}"
        found.append(" ".join(filter(None, (source, owner))))
    return list(dict.fromkeys(found))


def count_visitors(listed: str, bridge: str) -> Optional[int]:
    """Return from how many places others may connect to a bridge; None if it is open to all."""
    own = [line for line in listed.splitlines() if line.startswith(f"-A {FORWARDED}{bridge} ")]
    if not own or not own[-1].endswith(" -j DROP"):
        return None
    return sum(f" -A {line}".count(" -s ") for line in own)
