"""The network of this agent's previews, and its firewall.

All previews of an agent share one bridge (docs/decisions/0037-isolation.md). A network for each
would take longer than a warm start, and a daemon has addresses for only about 30. The firewall's
rules are in executor/limits/firewall.py. To set them, the executor has to be root, or to have a
sudo for iptables without a password, and to be in dockerd's network namespace.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Optional

from docker.api import APIClient
from docker.errors import APIError, NotFound

from executor.limits import firewall
from executor.limits.confinement import Confinement
from executor.limits.firewall import FirewallZone

_SYSTEM = "/usr/sbin:/sbin"
_LIMIT = 20.0
_DEFAULT = "bridge"
"""Docker's default network, which RUN steps of builds use."""

_BRIDGES = Path("/proc/sys/net/bridge")
_RESOLVERS = (Path("/etc/resolv.conf"), Path("/run/systemd/resolve/resolv.conf"))


class _IptablesFailed(Exception):
    """An iptables command failed; str() is the reason."""


class PreviewNetwork:
    """The network of one installation's previews at one daemon, with the rules of `confined`."""

    def __init__(self, cluster: Optional[str], confined: Confinement) -> None:
        self._cluster = cluster
        self._confined = confined
        self.name = f"prevs-{cluster}" if cluster else "prevs"

    def ensure(self, client: APIClient) -> Optional[str]:
        """Create the network if it is missing and set its rules; return why it stays open, or None.

        Raises APIError, and what docker-py raises if the daemon is away.
        """
        return self._close([self._have(client)])

    def ensure_builds(self, client: APIClient) -> Optional[str]:
        """Do the same as ensure(), and set the rules for Docker's default network too.

        The rules then hold for all containers there, not only for builds.
        """
        # Every Docker has a docker0. But the previews' bridge has a name of its own: if that is
        # here, this docker0 belongs to the same Docker.
        networks = [self._have(client)]
        with contextlib.suppress(NotFound):  # with --bridge=none steps have no network
            networks.append(client.inspect_network(_DEFAULT))
        return self._close(networks)

    def _have(self, client: APIClient) -> Any:
        try:
            return client.inspect_network(self.name)
        except NotFound:
            self._create(client)
            return client.inspect_network(self.name)

    def _create(self, client: APIClient) -> None:
        labels = {"prevs.network": "previews"}
        if self._cluster:
            labels["prevs.cluster"] = self._cluster
        try:
            client.create_network(
                self.name,
                driver="bridge",
                options={"com.docker.network.bridge.enable_icc": "false"},
                labels=labels,
                check_duplicate=True,
            )
        except APIError as exc:
            # 409: another attempt made it in the meantime.
            if exc.status_code != 409:
                raise

    def _close(self, networks: Sequence[Mapping[str, Any]]) -> Optional[str]:
        ipv6 = any(network.get("EnableIPv6") for network in networks)
        return close(list(map(self._zone, networks)), ipv6=ipv6)

    def _zone(self, network: Mapping[str, Any]) -> FirewallZone:
        named = (network.get("Options") or {}).get("com.docker.network.bridge.name")
        pools = (network.get("IPAM") or {}).get("Config") or []
        return FirewallZone(
            bridge=named or f"br-{network['Id'][:12]}",
            subnets=[ip_network(pool["Subnet"]) for pool in pools if pool.get("Subnet")],
            nameservers=_nameservers(),
            denied=self._confined.denied,
            allowed=self._confined.allowed,
            control_plane=self._confined.control_plane,
            # RUN steps visit nobody.
            proxy=self._confined.proxy if network["Name"] == self.name else None,
        )


def close(networks: Sequence[FirewallZone], *, ipv6: bool) -> Optional[str]:
    """Set the rules of networks unless they are set; return why they could not be, or None.

    Several calls may run at the same time. Blocks for some milliseconds.
    """
    links = _links()
    for zone in networks:
        if zone.bridge not in links:
            return (
                f"the network of Docker's containers ({zone.bridge}) is not this executor's: "
                "Docker is on another machine, or in a network namespace of its own"
            )
    try:
        with _alone():
            _set("iptables", networks, 4)
            if ipv6:
                _set("ip6tables", networks, 6)
    except _IptablesFailed as exc:
        return f"{exc} (this needs iptables, and root or a sudo without a password)"
    return find_bridge_problem(ipv6=ipv6)


def find_rules_problem() -> Optional[str]:
    """Return why rules would not keep previews apart here, None if they do. Changes nothing."""
    try:
        _run(["iptables", "-w", "-t", firewall.TABLE, "-S"])
    except _IptablesFailed as exc:
        return str(exc)
    return find_bridge_problem()


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
    listed = _run([program, "-w", "-t", firewall.TABLE, "-S"])
    open_ones = [one for one in networks if not firewall.is_set(listed, one, version)]
    if not open_ones:
        return
    restore = [f"{program}-restore", "-w", "--noflush"]
    _run(restore, "".join(firewall.restore(listed, one, version) for one in open_ones))
    for bridge in firewall.stale(listed, _links()):
        _run(restore, firewall.remove(listed, bridge))


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """Lock the rules of this network namespace against other executors."""
    with Path("/proc/self/ns/net").open("rb") as namespace:
        fcntl.flock(namespace, fcntl.LOCK_EX)
        yield


def _run(command: Sequence[str], rules: str = "") -> str:
    """Return the output of iptables: called directly, or by sudo. Raises _IptablesFailed."""
    try:
        return _execute(command, rules)
    except _IptablesFailed:
        if os.geteuid() == 0:
            raise
    return _execute(["sudo", "-n", *command], rules)


def _execute(command: Sequence[str], rules: str) -> str:
    try:
        done = subprocess.run(
            command,
            input=rules,
            env={**os.environ, "PATH": f"{os.environ.get('PATH', '')}:{_SYSTEM}"},
            capture_output=True,
            text=True,
            check=False,
            timeout=_LIMIT,
        )
    except (OSError, subprocess.TimeoutExpired) as exc:
        raise _IptablesFailed(f"{command[0]} cannot be used: {exc}") from exc
    if done.returncode != 0:
        why = (done.stderr.strip().splitlines() or ["it gave no reason"])[0]
        raise _IptablesFailed(f"{command[0]} refused: {why}")
    return done.stdout


def _links() -> set[str]:
    return {name for _, name in socket.if_nameindex()}


def _nameservers() -> list[str]:
    found: list[str] = []
    for file in _RESOLVERS:
        try:
            found += firewall.read_nameservers(file.read_text(errors="replace"))
        except OSError:
            continue
    return found
