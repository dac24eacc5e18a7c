"""The network of this agent's previews, and its firewall.

All previews of an agent share one bridge (docs/decisions/0037-isolation.md). A network for each
would take longer than a warm start, and a daemon has addresses for only about 30. The firewall's
rules are in executor/limits/firewall.py.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Optional

from docker.api import APIClient
from docker.errors import APIError, NotFound

from executor.limits import firewall
from executor.limits.confinement import Confinement
from executor.limits.firewall import FirewallZone
from executor.network.iptables import Close, close

_UNCONFINED = Confinement()
_DEFAULT = "bridge"
"""Docker's default network, which RUN steps of builds use."""

_IPV6 = Path("/proc/sys/net/ipv6/conf")
_RESOLVERS = (Path("/etc/resolv.conf"), Path("/run/systemd/resolve/resolv.conf"))


class PreviewNetwork:
    """The network of one installation's previews at one daemon, with the rules of `confined`.

    Containers in it are confined in the same way. `close` sets the rules.
    """

    def __init__(
        self, cluster: Optional[str], confined: Confinement = _UNCONFINED, close: Close = close
    ) -> None:
        self._cluster = cluster
        self.confined = confined
        self._close_zones = close
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
        # Steps may send frames of their own making, so they speak IPv6 to a bridge that does.
        return self._close(networks, ipv6=any(map(_speaks_ipv6, networks)))

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

    def _close(self, networks: Sequence[Mapping[str, Any]], *, ipv6: bool = False) -> Optional[str]:
        ipv6 = ipv6 or any(network.get("EnableIPv6") for network in networks)
        return self._close_zones(list(map(self._zone, networks)), ipv6=ipv6)

    def _zone(self, network: Mapping[str, Any]) -> FirewallZone:
        pools = (network.get("IPAM") or {}).get("Config") or []
        return FirewallZone(
            bridge=_bridge(network),
            subnets=[ip_network(pool["Subnet"]) for pool in pools if pool.get("Subnet")],
            nameservers=_nameservers(),
            denied=self.confined.denied,
            allowed=self.confined.allowed,
            control_plane=self.confined.control_plane,
            # RUN steps visit nobody, and nobody visits them.
            proxy=self.confined.proxy if network["Name"] == self.name else None,
            ingress=self.confined.ingress if network["Name"] == self.name else None,
        )


def _bridge(network: Mapping[str, Any]) -> str:
    named = (network.get("Options") or {}).get("com.docker.network.bridge.name")
    return str(named or f"br-{network['Id'][:12]}")


def _speaks_ipv6(network: Mapping[str, Any]) -> bool:
    """Return whether the agent has an IPv6 address at the network's bridge, be it link-local."""
    try:
        return (_IPV6 / _bridge(network) / "disable_ipv6").read_text().strip() == "0"
    except OSError:  # the kernel has no IPv6
        return False


def _nameservers() -> list[str]:
    found: list[str] = []
    for file in _RESOLVERS:
        try:
            found += firewall.read_nameservers(file.read_text(errors="replace"))
        except OSError:
            continue
    return found
