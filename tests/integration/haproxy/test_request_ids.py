"""By which id a visitor's request is found in the logs of the proxy and of the framework."""

import re
from collections.abc import Callable, Iterator

import pytest

from tests.fakes.placements import SHA
from tests.integration.haproxy import proxies
from tests.integration.haproxy.proxies import Site, upstream
from tests.waits import wait_until

pytestmark = pytest.mark.integration

HOST = "main.hello.localhost"
PAGE = {"Accept": "text/html", "Sec-Fetch-Mode": "navigate"}
UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
TASK = f"hello.{SHA}.a1"


@pytest.fixture(scope="module")
def behind(
    tmp_path_factory: pytest.TempPathFactory, zookeeper: str, free_port: Callable[[], int]
) -> Iterator[Site]:
    folder, trusted = tmp_path_factory.mktemp("ids"), "127.0.0.0/8"
    with proxies.site(folder, zookeeper, free_port(), PREVS_TRUSTED_PROXIES=trusted) as started:
        started.world.add("hello", "main", SHA)
        yield started


@pytest.fixture(scope="module")
def alone(
    tmp_path_factory: pytest.TempPathFactory, zookeeper: str, free_port: Callable[[], int]
) -> Iterator[Site]:
    with proxies.site(tmp_path_factory.mktemp("alone"), zookeeper, free_port()) as started:
        started.world.add("hello", "main", SHA)
        yield started


def ask_page(site: Site, **headers: str) -> str:
    """Return the id that a page was answered with; the framework was asked with the same."""
    site.world.request_ids.clear()
    told = site.proxy.ask(HOST, headers={**PAGE, **headers}).headers["x-request-id"]
    assert set(site.world.request_ids) == {told}
    return told


def test_each_request_has_an_id_of_its_own_whatever_a_client_says(alone: Site) -> None:
    ids = {ask_page(alone), ask_page(alone), ask_page(alone, **{"X-Request-Id": "mine"})}
    assert len(ids) == 3
    assert all(re.fullmatch(UUID, told) for told in ids)


def test_the_id_of_a_proxy_in_front_stays_if_it_is_one(behind: Site) -> None:
    assert ask_page(behind, **{"X-Request-Id": "front-1"}) == "front-1"
    for odd in ('a" level=error', "x" * 65, "a;b"):
        assert re.fullmatch(UUID, ask_page(behind, **{"X-Request-Id": odd}))


def test_a_held_request_is_found_from_its_coming_to_its_attempt(behind: Site) -> None:
    with upstream("app") as app:
        behind.world.started = lambda _: behind.run("hello", SHA, app.port, "main")
        behind.world.request_ids.clear()
        assert behind.proxy.ask(HOST, headers={"X-Request-Id": "held-1"}).status == 200
        assert "held-1" in behind.world.request_ids
        wait_until(lambda: "who waited is let in" in behind.proxy.log.read_text())
        lines = behind.proxy.log.read_text().splitlines()
        waits, *_, let_in = (line for line in lines if "request=held-1" in line)
        assert "a request waits" in waits
        assert f"app=hello commit={SHA[:12]} task={TASK}" in let_in
        assert any("an attempt is routed" in line and f"task={TASK}" in line for line in lines)
        # What is routed goes by without an id of ours.
        assert "x-request-id" not in behind.proxy.ask(HOST).headers
