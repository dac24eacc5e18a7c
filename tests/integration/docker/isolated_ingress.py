"""Who reaches a preview of the agent of isolated_agent: from outside, and from the agent itself.

`unshare --net --mount python isolated_ingress.py FOLDER` prints its findings as JSON.
"""

import dataclasses
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from docker.api import APIClient

from executor.container.containers import DockerContainers
from executor.container.probe import ApplicationProbe
from executor.docker.daemon import Daemon
from executor.limits.confinement import Confinement
from executor.network.preview_network import PreviewNetwork
from executor.network.visitors import Agent, find_ingress
from executor.ports import PublishedPort
from executor.signals import StopSignal
from local.docker import containers as made_by
from prevs.messages import KnownProxies, ProxyAddress
from tests.fakes.attempts import MemoryLog
from tests.fakes.containers import RecordingGuard
from tests.fakes.samples import SERVE, SampleImages
from tests.integration.docker.isolated_agent import (
    AGENT,
    ALLOWED,
    CLUSTER,
    INTERNET,
    PORT,
    WITHIN,
    agent,
    run,
    spec,
)
from tests.unit.executor.attempt.test_attempt import ORDER
from tests.waits import wait_until

DAEMON, NOBODY = 1, 65534
"""Users of the agent: the local proxy's, and somebody else."""
SOURCE, LOCAL_PORT = "127.0.83.1", 31002
PROXY, LATER, HERE = INTERNET, ALLOWED, ProxyAddress(AGENT, DAEMON)

ASK = """
import socket, sys

host, port, source = sys.argv[1], int(sys.argv[2]), sys.argv[3]
try:
    with socket.create_connection((host, port), 1.5, (source, 0) if source else None) as sock:
        sock.sendall(b"GET / HTTP/1.0\\r\\n\\r\\n")
        print("reached" if b"hello" in sock.makefile("rb").read() else "empty")
except OSError as exc:
    print(exc)
"""


def reaches(
    to: tuple[str, int], source: str = "", *, user: int = 0, within: Sequence[str] = ()
) -> bool:
    """Return whether somebody gets the page of a preview."""
    less = ["setpriv", "--reuid", str(user), "--regid", str(user), "--clear-groups"]
    command = [*within, *(less if user else ()), sys.executable, "-c", ASK, to[0], str(to[1])]
    done = subprocess.run([*command, source], capture_output=True, text=True, check=True, cwd="/")
    return done.stdout.strip() == "reached"


class Preview:
    """Starts previews, whose network lets in whom a list of proxies names."""

    def __init__(self, host: str) -> None:
        self.daemon = Daemon({"DOCKER_HOST": host})
        self.client: APIClient = self.daemon.client()
        self.outside = ("nsenter", os.environ[WITHIN])

    def network(self, host: str, since: int, *proxies: ProxyAddress) -> PreviewNetwork:
        """Return the network of previews of an agent with that address."""
        order = dataclasses.replace(ORDER, host=host)
        ports = [(31000, 31999)]
        ingress = find_ingress(order, KnownProxies(since, proxies), Agent(ports))
        return PreviewNetwork(CLUSTER, Confinement(ingress=ingress))

    def admit(self, host: str, since: int, *proxies: ProxyAddress) -> None:
        """Let in other proxies, as a message of the framework does."""
        assert self.network(host, since, *proxies).ensure(self.client) is None

    def start(self, name: str, at: PublishedPort, network: PreviewNetwork) -> str:
        """Start a preview at an address of the agent; return its own address."""
        log = MemoryLog()
        containers = DockerContainers(self.daemon, network, log, RecordingGuard())
        wanted = dataclasses.replace(spec(name, 0), ports=(at,))
        containers.start(wanted, on_exit=lambda: None)
        assert log.headers == [], log.headers
        networks = self.client.inspect_container(wanted.name)["NetworkSettings"]["Networks"]
        [own] = networks.values()
        return str(own["IPAddress"])

    def look(self, own: str) -> Mapping[str, bool]:
        """Return who reaches a preview at the agent's address, and at its own."""
        near, direct = (AGENT, PORT), (own, 8080)
        within = self.outside
        return {
            "the proxy": reaches(near, PROXY, within=within),
            "another address": reaches(near, LATER, within=within),
            "another address, directly": reaches(direct, LATER, within=within),
            "the agent's root": reaches(near),
            "the local proxy": reaches(near, user=DAEMON),
            "another user": reaches(near, user=NOBODY),
            "another user, directly": reaches(direct, user=NOBODY),
        }


def on_a_cluster(preview: Preview) -> Mapping[str, object]:
    """Return who reaches a preview at an address of the network, while proxies come and go."""
    network = preview.network(AGENT, 1, ProxyAddress(PROXY, 7))
    own = preview.start("server", PublishedPort(8080, AGENT, PORT), network)
    run(*preview.outside, "ip", "route", "add", f"{own}/32", "via", AGENT)
    wait_until(lambda: reaches((AGENT, PORT)))
    found: dict[str, object] = {"at first": preview.look(own)}
    preview.admit(AGENT, 2, ProxyAddress(PROXY, 7), ProxyAddress(LATER), HERE)
    found["added"] = preview.look(own)
    preview.admit(AGENT, 1, ProxyAddress(PROXY, 7))
    found["after an older list"] = preview.look(own)
    preview.admit(AGENT, 3, ProxyAddress(PROXY, 7))
    found["removed"] = preview.look(own)
    run("iptables", "-t", "mangle", "-F")
    found["without rules"] = preview.look(own)
    preview.admit(AGENT, 3, ProxyAddress(PROXY, 7))
    found["set again"] = preview.look(own)
    return found


def on_one_machine(preview: Preview) -> Mapping[str, bool]:
    """Return who reaches a preview at a loopback address."""
    network = preview.network("127.0.0.1", 4, ProxyAddress(SOURCE, DAEMON))
    at = ("127.0.0.1", LOCAL_PORT)
    own = preview.start("local", PublishedPort(8080, *at), network)
    probe = ApplicationProbe(at, "/", "", signals=StopSignal())
    wait_until(lambda: probe.check().status == 200)
    return {
        "the proxy": reaches(at, SOURCE, user=DAEMON),
        "the proxy's user in a browser": reaches(at, user=DAEMON),
        "another user": reaches(at, user=NOBODY),
        "another user from the proxy's address": reaches(at, SOURCE, user=NOBODY),
        "root": reaches(at),
        "another user, directly": reaches((own, 8080), user=NOBODY),
        "the proxy's user, directly": reaches((own, 8080), user=DAEMON),
    }


def main() -> None:
    """Print the findings."""
    folder = Path(sys.argv[1])
    with agent(folder) as host:
        before = run("iptables", "-t", "mangle", "-S")
        preview = Preview(host)
        SampleImages(preview.client).add("prevs-test/isolated:1", SERVE)
        found: dict[str, object] = {
            "cluster": on_a_cluster(preview),
            "one machine": on_one_machine(preview),
        }
        found["left"] = made_by.remove_all(host, CLUSTER)
        found["as before"] = run("iptables", "-t", "mangle", "-S") == before
    print(json.dumps(found))


if __name__ == "__main__":
    main()
