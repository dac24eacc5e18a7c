"""Sets the rules of executor/limits: firewall.py's with iptables, frames.py's with ebtables.

For that, the executor has to be root, or to have a sudo for iptables without a password, and to be
in dockerd's network namespace.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Optional, Protocol

from executor.limits import firewall, frames, ingress
from executor.limits.firewall import FirewallZone
from executor.network import rule_commands
from executor.network.rule_commands import RulesRefused

_RECENTLY = 10.0
"""Seconds for which rules that were in force are taken to be so. They are not looked at again while
a preview runs, either."""

_BRIDGES = Path("/proc/sys/net/bridge")

_SAVE = ("ebtables-save", "-t", frames.TABLE)
_RESTORE = ("ebtables-restore", "--noflush")


class Close(Protocol):
    """Does what close() does."""

    def __call__(self, networks: Sequence[FirewallZone], *, ipv6: bool) -> Optional[str]: ...


class ClosedNetworks:
    """The networks whose rules were in force some seconds ago; others have to be closed.

    For an executor that starts one container after another; `now` is in seconds. One thread at a
    time calls it.
    """

    def __init__(self, now: Callable[[], float], close: Close) -> None:
        self._now = now
        self._close = close
        self._closed: tuple[Sequence[FirewallZone], bool] | None = None
        self._at = 0.0

    def close(self, networks: Sequence[FirewallZone], *, ipv6: bool) -> Optional[str]:
        """Do what close() does, but nothing for networks that were closed last."""
        began = self._now()
        if self._closed == (networks, ipv6) and began < self._at + _RECENTLY:
            return None
        problem = self._close(networks, ipv6=ipv6)
        self._closed = None if problem else (networks, ipv6)
        self._at = began
        return problem


def close(networks: Sequence[FirewallZone], *, ipv6: bool) -> Optional[str]:
    """Set the rules of networks unless they are set; return why they could not be, or None.

    Several calls may run at the same time. Blocks for some milliseconds.
    """
    links = rule_commands.list_links()
    for zone in networks:
        if zone.bridge not in links:
            return (
                f"the network of Docker's containers ({zone.bridge}) is not this executor's: "
                "Docker is on another machine, or in a network namespace of its own"
            )
    try:
        with rule_commands.alone():
            _set("iptables", networks, 4)
            if ipv6:
                _set("ip6tables", networks, 6)
            _separate(networks)
    except RulesRefused as exc:
        return f"{exc} (this needs iptables, ebtables, and root or a sudo without a password)"
    return find_bridge_problem(ipv6=ipv6)


def change_table(program: str, table: str, decide: Callable[[str], str]) -> Optional[str]:
    """Apply to a table what `decide` makes of its rules ("": nothing); return why not, or None.

    `decide` gets the output of -S, and returns the input of restore. Blocks for some milliseconds.
    """
    try:
        with rule_commands.alone():
            rules = decide(rule_commands.run([program, "-w", "-t", table, "-S"]))
            if rules:
                rule_commands.run([f"{program}-restore", "-w", "--noflush"], rules)
    except RulesRefused as exc:
        return f"{exc} (this needs iptables, and root or a sudo without a password)"
    return None


def find_rules_problem() -> Optional[str]:
    """Return why rules would not keep previews apart here, None if they do. Changes nothing."""
    if problem := find_table_problem(firewall.TABLE):
        return problem
    try:
        _look()
    except RulesRefused as exc:
        return str(exc)
    return find_bridge_problem()


def find_table_problem(table: str) -> Optional[str]:
    """Return why this user may not see the rules of a table, None if he may. Changes nothing."""
    try:
        rule_commands.run(["iptables", "-w", "-t", table, "-S"])
    except RulesRefused as exc:
        return str(exc)
    return None


def count_visitors() -> dict[str, Optional[int]]:
    """Return from how many places others may connect to each network of previews here.

    None if from everywhere. Empty without such a network, or if the rules may not be read.
    """
    try:
        listed = rule_commands.run(["iptables", "-w", "-t", firewall.TABLE, "-S"])
    except RulesRefused:
        return {}
    # Docker names the bridges of its networks so; others are those of builds.
    bridges = [one for one in firewall.find_bridges(listed) if one.startswith("br-")]
    links = rule_commands.list_links()
    return {one: ingress.count_visitors(listed, one) for one in bridges if one in links}


def find_bridge_problem(folder: Path = _BRIDGES, *, ipv6: bool = False) -> Optional[str]:
    """Return why packets between two containers of a bridge pass no rule, None if they do.

    They stay within one network, so the kernel passes them to iptables only if br_netfilter is on
    (kernel, Documentation/networking/ip-sysctl.rst, "/proc/sys/net/bridge").
    """
    for name in ("bridge-nf-call-iptables", *(["bridge-nf-call-ip6tables"] if ipv6 else [])):
        try:
            is_set = (folder / name).read_text().strip() == "1"
        except OSError:
            return (
                "traffic between containers on one bridge bypasses the rules: load the module "
                "br_netfilter"
            )
        if not is_set:
            return (
                "traffic between containers on one bridge bypasses the rules: set "
                f"net.bridge.{name}=1 (sysctl)"
            )
    return None


def _set(program: str, networks: Sequence[FirewallZone], version: int) -> None:
    listed = rule_commands.run([program, "-w", "-t", firewall.TABLE, "-S"])
    open_ones = [one for one in networks if not firewall.is_set(listed, one, version)]
    if not open_ones:
        return
    restore = [f"{program}-restore", "-w", "--noflush"]
    rule_commands.run(restore, "".join(firewall.restore(listed, one, version) for one in open_ones))
    for bridge in firewall.stale(listed, rule_commands.list_links()):
        rule_commands.run(restore, firewall.remove(listed, bridge))


def _separate(networks: Sequence[FirewallZone]) -> None:
    """Keep the containers of each network apart, unless they are. Raises RulesRefused.

    The caller keeps others from setting rules. Blocks for some milliseconds.
    """
    saved = rule_commands.run(_SAVE)
    apart = [one for one in networks if not one.together]
    open_ones = [one for one in apart if not frames.is_set(saved, one)]
    for zone in open_ones:
        try:
            rule_commands.run(_RESTORE, frames.restore(saved, zone, by_name=True))
        except RulesRefused:
            # Not every kernel can match the name of a bridge.
            rule_commands.run(_RESTORE, frames.restore(saved, zone, by_name=False))
    for bridge in frames.stale(saved, rule_commands.list_links()) if open_ones else ():
        rule_commands.run(_RESTORE, frames.remove(saved, bridge))


def _look() -> None:
    """Raise RulesRefused if this user may not read such rules. Changes nothing."""
    rule_commands.run(_SAVE)
