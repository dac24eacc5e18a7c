"""A cluster's containers and networks, by Docker's API, and the part that removes them."""

import contextlib
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import docker
import docker.errors
import requests

from local.docker import daemon, firewall
from local.errors import LocalError

LABEL = "prevs.cluster"
"""The label that executors put on what they create; its value is their PREVS_CLUSTER."""

_NETWORK = "prevs.network"
"""The label of their networks."""

_FAILURES = (docker.errors.DockerException, requests.RequestException)


def answers(host: str) -> bool:
    """Return whether a dockerd that this user may use answers there within 2 s."""
    if host.startswith("unix://") and not Path(host.removeprefix("unix://")).exists():
        return False
    try:
        with contextlib.closing(docker.DockerClient(base_url=host, timeout=2)) as client:
            return bool(client.ping())
    except _FAILURES:
        return False


def default_bridge(host: str) -> str | None:
    """Return the interface of Docker's default network; None if it has none or does not answer."""
    try:
        with contextlib.closing(docker.DockerClient(base_url=host, timeout=2)) as client:
            options = client.api.inspect_network("bridge")["Options"]
    except _FAILURES:
        return None
    return str(options.get("com.docker.network.bridge.name") or "") or None


def default_gateway(host: str) -> str | None:
    """Return the address of Docker's default network at which containers reach this machine.

    None if there is none, or if that Docker is on another machine. Blocks for 2 s at most.
    """
    try:
        with contextlib.closing(docker.DockerClient(base_url=host, timeout=2)) as client:
            pools = client.api.inspect_network("bridge")["IPAM"]["Config"] or ()
    except _FAILURES:
        return None
    found = (str(pool.get("Gateway") or "") for pool in pools)
    return next((one for one in found if one and ":" not in one and _is_here(one)), None)


def _is_here(address: str) -> bool:
    with socket.socket() as tried, contextlib.suppress(OSError):
        tried.bind((address, 0))
        return True
    return False


def remove_all(host: str, cluster: str) -> list[str]:
    """Remove a cluster's containers and networks; return the failures, each with its reason."""
    failed = []
    try:
        with contextlib.closing(docker.DockerClient(base_url=host, timeout=30)) as client:
            found: list[Any] = client.containers.list(all=True, filters=_of(cluster))
            for container in found:
                failed += _remove(container, f"container {container.name}", v=True, force=True)
            for network in client.networks.list(filters=_of(cluster)):
                failed += _remove(network, f"network {network.name}")
                _remove_rules(f"br-{str(network.id)[:12]}")
            # Builds of other clusters may still need the rules for Docker's default network.
            if not client.networks.list(filters={"label": _NETWORK}):
                _remove_rules(default_bridge(host))
    except _FAILURES as exc:
        failed.append(f"dockerd at {host}: {exc}")
    return failed


def _remove_rules(bridge: str | None) -> None:
    for command in firewall.removal_commands(bridge) if bridge else ():
        daemon.run_as_root(command)


def _of(cluster: str) -> dict[str, str | list[str] | bool]:
    return {"label": f"{LABEL}={cluster}"}


def _remove(thing: Any, name: str, **options: bool) -> list[str]:
    try:
        thing.remove(**options)
    except docker.errors.NotFound:
        return []
    except _FAILURES as exc:
        return [f"{name}: {exc}"]
    return []


class LeftoversPart:
    """A Part without a process: start and stop remove the cluster's containers and networks.

    So tasks leave nothing in Docker, before the agents start and after they end.
    """

    name = "leftovers"
    needs = ("dockerd",)
    advice = "Remove them by hand; `docker ps -a --filter label=prevs.cluster` lists them."
    address = ""
    pid = None

    def __init__(self, docker_host: Callable[[], str], cluster: str) -> None:
        self._docker_host = docker_host
        self._cluster = cluster

    def start(self) -> None:
        self._remove()

    def ready(self) -> bool:
        return True

    def problem(self) -> str | None:
        return None

    def last_words(self) -> str:
        return ""

    def give_up(self) -> None:
        return

    def stop(self) -> None:
        self._remove()

    def _remove(self) -> None:
        failed = remove_all(self._docker_host(), self._cluster)
        if failed:
            raise LocalError(self.name, "\n".join(failed), self.advice)
