"""The network of this agent's previews, and its firewall.

All previews of an agent share one bridge (docs/decisions/0037-isolation.md). A network for each
would take longer than a warm start, and a daemon has addresses for only about 30. But a preview
whose containers have an address each has a bridge of its own, with a small subnet that is chosen
here (docs/decisions/0138-own-networks.md). The firewall's rules are in executor/limits/firewall.py.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Mapping, Sequence
from ipaddress import IPv4Network, ip_network
from pathlib import Path
from typing import Any, NamedTuple, Optional

from docker.api import APIClient
from docker.errors import APIError, NotFound
from docker.types import IPAMConfig, IPAMPool

from executor.limits import firewall
from executor.limits.confinement import Confinement
from executor.limits.firewall import FirewallZone
from executor.network.iptables import Close, close
from program.networks.reserved import Network

_UNCONFINED = Confinement()
_DEFAULT = "bridge"
"""Docker's default network, which RUN steps of builds use."""

_OWN = IPv4Network("10.213.0.0/16")
_OWN_PREFIX = 27
"""A preview has at most ten containers; 2,048 networks fit."""

_TRIES = 64
"""Subnets in a row that may be taken."""

_IPV6 = Path("/proc/sys/net/ipv6/conf")
_RESOLVERS = (Path("/etc/resolv.conf"), Path("/run/systemd/resolve/resolv.conf"))


class OwnNetwork(NamedTuple):
    """The network of one attempt alone; by the `labels` a reaper finds it."""

    name: str
    labels: Mapping[str, str]


class PreviewNetwork:
    """The network of one installation's previews at one daemon, with the rules of `confined`.

    Containers in it are confined in the same way. `close` sets the rules. With `own` it is that of
    one attempt, whose containers reach each other.
    """

    def __init__(
        self,
        cluster: Optional[str],
        confined: Confinement = _UNCONFINED,
        close: Close = close,
        own: Optional[OwnNetwork] = None,
    ) -> None:
        self._own = own
        self._cluster = cluster
        self.confined = confined
        self._close_zones = close
        self.name = own.name if own else f"prevs-{cluster}" if cluster else "prevs"

    def ensure(self, client: APIClient) -> Optional[str]:
        """Create the network if it is missing and set its rules; return why it stays open, or None.

        Raises APIError, and what docker-py raises if the daemon is away.
        """
        return self._close([self._have(client)])

    def remove(self, client: APIClient) -> None:
        """Remove the network of an attempt, whose containers are gone. Raises APIError."""
        with contextlib.suppress(NotFound):
            client.remove_network(self.name)

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
        labels = {"prevs.network": "previews", **(self._own.labels if self._own else {})}
        if self._cluster:
            labels["prevs.cluster"] = self._cluster
        if self._own:
            self._create_own(client, labels)
            return
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

    def _find_own(self) -> Sequence[Network]:
        """Return the networks of attempts, if the operator allows what they are in."""
        return [_OWN] if any(_OWN.overlaps(one) for one in self.confined.allowed) else []

    def _create_own(self, client: APIClient, labels: Mapping[str, str]) -> None:
        """Create it with the first subnet that is free, from a place on that its name gives."""
        first = int(hashlib.sha256(self.name.encode()).hexdigest()[:8], 16)
        for number in range(first, first + _TRIES):
            pool = IPAMPool(subnet=str(find_subnet(number)))
            try:
                client.create_network(
                    self.name,
                    driver="bridge",
                    ipam=IPAMConfig(pool_configs=[pool]),
                    labels=dict(labels),
                    check_duplicate=True,
                )
            except APIError as exc:
                if exc.status_code == 409:
                    return
                # Docker has no code of its own for that.
                if "overlaps" not in str(exc.explanation) or number == first + _TRIES - 1:
                    raise
            else:
                return

    def _close(self, networks: Sequence[Mapping[str, Any]], *, ipv6: bool = False) -> Optional[str]:
        ipv6 = ipv6 or any(network.get("EnableIPv6") for network in networks)
        return self._close_zones(list(map(self._zone, networks)), ipv6=ipv6)

    def _zone(self, network: Mapping[str, Any]) -> FirewallZone:
        pools = (network.get("IPAM") or {}).get("Config") or []
        return FirewallZone(
            bridge=_bridge(network),
            subnets=[ip_network(pool["Subnet"]) for pool in pools if pool.get("Subnet")],
            nameservers=_nameservers(),
            denied=[*self.confined.denied, *self._find_own()],
            allowed=self.confined.allowed,
            control_plane=self.confined.control_plane,
            # RUN steps visit nobody, and nobody visits them.
            proxy=self.confined.proxy if network["Name"] == self.name else None,
            ingress=self.confined.ingress if network["Name"] == self.name else None,
            together=self._own is not None and network["Name"] == self.name,
        )


def find_subnet(number: int) -> IPv4Network:
    """Return one of the subnets of networks of attempts; they begin again after the last."""
    count = 1 << (_OWN_PREFIX - _OWN.prefixlen)
    at = int(_OWN.network_address) + ((number % count) << (32 - _OWN_PREFIX))
    return IPv4Network((at, _OWN_PREFIX))


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
