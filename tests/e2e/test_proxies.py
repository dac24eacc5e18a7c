"""Several proxies in front of one cluster: they come and go, hang and die, at any time."""

import os
import signal
from collections.abc import Callable, Iterator

import pytest
import requests
from kazoo.client import KazooClient

from prevs.paths import Paths
from tests import pauses
from tests.e2e.conftest import Api, Cluster, Hello, StartProxy
from tests.integration.haproxy.tree import Tree
from tests.waits import wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

HOST = "main.hello.localhost"


@pytest.fixture
def tree(cluster: Cluster) -> Iterator[Tree]:
    """The records of the cluster's proxies in ZooKeeper."""
    theirs = (cluster.dir / "proxy-zookeeper-auth").read_text().strip()
    identities = [("digest", one) for one in (cluster.zookeeper_auth, theirs)]
    client = KazooClient(hosts=cluster.zookeeper, auth_data=identities)
    client.start()
    yield Tree(client, Paths("/prevs"))
    client.stop()
    client.close()


def test_proxies_come_and_go_and_each_serves_all(
    hello: Hello, start_proxy: StartProxy, tree: Tree, visit: Callable[..., requests.Response]
) -> None:
    page = visit("main").content
    before = len(tree.records())
    first = start_proxy()
    assert first.request(HOST).body == page
    second = start_proxy()
    assert second.request(HOST).body == page
    assert len(tree.records()) == before + 2, "the serving one is known to be there"
    first.process.terminate()
    assert first.process.wait(60) == 0
    assert len(tree.records()) == before + 1
    assert second.request(HOST).body == page
    assert visit("main").content == page


def test_a_proxy_that_cannot_remove_a_route_delays_a_stop_and_does_not_prevent_it(
    hello: Hello,
    api: Api,
    start_proxy: StartProxy,
    tree: Tree,
    visit: Callable[..., requests.Response],
) -> None:
    sha, page = hello.commit("main"), visit("main").content
    slow = start_proxy()
    assert slow.request(HOST).body == page
    before = len(tree.records())
    hangs = slow.haproxy
    pauses.pause(hangs)
    try:
        assert api.call("DELETE", f"/v1/previews/hello/{sha}").status_code == 202
        api.wait_for("hello", sha, "stopped")
        assert len(tree.records()) == before, "it is there all the while"
        assert len({record.applied.get("hello") for record in tree.records()}) > 1, "and behind"
        assert visit("main").content == page
    finally:
        pauses.resume(hangs)
    wait_until(lambda: len({record.applied.get("hello") for record in tree.records()}) == 1)
    assert slow.request(HOST).body == page


def test_a_dead_proxy_prevents_no_stop(
    hello: Hello, api: Api, start_proxy: StartProxy, visit: Callable[..., requests.Response]
) -> None:
    sha, page = hello.commit("main"), visit("main").content
    dies = start_proxy()
    assert dies.request(HOST).body == page
    dies.process.kill()
    os.kill(dies.haproxy, signal.SIGKILL)
    assert api.call("DELETE", f"/v1/previews/hello/{sha}").status_code == 202
    api.wait_for("hello", sha, "stopped")
    assert visit("main").content == page
