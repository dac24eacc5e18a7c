"""Containers that share a network on the agent of isolated_agent.py: a preview with a companion,
and a job in the network that jobs share. What they reach, and who reaches them.
"""

import dataclasses
import os
from collections.abc import Mapping

from docker.api import APIClient

from executor.container.containers import DockerContainers
from executor.docker.daemon import Daemon
from executor.network.preview_network import PreviewNetwork
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

_JOINED, _DATABASE = 31002, 5432


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
    for one in (spec("server", PORT), spec("client", 0), owner, beside):
        containers.start(one, on_exit=lambda: None)
    jobs.start(spec("job", 0), on_exit=lambda: None)
    wait_until(lambda: visits(f"http://{AGENT}:{_JOINED}/"))
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
        **{who: look(client, who) for who in (*both, "job")},
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
