"""What several folders need: ZooKeepers that a test may stop, a proxy of a file, a browser's page.

And a tree of a test's own in the ZooKeeper that all share.
"""

import os
import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from kazoo.client import KazooClient
from playwright.sync_api import Page

from framework.zookeeper.connection import connect
from local.cluster.zookeeper import LONGEST_SESSION, zookeeper_part
from local.parts.part import Part, bring_up
from prevs.paths import Paths
from tests import free_ports, times
from tests.chromium import Chromium
from tests.conftest import Mesos
from tests.fakes.program import OwnRoot
from tests.integration.haproxy import proxies
from tests.integration.haproxy.proxies import Site


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


@pytest.fixture
def own(mesos: Mesos, zookeeper: str, paths: Paths, tmp_path: Path) -> Iterator[OwnRoot]:
    """Frameworks of the test's own, all at its root."""
    with OwnRoot(mesos, zookeeper, tmp_path, paths.root) as made:
        yield made


@pytest.fixture(scope="module")
def more_settings() -> Mapping[str, str]:
    """Further settings of the file's proxy, by the names of their variables: none."""
    return {}


@pytest.fixture(scope="module")
def program() -> str:
    """The program of the file's proxy."""
    return "proxy"


@pytest.fixture(scope="module")
def running_site(
    tmp_path_factory: pytest.TempPathFactory,
    zookeeper: str,
    free_port: Callable[[], int],
    more_settings: Mapping[str, str],
    program: str,
) -> Iterator[Site]:
    """The proxy of the file, with the state that its tests leave."""
    folder = tmp_path_factory.mktemp("site")
    with proxies.site(folder, zookeeper, free_port(), program=program, **more_settings) as started:
        yield started


@pytest.fixture
def site(running_site: Site) -> Iterator[Site]:
    """The proxy of the file, which routes nothing and knows nothing yet."""
    yield running_site
    running_site.empty()


@pytest.fixture
def page(browser: Chromium) -> Iterator[Page]:
    """A page of a browser."""
    with browser.new_page() as opened:
        yield opened
