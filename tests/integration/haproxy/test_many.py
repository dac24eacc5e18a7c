"""Very many placements: a proxy starts with them, has all replaced, and one changed.

They are 10,000 by day, and 100,000 at night.
"""

import contextlib
import hashlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.fakes import placements
from tests.fakes.placements import placement
from tests.integration.haproxy import proxies
from tests.integration.haproxy.proxies import Proxy, Site, upstream
from tests.waits import wait_until

pytestmark = [pytest.mark.integration]

PREVIEWS = 100
GENEROUS_SECONDS = 60


def app(number: int) -> str:
    return f"app-{number}"


def sha(app_name: str, number: int) -> str:
    return hashlib.sha1(f"{app_name} {number}".encode()).hexdigest()


def record(name: str, port: int, first: int | None = None) -> bytes:
    """Return the placements of an app, all at one port, or the first one at another."""
    ports = [port if first is None else first] + [port] * (PREVIEWS - 1)
    shas = [sha(name, number) for number in range(PREVIEWS)]
    places = {
        s: placement(name, s, at, f"label-{number}")
        for number, (s, at) in enumerate(zip(shas, ports, strict=True))
    }
    return placements.record(name, places)


def host(number: int, label: int) -> str:
    return f"label-{label}.{app(number)}.localhost"


@pytest.fixture
def site(tmp_path: Path, zookeeper: str, free_port: Callable[[], int]) -> Iterator[Site]:
    with proxies.site(tmp_path, zookeeper, free_port()) as started:
        yield started


def write(site: Site, apps: int, port: int) -> None:
    """Write the placements of all apps, all to one port."""
    client, paths = site.tree.client, site.tree.paths
    site.tree.make_room()
    there = set(client.get_children(paths.placements))
    names = [app(number) for number in range(apps)]
    waiting = [
        (client.set_async if name in there else client.create_async)(
            paths.app_placements(name), record(name, port)
        )
        for name in names
    ]
    for done in waiting:
        done.get(timeout=GENEROUS_SECONDS)


def answers(proxy: Proxy, hosts: list[str], name: str) -> bool:
    with contextlib.suppress(OSError):
        return all(proxy.request(one).body.startswith(name.encode()) for one in hosts)
    return False


@pytest.mark.parametrize(
    "apps", [100, pytest.param(1000, marks=[pytest.mark.night, pytest.mark.alone])]
)
def test_very_many_placements_load_are_replaced_and_change(site: Site, apps: int) -> None:
    last, middle = apps - 1, apps // 2
    sample = [host(0, 0), host(0, 99), host(middle - 1, 50), host(last, 0), host(last, 99)]
    times: dict[str, float] = {}
    proxy = site.proxy

    def measure(what: str, condition: Callable[[], bool]) -> None:
        began = time.monotonic()
        wait_until(condition, seconds=GENEROUS_SECONDS)
        times[what] = round(time.monotonic() - began, 3)

    with upstream("one") as one, upstream("two") as two:
        proxy.process.terminate()
        assert proxy.process.wait(60) == 0
        began = time.monotonic()
        write(site, apps, one.port)
        times["written"] = round(time.monotonic() - began, 3)
        began = time.monotonic()
        proxy.restart()
        times["boot, until it runs"] = round(time.monotonic() - began, 3)
        measure("and until all is routed", lambda: answers(proxy, sample, "one"))
        measure("and until it has said so", lambda: len(applied(site)) == apps)

        write(site, apps, two.port)
        measure("replaced, from the last write", lambda: are_replaced(site, sample[2]))
        assert answers(proxy, sample, "two")

        site.tree.write(app(middle), record(app(middle), two.port, first=one.port))
        measure("one changed", lambda: answers(proxy, [host(middle, 0)], "one"))
        assert answers(proxy, [*sample, host(middle, 1)], "two")
        wait_until(lambda: applied(site)[app(middle)] == 2)
    print(times)


def are_replaced(site: Site, requested_host: str) -> bool:
    """Return whether the second version of all is applied; requests meanwhile are always served."""
    assert site.proxy.request(requested_host).status == 200
    return set(applied(site).values()) == {1}


def applied(site: Site) -> dict[str, int]:
    """Return the versions that the proxy reports as applied."""
    records = site.tree.applied()
    return dict(records[0]) if records else {}
