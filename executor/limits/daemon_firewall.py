"""The firewall of the docker daemon's own connections, as rules of iptables. Pure.

A registry answers with addresses: of its token service, of manifests and blobs. The daemon follows
them in the agent's own network, with a Go library that reaches loopback past any proxy. So the
kernel decides about each connection, by the control group that the daemon has for itself. It sees
the address that is really used, whatever a name has meant before. docs/decisions/0120.

The rules are in the table filter, which alone can refuse a connection at once.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple, Optional

from executor.limits.confinement import Confinement
from program.networks.reserved import NEVER, SOMEBODYS, Network, read_addresses

TABLE = "filter"
_HOOK = "OUTPUT"
_REFUSED = "-j REJECT --reject-with tcp-reset"
_OPENED = "-j RETURN"
_DOCKERS = "br-"
_DOCKERS_OWN = re.compile(r"br-[0-9a-f]{12}")
"""How Docker names the bridges of networks."""

_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
_HOST = re.compile(r"(?:^|[\s\"/])((?:[\w-]+\.)+[\w-]+(?::\d+)?|[\w-]+:\d+)/", re.ASCII)
"""A host with a path after it: of an image's name, or in a URL."""

_DIALED = re.compile(
    r"\bdial tcp (?:\[(?P<six>[0-9a-fA-F:.]+)(?:%\w+)?\]|(?P<four>[0-9.]+)):(?P<port>\d{1,5}): "
    r"(?:connect: connection refused|i/o timeout)"
)
"""What Go says of a connection that was not made (net, OpError)."""


class Endpoint(NamedTuple):
    """An address and a port."""

    address: str
    port: int


class DaemonGroup(NamedTuple):
    """The control group (version 2) of a daemon's processes, and what tells it from a later one.

    A rule keeps to the group that was there when it was set, though a new one may have its name.
    """

    path: str
    mark: str


class Refusal(NamedTuple):
    """Why docker was not let fetch something, and what to do, as text for a sentence each."""

    why: str
    advice: str


class DaemonZone(NamedTuple):
    """A daemon, and what it may connect to. `name` is that of the bridge of its default network.

    It reaches its containers by `bridges`, as docker-proxy does in the same group; `nameservers`;
    and what the operator has `opened`: registries, mirrors and proxies. The rest is as for previews
    (FirewallZone), except that `allowed` may open loopback addresses too.
    """

    name: str
    group: DaemonGroup
    bridges: Sequence[str]
    nameservers: Sequence[str] = ()
    opened: Sequence[Endpoint] = ()
    denied: Sequence[Network] = ()
    allowed: Sequence[Network] = ()
    control_plane: Sequence[Network] = ()


def chain(name: str) -> str:
    """Return the name of the chain of a daemon, by the bridge of its default network."""
    return f"PREVS-{name}-out"


def jump(zone: DaemonZone) -> str:
    """Return the rule that jumps to the chain, without its -A. Only new connections pass it."""
    return (
        f"{_HOOK} -p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -m cgroup "
        f'--path "{zone.group.path}" -m comment --comment "{zone.group.mark}" -j {chain(zone.name)}'
    )


def rules(zone: DaemonZone, version: int) -> tuple[list[str], list[str]]:
    """Return the rules of the chain for IPv4 or IPv6: the opening rules, then the rest.

    They are written as `iptables -S` prints them.
    """
    add = f"-A {chain(zone.name)}"
    ends = [*zone.opened, *(Endpoint(server, 53) for server in zone.nameservers)]
    opening = [f"{add} -o {bridge} {_OPENED}" for bridge in zone.bridges]
    opening += [
        f"{add} -d {network} -p tcp -m tcp --dport {port} {_OPENED}"
        for address, port in dict.fromkeys(ends)
        for network in _of(version, [ipaddress.ip_network(address)])
    ]
    loopback = _of(version, _loopback(zone.allowed))
    opening += [f"{add} -d {network} {_OPENED}" for network in loopback]
    closing = [*zone.denied, *NEVER, *zone.control_plane]
    after = [f"{add} -p tcp -m addrtype --dst-type LOCAL {_REFUSED}"]
    after += [f"{add} -d {network} -p tcp {_REFUSED}" for network in _of(version, closing)]
    after += [f"{add} -d {network} {_OPENED}" for network in _of(version, zone.allowed)]
    after += [f"{add} -d {network} -p tcp {_REFUSED}" for network in _of(version, SOMEBODYS)]
    return list(dict.fromkeys(opening)), list(dict.fromkeys(after))


