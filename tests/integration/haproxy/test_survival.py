"""Open requests are completed when something changes, restarts or goes away.

A slow answer, an upload, a download, a WebSocket and a stream of events are open throughout.
"""

import contextlib
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from local.parts.part import Part, bring_up
from tests import times
from tests.fakes.placements import OTHER_SHA, SHA, placement
from tests.fakes.world import World
from tests.integration.haproxy import long_application, proxies
from tests.integration.haproxy.long_application import LongApplication
from tests.integration.haproxy.openings import HOST, Slow, open_all
from tests.integration.haproxy.proxies import Site
from tests.waits import wait_until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

TASK = f"hello.{SHA}.a1"
HELD_SECONDS = 10
"""How long before a framework is back a request comes that is held: it is let go after 15 s."""


@pytest.fixture
def one(site: Site) -> Iterator[LongApplication]:
    """The application that is placed when a test begins."""
    with long_application.application("one") as application:
        place(site, application, SHA)
        yield application


@pytest.fixture
def two() -> Iterator[LongApplication]:
    """Another one."""
    with long_application.application("two") as application:
        yield application


def place(site: Site, application: LongApplication, sha: str) -> None:
    site.route("hello", {sha: placement("hello", sha, application.port, "main")})


def get_body(site: Site) -> bytes:
    return site.proxy.request(HOST).body


def test_changes_of_other_hosts_disturb_nothing(site: Site, one: LongApplication) -> None:
    with open_all(site.proxy, one) as opened:
        for number in range(20):
            site.route("other", {SHA: placement("other", SHA, 1 + number, "main")})
            opened.go_on()
        labels = [f"label-{number}" for number in range(1000)]
        site.route("other", {SHA: placement("other", SHA, 1, *labels)})  # by a whole new map
        opened.go_on()
        site.route("other", {})
        opened.go_on()
        assert get_body(site) == b"one"
        assert opened.end() == {"one"}


def test_open_connections_stay_and_the_next_request_goes_to_the_new_place(
    site: Site, one: LongApplication, two: LongApplication
) -> None:
    with open_all(site.proxy, one) as opened:
        place(site, two, OTHER_SHA)
        assert get_body(site) == b"two"
        opened.go_on()
        with open_all(site.proxy, two) as newly_opened:
            site.route("hello", {})
            opened.go_on()
            newly_opened.go_on()
            assert newly_opened.end() == {"two"}
        place(site, two, SHA)
        opened.go_on()
        assert get_body(site) == b"two"
        assert opened.end() == {"one"}


def test_takeovers_close_no_open_connection(
    site: Site, one: LongApplication, two: LongApplication
) -> None:
    with open_all(site.proxy, one) as opened:
        for application in (two, one, two):
            former = site.proxy.haproxy
            site.proxy.process.kill()
            site.proxy.process.wait()
            opened.go_on()
            site.tree.place("hello", {SHA: placement("hello", SHA, application.port, "main")})
            site.proxy.restart()
            assert site.proxy.haproxy != former
            opened.go_on()
            assert get_body(site) == application.name.encode()
        assert opened.end() == {"one"}
    wait_until(site.proxy.is_settled)


def test_a_terminated_proxy_lets_answers_of_the_next_moments_come(
    tmp_path: Path, zookeeper: str, free_port: Callable[[], int]
) -> None:
    with (
        proxies.site(tmp_path, zookeeper, free_port()) as own,
        long_application.application("one") as one,
    ):
        place(own, one, SHA)
        slow = Slow(own.proxy)
        wait_until(lambda: is_reported_open(own))
        own.proxy.process.send_signal(signal.SIGTERM)
        wait_until(lambda: not takes_connections(own))
        one.finish()
        assert slow.end() == "one"
        assert own.proxy.process.wait(60) == 0


def is_reported_open(site: Site) -> bool:
    """Return whether the framework got a report of an open request."""
    return any(use["open"] for report in site.world.uses for use in report["uses"])


def takes_connections(site: Site) -> bool:
    with contextlib.suppress(OSError):
        site.proxy.request(HOST, timeout=5)
        return True
    return False


@pytest.mark.parametrize("away", times.both(10.0, 60.0))
def test_routing_goes_on_without_zookeeper_or_the_framework_for_a_while(
    own_zookeeper: Part,
    zookeeper: str,
    tmp_path_factory: pytest.TempPathFactory,
    free_port: Callable[[], int],
    away: float,
) -> None:
    """Two proxies at a time, as a minute is long: each loses one of both for `away` seconds."""
    with ThreadPoolExecutor(2) as pool:
        folders = [tmp_path_factory.mktemp("lost") for _ in range(2)]
        lost = [
            pool.submit(lose_zookeeper, own_zookeeper, folders[0], free_port(), away=away),
            pool.submit(
                lose_framework, zookeeper, folders[1], (free_port(), free_port()), away=away
            ),
        ]
    for each in lost:
        each.result()


def lose_zookeeper(own_zookeeper: Part, folder: Path, port: int, *, away: float) -> None:
    with (
        proxies.site(folder, own_zookeeper.address, port) as site,
        long_application.application("one") as one,
        long_application.application("two") as two,
        ThreadPoolExecutor(1) as pool,
    ):
        place(site, one, SHA)
        site.world.add("other", "main", OTHER_SHA)
        with open_all(site.proxy, one) as opened:
            own_zookeeper.stop()
            held = pool.submit(site.proxy.request, "main.other.localhost", timeout=120)
            for _ in seconds(away):
                opened.go_on()
                assert get_body(site) == b"one"
            assert not held.done()
            bring_up(own_zookeeper)
            wait_until(lambda: site.tree.client.connected)
            site.run("other", OTHER_SHA, two.port, "main")
            assert held.result(60).body == b"two"
            place(site, two, OTHER_SHA)
            assert get_body(site) == b"two"
            opened.go_on()
            assert site.tree.records()[0].holding == (TASK,)
            assert opened.end() == {"one"}


def lose_framework(zookeeper: str, folder: Path, ports: tuple[int, int], *, away: float) -> None:
    (api, port), world = ports, World()
    with (
        proxies.site(folder, zookeeper, port, api=f"http://127.0.0.1:{api}") as site,
        long_application.application("one") as one,
        long_application.application("two") as two,
        ThreadPoolExecutor(1) as pool,
    ):
        place(site, one, SHA)
        world.add("other", "main", OTHER_SHA)
        with open_all(site.proxy, one) as opened:
            with world.serving(api):
                wait_until(lambda: world.uses)
            for second in seconds(away):
                if second == max(0, int(away) - HELD_SECONDS):
                    held = pool.submit(site.proxy.request, "main.other.localhost", timeout=120)
                opened.go_on()
                target = (one, two)[second % 2]
                place(site, target, SHA)  # placements are followed nevertheless
                assert get_body(site) == target.name.encode()
            assert not held.done(), held.result()
            before = len(world.uses)
            with world.serving(api):
                wait_until(lambda: len(world.uses) > before)
                wait_until(lambda: ("other", OTHER_SHA) in world.previews)
                site._replace(world=world).run("other", OTHER_SHA, two.port, "main")
                assert held.result(60).body == b"two"
            opened.go_on()
            assert opened.end() == {"one"}


def seconds(number: float) -> Iterator[int]:
    """Yield once a second for `seconds`."""
    began = time.monotonic()
    for second in range(int(number)):
        yield second
        time.sleep(max(0.0, began + second + 1 - time.monotonic()))
