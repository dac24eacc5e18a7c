"""How much one client may have open with HTTP/2, where a connection carries many requests."""

import json
import socket
from collections.abc import Callable, Iterator, Mapping

import pytest

from tests.fakes.placements import OTHER_SHA, placement
from tests.integration.haproxy import tls
from tests.integration.haproxy.http2_client import Client
from tests.integration.haproxy.proxies import Site, upstream
from tests.waits import wait_until

pytestmark = pytest.mark.integration

HOST = "main.other.localhost"
REQUESTS = 5
SETTINGS = {"PREVS_CONNECTIONS_OF_CLIENT": str(REQUESTS)}


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory, free_port: Callable[[], int]) -> tls.Door:
    return tls.door(tmp_path_factory.mktemp("door"), free_port(), HOST)


@pytest.fixture(scope="module")
def more_settings(door: tls.Door) -> Mapping[str, str]:
    return {**SETTINGS, **door.settings()}


@pytest.fixture
def site(site: Site) -> Iterator[Site]:
    """The proxy, with a preview whose downloads do not end before the test does."""
    with upstream("app") as app:
        site.route("other", {OTHER_SHA: placement("other", OTHER_SHA, app.port, "main")})
        yield site


def test_all_requests_of_a_client_count_together_and_others_are_served(
    site: Site, door: tls.Door
) -> None:
    plain = socket.create_connection(("127.0.0.1", site.proxy.port), timeout=30)
    with door.connect(HOST, "h2") as one, plain as other:
        first, second = Client(one, HOST), Client(other, HOST)
        downloads = [first.send("/download") for _ in range(REQUESTS - 1)]
        assert {first.headers(stream)[":status"] for stream in downloads} == {"200"}
        assert second.status("/download") == "200"
        for client in (second, first):
            over = client.send("/")
            headers = client.headers(over)
            assert (headers[":status"], headers["retry-after"]) == ("429", "10")
            problem = json.loads(client.body(over))
            assert problem["type"] == "urn:prevs:problem:too-many-open"
            assert problem["budget"] == "connections"
        assert site.proxy.request(HOST, source="127.0.7.2").status == 200
        first.cancel(downloads[0])
        wait_until(lambda: first.status("/") == "200", "a request that ended makes room")


def test_a_connection_may_carry_any_number_of_requests_one_after_another(
    site: Site, door: tls.Door
) -> None:
    with door.connect(HOST, "h2") as connected:
        client = Client(connected, HOST)
        for _ in range(3 * REQUESTS):
            stream = client.send("/")
            assert client.body(stream).startswith(b"app GET /")
            assert client.headers(stream)[":status"] == "200"
