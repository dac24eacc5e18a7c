"""The machines of vagrant/, whatever makes them: tests/machines or tests/kernels.

All is real there: the master, ZooKeeper, the framework and the proxy on one machine, and agents on
two others. What is missing is added for as long as it is measured: a service at all addresses of
the agent, a metadata service, and the internet, which is an address of the master's machine.
"""

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from tests.reach import expected
from tests.reach.matrix import Findings
from tests.reach.measure import Bridge, Site, Target, at_gateways, listening, measure

OnMachine = Callable[[str], str]
"""Runs a shell command on a machine as root, and returns what it prints."""

_INTERNET, _METADATA = "198.51.100.1", "169.254.169.254"
_SERVICE = 9999
_PLACES = {
    expected.MASTER: ("master", 5050),
    expected.ZOOKEEPER: ("master", 2181),
    expected.FRAMEWORK: ("master", 8090),
    expected.PROXY: ("master", 80),
    expected.AGENT: ("agent-1", 5051),
    expected.OTHER_AGENT: ("agent-2", 5051),
}


def find_who_reaches_what(
    machines: Mapping[str, OnMachine],
    addresses: Mapping[str, str],
    prevs: Callable[..., str],
    publish: Callable[[str, Path], str],
    folder: Path,
    report: Callable[[str], None] = print,
) -> Findings:
    """Measure it on agent-1. `machines` and `addresses` are those of master, agent-1, agent-2."""
    agent, master = machines["agent-1"], machines["master"]
    has_ipv6 = agent("test -e /proc/net/if_inet6 && echo yes || true").strip() == "yes"

    def targets(bridges: Sequence[Bridge]) -> Sequence[Target]:
        found = _targets(addresses, bridges)
        return [one for one in found if has_ipv6 or one.way.how != "IPv6"]

    site = Site(prevs, agent, publish, targets, constraint="machine=agent-1")
    with (
        _address(master, _INTERNET),
        _address(agent, _METADATA),
        _route(agent, addresses["master"]),
        listening(master, _SERVICE),
        listening(agent, _SERVICE),
    ):
        return measure(site, folder, report)


def _targets(addresses: Mapping[str, str], bridges: Sequence[Bridge]) -> Iterator[Target]:
    yield Target(expected.INTERNET, "connect", _INTERNET, _SERVICE)
    yield Target(expected.METADATA, "connect", _METADATA, _SERVICE)
    yield Target(expected.LOOPBACK, "connect", "127.0.0.1", _SERVICE)
    yield Target(expected.LOOPBACK_6, "connect", "::1", _SERVICE)
    yield from at_gateways((expected.GATEWAY, expected.GATEWAY_6), bridges, _SERVICE)
    yield Target(expected.GATEWAY, "connect", addresses["agent-1"], _SERVICE)
    yield Target(expected.DOCKER_SOCKET, "socket", "/var/run/docker.sock")
    for way, (machine, port) in _PLACES.items():
        yield Target(way, "connect", addresses[machine], port)


@contextlib.contextmanager
def _address(machine: OnMachine, address: str) -> Iterator[None]:
    machine(f"ip address add {address}/32 dev lo")
    try:
        yield
    finally:
        machine(f"ip address delete {address}/32 dev lo")


@contextlib.contextmanager
def _route(machine: OnMachine, by: str) -> Iterator[None]:
    machine(f"ip route add {_INTERNET}/32 via {by}")
    try:
        yield
    finally:
        machine(f"ip route delete {_INTERNET}/32 via {by}")