def change(listed: str, zone: DaemonZone, version: int) -> str:
    """Return the input of iptables-restore --noflush that sets the rules, "" if they are set.

    `listed` is the output of `iptables -S`, which may lack quotes. What was opened stays open while
    this daemon runs: several installations may share it, each with a registry of its own.
    """
    lines = listed.splitlines()
    named = chain(zone.name)
    there = [line for line in lines if line.startswith(f"-A {named} ")]
    jumps = [line for line in lines if line.endswith(f" -j {named}")]
    is_same = [_plain(one) for one in jumps] == [_plain(f"-A {jump(zone)}")]
    opening, after = rules(zone, version)
    kept = [one for one in there if one.endswith(_OPENED)] if is_same else []
    kept = [one for one in kept if one not in after and _names_one_address(one)]
    opening = list(dict.fromkeys([*kept, *opening]))
    if is_same and set(there[: len(opening)]) == set(opening) and there[len(opening) :] == after:
        return ""
    return "\n".join(
        [
            f"*{TABLE}",
            f":{named} - [0:0]",
            *(f"-D {line[len('-A ') :]}" for line in jumps if not is_same),
            *opening,
            *after,
            *([] if is_same else [f"-I {jump(zone)}"]),
            *("COMMIT", ""),
        ]
    )


def choose_bridges(dockers: Iterable[str], links: Collection[str]) -> list[str]:
    """Return the bridges by which a daemon reaches containers, for `iptables -o`.

    `dockers` are those of its networks, `links` all of the machine. Networks that are made later
    count too, if no other bridge of the machine has such a name.
    """
    found = sorted(set(dockers))
    alike = [link for link in links if link.startswith(_DOCKERS) and link not in found]
    if not all(_DOCKERS_OWN.fullmatch(link) for link in alike):
        return found
    return [f"{_DOCKERS}+", *(one for one in found if not one.startswith(_DOCKERS))]


def is_closed(address: str, confined: Confinement) -> bool:
    """Return whether the rules may close an address. This machine's own count as open here."""
    parsed = list(read_addresses(address))

    def within(networks: Sequence[Network]) -> bool:
        return any(one in network for one in parsed for network in networks)

    if within(_loopback(confined.allowed)):
        return False
    if within(NEVER) or within(confined.denied) or within(confined.control_plane):
        return True
    return within(SOMEBODYS) and not within(confined.allowed)


def find_closed(error: str, confined: Confinement) -> Optional[Endpoint]:
    """Return where the daemon was not let connect, by its last error; None if it is not that."""
    # A step of a build may have such words in its command.
    for found in reversed(list(_DIALED.finditer(_QUOTED.sub('""', error)))):
        end = Endpoint(found["six"] or found["four"], int(found["port"]))
        try:
            if is_closed(end.address, confined):
                return end
        except ValueError:
            continue
    return None


def describe(error: str, end: Endpoint) -> Refusal:
    """Return the refusal of a connection. The registry is the first other host in `error`."""
    at = f"[{end.address}]:{end.port}" if ":" in end.address else f"{end.address}:{end.port}"
    hosts = (found[1] for found in _HOST.finditer(error))
    registry = next((host for host in hosts if host != at), "its registry")
    return Refusal(
        f"{registry[:100]} leads Docker to {at}, and this agent does not let it connect there for "
        "a commit: that is a private address, or the agent itself",
        "Use an image from elsewhere, or let the agents' operator open that address (PREVS_ALLOW)",
    )


def _names_one_address(rule: str) -> bool:
    return " --dport " in rule or " -d 127." in rule or " -d ::1" in rule


def _loopback(networks: Iterable[Network]) -> list[Network]:
    return [one for one in networks if one.is_loopback]


def _plain(rule: str) -> str:
    """Return a rule without quotes: which ones iptables prints depends on its version."""
    return rule.replace('"', "")


def _of(version: int, networks: Iterable[Network]) -> list[str]:
    return list(dict.fromkeys(str(one) for one in networks if one.version == version))
