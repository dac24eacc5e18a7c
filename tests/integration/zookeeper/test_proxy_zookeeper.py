"""A ZooKeeper that is away when a proxy starts, and a session that is lost.

One that goes away and comes back is in haproxy/test_survival.py.
"""

import asyncio
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from kazoo.client import KazooClient

from local.cluster.zookeeper import LONGEST_SESSION
from local.parts.part import Part, bring_up
from prevs.paths import Paths
from proxy.routing.placements import SESSION_SECONDS, ZookeeperPlacements
from tests import pauses, times
from tests.fakes.placements import SHA, placement, record
from tests.integration.haproxy import proxies
from tests.integration.haproxy.proxies import upstream
from tests.integration.zookeeper import mute_zookeeper
from tests.waits import wait_until

pytestmark = pytest.mark.integration


@pytest.mark.parametrize(
    "own_zookeeper", times.both(times.LONGEST_SESSION, LONGEST_SESSION), indirect=True
)
def test_a_proxy_whose_session_expired_registers_again_and_keeps_its_routes(
    own_zookeeper: Part, tmp_path: Path, free_port: Callable[[], int]
) -> None:
    with (
        proxies.site(tmp_path, own_zookeeper.address, free_port()) as site,
        upstream("one") as one,
        upstream("two") as two,
    ):
        site.tree.place("hello", {SHA: placement("hello", SHA, one.port, "main")})
        wait_until(lambda: {"hello": 0} in site.tree.applied())
        pauses.pause(site.proxy.process.pid)
        try:
            wait_until(lambda: site.tree.applied() == [])  # the session's end, by ZooKeeper
            assert site.proxy.request("main.hello.localhost").body.startswith(b"one")
        finally:
            pauses.resume(site.proxy.process.pid)
        wait_until(lambda: site.tree.applied() == [{"hello": 0}])
        version = site.tree.place("hello", {SHA: placement("hello", SHA, two.port, "main")})
        wait_until(lambda: site.tree.applied() == [{"hello": version}])
        assert "removed=main" not in site.proxy.log.read_text()
        assert site.proxy.request("main.hello.localhost").body.startswith(b"two")


def test_a_proxy_that_starts_while_zookeeper_is_away_serves_what_it_last_knew(
    own_zookeeper: Part, tmp_path: Path, free_port: Callable[[], int]
) -> None:
    with (
        proxies.site(tmp_path, own_zookeeper.address, free_port()) as site,
        upstream("one") as one,
    ):
        site.tree.place("hello", {SHA: placement("hello", SHA, one.port, "main")})
        kept = site.proxy.folder / "routes.map"
        wait_until(lambda: "main.hello.localhost" in kept.read_text())
        site.proxy.process.terminate()
        assert site.proxy.process.wait(60) == 0
        own_zookeeper.stop()
        site.proxy.restart()
        assert site.proxy.request("main.hello.localhost").body.startswith(b"one")
        bring_up(own_zookeeper)
        wait_until(lambda: site.tree.client.connected)
        wait_until(lambda: {"hello": 0} in site.tree.applied())


@pytest.mark.parametrize("session", times.both(2.0, SESSION_SECONDS))
def test_a_link_that_is_not_answered_is_given_up_before_the_session_is_over(
    session: float,
) -> None:
    with mute_zookeeper.listening() as mute:
        placements = ZookeeperPlacements(
            mute.address, Paths("/x"), "a", lambda: None, session=session
        )
        placements.start()
        try:
            mute.wait_given_up(session * 0.9)
        finally:
            asyncio.run(placements.stop())


def test_all_apps_are_read_again_a_share_at_a_time(own_zookeeper: Part) -> None:
    count, paths = 60, Paths("/proxy-test-anew")
    client = KazooClient(hosts=own_zookeeper.address)
    client.start()
    client.ensure_path(paths.placements)
    for number in range(count):
        client.create(paths.app_placements(f"app{number}"), record(f"app{number}", {}))
    client.stop()
    client.close()
    packets = []

    async def scenario() -> None:
        linked = asyncio.Event()
        loop = asyncio.get_running_loop()
        placements = ZookeeperPlacements(
            own_zookeeper.address, paths, "a", lambda: loop.call_soon_threadsafe(linked.set)
        )
        placements.start()
        await linked.wait()
        first = await placements.read()
        for full in (False, True, *[False] * 10):
            before = received(own_zookeeper)
            assert await placements.read(full=full) == first
            packets.append(received(own_zookeeper) - before)
        await placements.stop()

    asyncio.run(scenario())
    quiet, begun, *rest = packets
    assert quiet <= POLLING
    assert all(each < count / 2 for each in packets), packets
    assert begun + sum(rest) >= count, "some were not read"
    assert rest[-1] <= POLLING, "it has not come to its end"


POLLING = 4
"""What asking for the count, a ping, and whether agents have changed, add to it at most."""


def received(zookeeper: Part) -> int:
    """Return how many packets a ZooKeeper has received."""
    host, port = zookeeper.address.split(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(b"srvr")
        answer = b"".join(iter(lambda: connection.recv(4096), b"")).decode()
    return int(answer.split("Received: ")[1].split()[0])
