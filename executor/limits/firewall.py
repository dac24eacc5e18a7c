"""The firewall of the previews' network, as rules of iptables: what containers reach. Pure.

Who reaches them is in ingress.py.

The rules are in the table mangle, which comes before any other decision about a packet. So what
they drop stays dropped, whatever docker, firewalld or ufw put into their own tables. Each network
has its own chain, named after its bridge, and one rule that jumps to it.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple, Optional

from executor.limits import ingress
from executor.limits.confinement import ProxyPort
from executor.limits.ingress import Chain, Ingress, Visitor
from program.networks.reserved import METADATA, PRIVATE, Network

TABLE = "mangle"
_PREFIX = "PREVS-"
_KINDS = (_PREFIX, ingress.FORWARDED, ingress.LOOPBACK)
_HOOK = "PREROUTING"
_IPV6_NEIGHBOURS = (133, 134, 135, 136)
"""The types of ICMPv6 for neighbour discovery, which is what ARP is for IPv4."""


class FirewallZone(NamedTuple):
    """A network of previews: its bridge, its own addresses, and what it may reach.

    `nameservers` are the agent's own; previews may query them wherever they are. `allowed` private
    networks are open, except what is `denied` or belongs to the `control_plane`. Of the `proxy`
    that port is open, wherever it is. `ingress` is who may connect to it; None leaves that as it
    is. If its containers are `together`, of one preview, they reach each other.
    """

    bridge: str
    subnets: Sequence[Network]
    nameservers: Sequence[str]
    denied: Sequence[Network] = ()
    allowed: Sequence[Network] = ()
    control_plane: Sequence[Network] = ()
    proxy: Optional[ProxyPort] = None
    ingress: Optional[Ingress] = None
    together: bool = False


def chain(bridge: str) -> str:
    """Return the name of the chain of a bridge."""
    return f"{_PREFIX}{bridge}"


def rules(zone: FirewallZone, version: int) -> list[str]:
    """Return the rules of the chain for IPv4 or IPv6, as `iptables -S` prints them.

    What has no address of the bridge is forged, and dropped first: it could be taken for a reply of
    another machine. Replies to visitors pass, then queries to nameservers and visits at the proxy.
    The agent itself is closed at all its addresses, and with it all published ports, above all
    those of other previews. Private networks are closed too, except those that are allowed.
    """
    add = f"-A {chain(zone.bridge)}"
    made = [*_forged(zone, version), f"{add} -m conntrack --ctstate RELATED,ESTABLISHED -j RETURN"]
    if version == 6:
        made += [
            f"{add} -p ipv6-icmp -m icmp6 --icmpv6-type {kind} -j RETURN"
            for kind in _IPV6_NEIGHBOURS
        ]
    for server in _of(version, zone.nameservers):
        made += [
            f"{add} -d {server} -p {protocol} -m {protocol} --dport 53 -j RETURN"
            for protocol in ("udp", "tcp")
        ]
    if zone.proxy is not None:
        made += [
            f"{add} -d {proxy} -p tcp -m tcp --dport {zone.proxy.port} -j RETURN"
            for proxy in _of(version, [zone.proxy.address])
        ]
    own = [str(subnet) for subnet in zone.subnets]
    local = ("LOCAL", "BROADCAST", "MULTICAST") if version == 4 else ("LOCAL",)
    made += [f"{add} -m addrtype --dst-type {kind} -j DROP" for kind in local]
    if zone.together:
        # The agent's own address there is closed by now.
        made += [f"{add} -d {network} -j RETURN" for network in _of(version, own)]
    never = [*([] if zone.together else own), *METADATA, *map(str, zone.denied), *_exposed(zone)]
    made += [f"{add} -d {network} -j DROP" for network in _of(version, never)]
    allowed = map(str, zone.allowed)
    made += [f"{add} -d {network} -j RETURN" for network in _of(version, allowed)]
    made += [f"{add} -d {network} -j DROP" for network in _of(version, PRIVATE)]
    return made


def _forged(zone: FirewallZone, version: int) -> list[str]:
    """Return the rule that drops forged packets. IPv6 has link-local addresses besides."""
    own = [subnet for subnet in zone.subnets if subnet.version == version == 4]
    return [f"-A {chain(zone.bridge)} ! -s {own[0]} -j DROP"] if len(own) == 1 else []


def _exposed(zone: FirewallZone) -> list[str]:
    """Return the part of the control plane that needs a rule: every packet passes all rules."""
    private = [ipaddress.ip_network(network) for network in PRIVATE]
    return [
        str(network)
        for network in zone.control_plane
        if any(network.overlaps(allowed) for allowed in zone.allowed)
        or not any(network.overlaps(closed) for closed in private)
    ]


def jump(bridge: str) -> str:
    """Return the rule that jumps to the chain, without its -A."""
    return f"{_HOOK} -i {bridge} -j {chain(bridge)}"


def chains(zone: FirewallZone, version: int, listed: str) -> list[Chain]:
    """Return the chains that have to be set. `listed` is what `iptables -S` prints."""
    own = Chain(chain(zone.bridge), jump(zone.bridge), rules(zone, version))
    if zone.ingress is None:
        return [own]
    visitors = [*zone.ingress.visitors]
    if zone.together:
        # Each of its containers visits the others; from elsewhere nobody has such an address.
        visitors += map(Visitor, zone.subnets)
    let_in = zone.ingress._replace(visitors=visitors)
    return [own, *ingress.chains(zone.bridge, let_in, version, listed)]


def is_set(listed: str, zone: FirewallZone, version: int) -> bool:
    """Return whether all rules are set, by the output of `iptables -S`."""
    lines = listed.splitlines()
    return all(
        [line for line in lines if line.startswith(f"-A {one.name} ")] == one.rules
        and f"-A {one.jump}" in lines
        for one in chains(zone, version, listed)
    )


def restore(listed: str, zone: FirewallZone, version: int) -> str:
    """Return the input of iptables-restore --noflush that sets the rules.

    `listed` is the output of `iptables -S`. The change takes effect as a whole.
    """
    known, lines = listed.splitlines(), [f"*{TABLE}"]
    for one in chains(zone, version, listed):
        lines += [f":{one.name} - [0:0]", *one.rules]
        if f"-A {one.jump}" not in known:
            lines.append(f"-I {one.jump}")
    return "\n".join([*lines, "COMMIT", ""])


def find_bridges(listed: str) -> list[str]:
    """Return the bridges whose containers are kept from others, by the output of `iptables -S`."""
    begins = f"-N {_PREFIX}"
    return [line[len(begins) :] for line in listed.splitlines() if line.startswith(begins)]


def stale(listed: str, links: Collection[str]) -> list[str]:
    """Return the bridges that have a chain and are not among `links`."""
    found = []
    for begins in (f"-N {kind}" for kind in _KINDS):
        named = [line[len(begins) :] for line in listed.splitlines() if line.startswith(begins)]
        found += [bridge for bridge in named if bridge not in links]
    return list(dict.fromkeys(found))


def remove(listed: str, bridge: str) -> str:
    """Return the input of iptables-restore --noflush that removes the chains of a bridge."""
    known, lines = listed.splitlines(), []
    for name, way in ((chain(bridge), jump(bridge)), *ingress.jumps(bridge)):
        lines += [f"-D {way}"] * known.count(f"-A {way}")
        if f"-N {name}" in known:
            lines += [f"-F {name}", f"-X {name}"]
    return "\n".join([f"*{TABLE}", *lines, "COMMIT", ""])


def read_nameservers(text: str) -> list[str]:
    """Return the addresses in a resolv.conf, without its own machine's loopback."""
    found = []
    for line in text.splitlines():
        words = line.split()
        # dockerd itself queries link-local ones, such as fe80::1%eth0.
        if len(words) < 2 or words[0] != "nameserver" or "%" in words[1]:
            continue
        try:
            server = ipaddress.ip_network(words[1])
        except ValueError:
            continue
        if not server.is_loopback:
            found.append(str(server.network_address))
    return found


def _of(version: int, networks: Iterable[str]) -> list[str]:
    parsed = map(ipaddress.ip_network, networks)
    return list(dict.fromkeys(str(one) for one in parsed if one.version == version))
