"""Containers that share a network on the agent of isolated_agent.py: a preview with a companion,
and a job in the network that jobs share. What they reach, and who reaches them.
"""

import dataclasses
import os
from collections.abc import Mapping
from ipaddress import ip_network

from docker.api import APIClient

from executor.container.containers import DockerContainers
from executor.docker.daemon import Daemon
from executor.limits.ingress import Ingress, Visitor
from executor.network.preview_network import OwnNetwork, PreviewNetwork
from executor.workspace.shared_network import SharedNetwork
from local.docker import containers as made_by
from tests.fakes.attempts import MemoryLog
from tests.fakes.containers import RecordingGuard
from tests.integration.docker.isolated_agent import (
    AGENT,
    CLUSTER,
    CONFINED,
    INTERNET,
    PORT,
    WITHIN,
    look,
    reach,
    spec,
    visits,
)
from tests.waits import wait_until

_JOINED, _DATABASE, _OWN = 31002, 5432, 31003


def examine(host: str) -> Mapping[str, object]:
    """Start an application that joins its companion's network, and a neighbour; look around.

    The companion listens too, as a database does.
    """
    daemon, guard = Daemon({"DOCKER_HOST": host}), RecordingGuard()
    network = PreviewNetwork(CLUSTER, CONFINED)
    containers = DockerContainers(daemon, network, MemoryLog(), guard)
    shared = SharedNetwork(daemon, guard)
    jobs = DockerContainers(daemon, network, MemoryLog(), guard, shared=shared)
    listens = ("/bin/sh", "-c", f"exec httpd -f -p {_DATABASE} -h /www")
    owner = dataclasses.replace(spec("companion", _JOINED), hosts=("db",), command=listens)
    beside = dataclasses.replace(spec("application", 0), joins=owner.name)
    # Only the agent itself and a proxy elsewhere may visit them, and they each other.
    named = CONFINED._replace(ingress=Ingress(1, [Visitor(ip_network(f"{INTERNET}/32"))]))
    own = PreviewNetwork(CLUSTER, named, own=OwnNetwork("prevs-own-isolated", {}))
    apart = DockerContainers(daemon, own, MemoryLog(), guard)
    for one in (spec("server", PORT), spec("client", 0), owner, beside):
        containers.start(one, on_exit=lambda: None)
    for one in (spec("web", _OWN), spec("api", 0)):
        alias = one.name.rpartition("-")[2]
        apart.start(dataclasses.replace(one, aliases=(alias,)), on_exit=lambda: None)
    jobs.start(spec("job", 0), on_exit=lambda: None)
    wait_until(lambda: visits(f"http://{AGENT}:{_JOINED}/"))
    wait_until(lambda: visits(f"http://{AGENT}:{_OWN}/"))
    try:
        return _look(daemon.client())
    finally:
        made_by.remove_all(host, CLUSTER)


def _look(client: APIClient) -> Mapping[str, object]:
    networks = client.inspect_container(f"prevs-{CLUSTER}-companion")["NetworkSettings"]["Networks"]
    [address] = [network["IPAddress"] for network in networks.values()]
    both = ("application", "companion")
    shared = client.inspect_container(f"prevs-{CLUSTER}-job-network")["NetworkSettings"]["Networks"]
    [of_job] = [network["IPAddress"] for network in shared.values()]
    urls = {
        "its published port": f"http://{AGENT}:{_JOINED}/",
        "its own port": f"http://{address}:8080/",
        "its database": f"http://{address}:{_DATABASE}/",
        "its database by name": f"http://db:{_DATABASE}/",
    }
    outside = ("nsenter", os.environ[WITHIN])
    return {
        **{who: look(client, who) for who in (*both, "job", "web", "api")},
        "apart": _look_apart(client),
        "by name": {
            who: reach(client, {"db": f"http://db:{_DATABASE}/"}, who)["db"] for who in both
        },
        "visits": {
            "loopback": visits(f"http://127.0.0.1:{_JOINED}/"),
            "the agent": visits(f"http://{AGENT}:{_JOINED}/"),
            "outside": visits(f"http://{AGENT}:{_JOINED}/", outside),
        },
        "by a neighbour": reach(client, {**urls, "a job": f"http://{of_job}:8080/"}),
        "a job reaches itself": reach(client, {"it": f"http://{of_job}:8080/"}, "job")["it"],
        "the neighbour reaches the internet": reach(client, {"it": f"http://{INTERNET}/"})["it"],
    }


def _look_apart(client: APIClient) -> Mapping[str, object]:
    """Return what containers with an address each do to each other, and others to them."""
    at = {}
    for who in ("web", "api", "client"):
        found = client.inspect_container(f"prevs-{CLUSTER}-{who}")["NetworkSettings"]["Networks"]
        [at[who]] = [network["IPAddress"] for network in found.values()]
    urls = {who: f"http://{who}:8080/" for who in ("web", "api")}
    addresses = {who: f"http://{at[who]}:8080/" for who in ("web", "api")}
    return {
        "addresses": len(set(at.values())),
        "each other": {who: reach(client, urls, who) for who in ("web", "api")},
        "by a neighbour": reach(client, {**addresses, "published": f"http://{AGENT}:{_OWN}/"}),
        "of a neighbour": reach(client, {"it": f"http://{at['client']}:8080/"}, "web")["it"],
    }
