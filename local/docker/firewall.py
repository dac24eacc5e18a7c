"""Undoes what dockerd changes in the machine's network: pure functions.

dockerd leaves its bridges, its iptables chains, a FORWARD policy of DROP, and forwarding switched
on. What was there before its start stays. All dockerds in a network share the same chains, but each
has its own bridges, which are removed with it.
"""

import re
import shlex
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

_WAYS = {
    "PREVS-": ("PREROUTING", "-i", "{bridge}"),
    "PREVSIN-": ("POSTROUTING", "-o", "{bridge}"),
    "PREVSLO-": (
        *("OUTPUT", "-o", "lo", "-p", "tcp", "-m", "tcp"),
        *("--tcp-flags", "FIN,SYN,RST,ACK", "SYN"),
    ),
}
"""Prefixes of the chains that executors make for bridges of dockerd, and what jumps to them."""

_CHAINS = ("DOCKER", *_WAYS)
_FRAMES = ("ebtables",)
_PACKETS = ("iptables", "-w")
_PACKETS_IPV6 = ("ip6tables", "-w")

_DOCKERS = re.compile(r"\bDOCKER[A-Z0-9-]*|\bPREVS-\S+-out\b|\bdocker0\b|\bbr-[0-9a-f]{12}\b")


class Rules(NamedTuple):
    """One table of `iptables-save`: policies (or "-") by chain, and the rules."""

    chains: Mapping[str, str]
    rules: tuple[str, ...]


class Network(NamedTuple):
    """The network's state: the output of iptables-save and its like, and ip_forward."""

    ipv4: str = ""
    ipv6: str = ""
    forward: str = ""
    frames: str = ""


def read_rules(saved: str) -> dict[str, Rules]:
    """Return the tables in the output of iptables-save, or of ebtables-save."""
    tables: dict[str, tuple[dict[str, str], list[str]]] = {}
    chains: dict[str, str] = {}
    rules: list[str] = []
    for line in saved.splitlines():
        if line.startswith("*"):
            chains, rules = tables[line[1:]] = {}, []
        elif line.startswith(":"):
            chain, policy = line[1:].split()[:2]
            chains[chain] = policy
        elif line.startswith("-A"):
            rules.append(line)
    return {name: Rules(chains, tuple(rules)) for name, (chains, rules) in tables.items()}


def removal_commands(bridge: str) -> list[list[str]]:
    """Return the commands that remove the rules of executors for a network's bridge."""
    frames = f"PREVS-{bridge}"
    return [
        *(
            [program, "-w", "-t", "mangle", *change]
            for program in ("iptables", "ip6tables")
            for prefix, way in _WAYS.items()
            for change in (
                ["-D", *(word.format(bridge=bridge) for word in way), "-j", f"{prefix}{bridge}"],
                ["-F", f"{prefix}{bridge}"],
                ["-X", f"{prefix}{bridge}"],
            )
        ),
        *(
            [*_FRAMES, "-t", "filter", *change]
            for change in (["-D", "FORWARD", "-j", frames], ["-F", frames], ["-X", frames])
        ),
    ]


class Gone(NamedTuple):
    """A dockerd that has ended: its links, and whether another one runs in the same network."""

    links: Collection[str]
    shared: bool


def undo(before: Network, after: Network, gone: Gone) -> list[list[str]]:
    """Return the commands that bring `after` back to `before`, as far as a dockerd changed it.

    If another dockerd runs, they remove only the links and the rules that name them.
    """
    commands = [*_undo_rules(_PACKETS, before.ipv4, after.ipv4, gone)]
    commands += _undo_rules(_PACKETS_IPV6, before.ipv6, after.ipv6, gone)
    commands += _undo_rules(_FRAMES, before.frames, after.frames, gone)
    commands += [["ip", "link", "delete", link] for link in gone.links]
    if not gone.shared and before.forward == "0" and after.forward == "1":
        commands.append(["sysctl", "-q", "-w", "net.ipv4.ip_forward=0"])
    return commands


def _link_of(chain: str) -> str:
    """Return the bridge that a chain of executors is for: of its packets, or of its dockerd's."""
    found = next((chain[len(one) :] for one in _WAYS if chain.startswith(one)), "")
    return found.removesuffix("-out")


def _undo_rules(program: Sequence[str], before: str, after: str, gone: Gone) -> Iterable[list[str]]:
    old_tables = read_rules(before)
    names = "|".join(rf"\b{re.escape(link)}\b" for link in gone.links) or "(?!)"
    for table, new in read_rules(after).items():
        old = old_tables.get(table, Rules({}, ()))
        run = [*program, "-t", table]
        for rule in new.rules:
            dockers = not gone.shared and rule not in old.rules and _DOCKERS.search(rule)
            if dockers or re.search(names, rule):
                yield [*run, "-D", *shlex.split(rule)[1:]]
        chains = [c for c in new.chains if c not in old.chains and c.startswith(_CHAINS)]
        if gone.shared:
            chains = [c for c in chains if _link_of(c) in gone.links]
        yield from ([*run, "-F", chain] for chain in chains)
        yield from ([*run, "-X", chain] for chain in chains)
        dropped = new.chains.get("FORWARD") == "DROP"
        if not gone.shared and dropped and old.chains.get("FORWARD", "ACCEPT") == "ACCEPT":
            yield [*run, "-P", "FORWARD", "ACCEPT"]
