"""Closes the docker daemon's own connections, with which it fetches images and what builds ADD.

The rules are in executor/limits/daemon_firewall.py. What an operator has named stays open, wherever
it is: the registry of previews, registries with a login in the executors' settings of Docker, and
the daemon's own mirrors, proxies and insecure registries.
"""

from __future__ import annotations

import contextlib
import functools
import json
import socket
from collections.abc import Iterable, Iterator, Mapping, Sequence
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Optional
from urllib.parse import urlsplit

from executor.docker.daemon import Daemon
from executor.docker.daemon_group import NoGroup, find_group
from executor.docker.docker_settings import find_settings
from executor.limits import daemon_firewall
from executor.limits.confinement import Confinement
from executor.limits.daemon_firewall import DaemonGroup, DaemonZone, Endpoint, Refusal
from executor.network.iptables import change_table

_HUB = ("docker.io", "index.docker.io", "registry-1.docker.io")
_OPEN = "Docker itself connects wherever a registry sends it"
_DEFAULT = "bridge"
_PORTS = {"http": 80, "https": 443}
_RESOLVERS = (Path("/etc/resolv.conf"), Path("/run/systemd/resolve/resolv.conf"))
_IPV6 = Path("/proc/net/if_inet6")
"""The machine's IPv6 addresses: there is none if it has no IPv6, and no rule is needed then."""


class Outbound:
    """The connections of one daemon. `registry` is the address of the previews' registry, or ""."""

    def __init__(
        self,
        daemon: Daemon,
        environ: Mapping[str, str],
        confined: Confinement,
        registry: str = "",
    ) -> None:
        self._daemon = daemon
        self._environ = environ
        self._confined = confined
        self._registry = registry
        self._opened: Sequence[Endpoint] | None = None

    def close(self) -> Optional[str]:
        """Set the rules unless they are set; return why they could not be, or None.

        Blocks for some milliseconds, and while names of registries are resolved. Raises APIError,
        DockerUnavailable, and what docker-py raises if the daemon is away.
        """
        info = self._daemon.info()
        if str((info.get("Swarm") or {}).get("LocalNodeState") or "inactive") != "inactive":
            return f"{_OPEN}: it is in a swarm, whose machines it must reach"
        try:
            group = find_group(self._daemon.host)
        except NoGroup as exc:
            return f"{_OPEN}: {exc}"
        zone = self._zone(group, self._find_opened(info))
        for program, version in _find_programs():
            decide = functools.partial(daemon_firewall.change, zone=zone, version=version)
            if problem := change_table(program, daemon_firewall.TABLE, decide):
                return f"{_OPEN}: {problem}"
        self._opened = zone.opened
        return None

    def _zone(self, group: DaemonGroup, opened: Sequence[Endpoint]) -> DaemonZone:
        confined = self._confined
        bridges = dict(_bridges(self._daemon.client().networks()))
        return DaemonZone(
            bridges.get(_DEFAULT, "docker"),
            group,
            daemon_firewall.choose_bridges(bridges.values(), _links()),
            nameservers=_nameservers(),
            opened=opened,
            denied=confined.denied,
            allowed=confined.allowed,
            control_plane=confined.control_plane,
        )

    def explain(self, error: str) -> Optional[Refusal]:
        """Return what the rules refused, by docker's error; None if it is not that.

        What is before the error may name the image.
        """
        if self._opened is None:
            return None
        end = daemon_firewall.find_closed(error, self._confined)
        return None if end is None or end in self._opened else daemon_firewall.describe(error, end)

    def _find_opened(self, info: Mapping[str, Any]) -> Sequence[Endpoint]:
        """Return where the hosts are that the operator has named, as far as they are closed."""
        named = [*_of_daemon(info), *_of_logins(self._environ)]
        if self._registry:
            named.append(self._registry)
        ends = (end for one in dict.fromkeys(named) for end in _read_ends(one))
        found = dict.fromkeys(
            Endpoint(address, port) for host, port in ends for address in _resolve(host, port)
        )
        return [one for one in found if self._is_closed(one.address)]

    def _is_closed(self, address: str) -> bool:
        """Return whether the rules would close an address: public ones come and go with a name."""
        return daemon_firewall.is_closed(address, self._confined) or _is_own(address)


def _bridges(networks: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    for network in networks:
        if network.get("Driver") == "bridge":
            named = (network.get("Options") or {}).get("com.docker.network.bridge.name")
            yield str(network["Name"]), str(named or f"br-{network['Id'][:12]}")


def _of_daemon(info: Mapping[str, Any]) -> Iterator[str]:
    """Yield what the daemon's operator has named in its settings (moby, api/types/system)."""
    registries = info.get("RegistryConfig") or {}
    yield from map(str, registries.get("Mirrors") or ())
    for name, index in (registries.get("IndexConfigs") or {}).items():
        yield from map(str, (index or {}).get("Mirrors") or ())
        if not (index or {}).get("Secure", True):
            yield str(name)
            yield f"http://{name}"
    yield from (str(info[key]) for key in ("HttpProxy", "HttpsProxy") if info.get(key))


def _of_logins(environ: Mapping[str, str]) -> Iterator[str]:
    """Yield the registries to which the executors' user has a login."""
    with contextlib.suppress(OSError, ValueError):
        settings = json.loads(find_settings(environ).read_text())
        for key in ("auths", "credHelpers"):
            logins = settings.get(key) if isinstance(settings, dict) else None
            yield from logins if isinstance(logins, dict) else ()


def _read_ends(named: str) -> Iterator[tuple[str, int]]:
    """Yield host and port of a registry, a mirror or a proxy; nothing if it is malformed."""
    with contextlib.suppress(ValueError):
        url = urlsplit(named if "://" in named else f"https://{named}")
        if url.hostname and url.hostname not in _HUB:
            yield url.hostname, url.port or _PORTS.get(url.scheme, 443)


def _resolve(host: str, port: int) -> Iterator[str]:
    with contextlib.suppress(OSError, UnicodeError):
        for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
            yield str(entry[4][0]).partition("%")[0]


def _is_own(address: str) -> bool:
    """Return whether an address is this machine's. Sends nothing."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_STREAM) as tried:
        tried.bind((address, 0))
        return True
    return False


def _nameservers() -> Sequence[str]:
    """Return the machine's nameservers, which Go asks by TCP too; loopback ones among them."""
    found = []
    for file in _RESOLVERS:
        with contextlib.suppress(OSError):
            for line in file.read_text(errors="replace").splitlines():
                words = line.split()
                if len(words) > 1 and words[0] == "nameserver":
                    with contextlib.suppress(ValueError):
                        found.append(str(ip_address(words[1])))
    return list(dict.fromkeys(found))


def _links() -> set[str]:
    return {name for _, name in socket.if_nameindex()}


def _find_programs() -> Iterator[tuple[str, int]]:
    """Yield what sets the rules of each version of IP that this machine has."""
    yield "iptables", 4
    with contextlib.suppress(OSError):
        if _IPV6.read_text().strip():
            yield "ip6tables", 6
