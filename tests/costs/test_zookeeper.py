"""How often a framework reads and writes ZooKeeper for one start of a preview: each is waited for.

Counted on the wire, with a real ZooKeeper and a real Mesos, whose executor only reports.
"""

import uuid
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple, Protocol

import pytest
import requests
from kazoo.client import KazooClient

from framework.zookeeper.connection import connect
from prevs.paths import Paths
from prevs.records import AppRecord, PlacementsRecord
from prevs.states import State
from tests.costs.wire import Wire
from tests.fakes.framework import Framework
from tests.waits import wait_until

pytestmark = pytest.mark.daemons

SHA = "a" * 40


class Mesos(Protocol):
    """The session's Mesos."""

    master: str
    zk: str


class World(NamedTuple):
    """A framework that is counted, and a client of ZooKeeper that is not."""

    framework: Framework
    client: KazooClient
    paths: Paths
    wire: Wire

    def start(self) -> Counter[str]:
        """Start the preview; return the requests until its placement was written."""
        before = Counter(self.wire.requests)
        self.framework.previews.command(lambda commands: commands.start("hello", SHA, "main"))
        self.framework.wait(SHA, State.RUNNING)
        wait_until(lambda: SHA in self._placed().placements)
        return self.wire.requests - before

    def _placed(self) -> PlacementsRecord:
        path = self.paths.app_placements("hello")
        if self.client.exists(path) is None:
            return PlacementsRecord("hello", {})
        return PlacementsRecord.decode(self.client.get(path)[0])


@pytest.fixture
def world(mesos: Mesos, zookeeper: str, wire: Wire) -> Iterator[World]:
    paths = Paths(f"/test-{uuid.uuid4().hex}")
    client = connect(zookeeper, 15)
    framework = Framework(mesos.zk, wire.address, paths)
    yield World(framework, client, paths, wire)
    framework_id = framework.service.framework_id
    framework.kill()
    data = {"frameworkId": framework_id}
    requests.post(f"http://{mesos.master}/teardown", data=data, timeout=60).raise_for_status()
    client.delete(paths.root, recursive=True)
    client.stop()
    client.close()


MOST_COLD = {"writes": 9, "reads": 5}
MOST_WARM = {"writes": 6}
"""As found. Warm there is nothing to read: what a framework leads with, it knows. Of the cold one,
a write and a read are for where agents have ports: once for each agent."""


def test_a_start_takes_no_more_reads_and_writes(world: World) -> None:
    app = AppRecord(name="hello", repository="/srv/hello", mem=64, health="/runs")
    world.framework.previews.add_app(app)
    cold = world.start()
    world.framework.previews.command(lambda commands: commands.stop("hello", SHA))
    world.framework.wait(SHA, State.STOPPED)
    warm = world.start()
    assert cold["writes"] > 0
    assert warm["writes"] > 0
    assert cold <= Counter(MOST_COLD)
    assert warm <= Counter(MOST_WARM)
