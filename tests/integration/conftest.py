"""ZooKeepers that a test may stop, and a tree of a test's own in the one that all share."""

import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from kazoo.client import KazooClient

from framework.zookeeper.connection import connect
from local.cluster.zookeeper import LONGEST_SESSION, zookeeper_part
from local.parts.part import Part, bring_up
from prevs.paths import Paths
from tests import free_ports, times


@pytest.fixture(scope="session")
def hasty_zookeeper(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """host:port of a ZooKeeper that ends silent sessions after a few seconds."""
    folder = tmp_path_factory.mktemp("hasty-zookeeper")
    longest = times.LONGEST_SESSION
    part = zookeeper_part(
        folder, free_ports.free_port(), os.environ, folder / "log", longest_session=longest
    )
    bring_up(part)
    yield part.address
    part.stop()


@pytest.fixture
def own_zookeeper(
    request: pytest.FixtureRequest, tmp_path: Path, free_port: Callable[[], int]
) -> Iterator[Part]:
    """A ZooKeeper of the test's own, which it may stop. A parameter is its longest session."""
    folder = tmp_path / "zookeeper"
    longest = getattr(request, "param", LONGEST_SESSION)
    part = zookeeper_part(folder, free_port(), os.environ, folder / "log", longest_session=longest)
    bring_up(part)
    yield part
    part.stop()


@pytest.fixture
def paths() -> Paths:
    """A root that nobody else has."""
    return Paths(f"/test-{uuid.uuid4().hex}")


@pytest.fixture
def client(zookeeper: str, paths: Paths) -> Iterator[KazooClient]:
    """A session that ends with the test, and the test's root with it."""
    client = connect(zookeeper, 15)
    yield client
    if not client.connected:
        client.restart()
    client.delete(paths.root, recursive=True)
    client.stop()
    client.close()
