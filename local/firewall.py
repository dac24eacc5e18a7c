"""What dockerd changes in the machine's network, and how that is undone: pure functions.

dockerd leaves its bridges, its iptables chains, a FORWARD policy of DROP and forwarding switched
on. What was there before it started is not ours and stays.
"""

import re
import shlex
from collections.abc import Iterable, Mapping
from typing import NamedTuple

_BRIDGE = re.compile(r"docker0|br-[0-9a-f]{12}")
_CHAINS = ("DOCKER", "PREVS-")
"""How the names begin of chains of dockerd, and of executors for dockerd's bridges."""

_DOCKERS = re.compile(r"\bDOCKER[A-Z0-9-]*|\bdocker0\b|\bbr-[0-9a-f]{12}\b")


class Rules(NamedTuple):
    """What `iptables-save` says of one table: policies (or "-") by chain, and the rules."""

    chains: Mapping[str, str]
    rules: tuple[str, ...]


class Network(NamedTuple):
    """What may change: the texts of iptables-save and ip6tables-save, links, ip_forward."""

    ipv4: str = ""
    ipv6: str = ""
    links: tuple[str, ...] = ()
    forward: str = ""


def read_rules(saved: str) -> dict[str, Rules]:
    """Return the tables in the output of iptables-save."""
    tables: dict[str, Rules] = {}
    chains: dict[str, str] = {}
    rules: list[str] = []
    name = ""
    for line in saved.splitlines():
        if line.startswith("*"):
            name, chains, rules = line[1:], {}, []
        elif line.startswith(":"):
            chain, policy = line[1:].split()[:2]
            chains[chain] = policy
        elif line.startswith("-A"):
            rules.append(line)
        elif line == "COMMIT":
            tables[name] = Rules(chains, tuple(rules))
    return tables


def forget(bridge: str) -> list[list[str]]:
    """Return the commands that remove what executors have set for the bridge of a network."""
    chain = f"PREVS-{bridge}"
    return [
        [program, "-w", "-t", "mangle", *change]
        for program in ("iptables", "ip6tables")
        for change in (
            ["-D", "PREROUTING", "-i", bridge, "-j", chain],
            ["-F", chain],
            ["-X", chain],
        )
    ]


def undo(before: Network, after: Network) -> list[list[str]]:
    """Return the commands that bring `after` back to `before`, as far as dockerd changed it."""
    commands = [*_undo_rules("iptables", before.ipv4, after.ipv4)]
    commands += _undo_rules("ip6tables", before.ipv6, after.ipv6)
    commands += [["ip", "link", "delete", link] for link in _new_bridges(before, after)]
    if before.forward == "0" and after.forward == "1":
        commands.append(["sysctl", "-q", "-w", "net.ipv4.ip_forward=0"])
    return commands


def _new_bridges(before: Network, after: Network) -> Iterable[str]:
    return (x for x in after.links if x not in before.links and _BRIDGE.fullmatch(x))


def _undo_rules(program: str, before: str, after: str) -> Iterable[list[str]]:
    old_tables = read_rules(before)
    for table, new in read_rules(after).items():
        old = old_tables.get(table, Rules({}, ()))
        run = [program, "-w", "-t", table]
        for rule in new.rules:
            if rule not in old.rules and _DOCKERS.search(rule):
                yield [*run, "-D", *shlex.split(rule)[1:]]
        mine = [c for c in new.chains if c not in old.chains and c.startswith(_CHAINS)]
        yield from ([*run, "-F", chain] for chain in mine)
        yield from ([*run, "-X", chain] for chain in mine)
        if new.chains.get("FORWARD") == "DROP" and old.chains.get("FORWARD", "ACCEPT") == "ACCEPT":
            yield [*run, "-P", "FORWARD", "ACCEPT"]
