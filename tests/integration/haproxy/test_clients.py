"""How much one client may have open, while another one may have as much."""

import contextlib
import functools
import http.client
import json
import re
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from proxy.held.client_disconnects import LOOK_SECONDS
from tests.fakes.placements import OTHER_SHA, SHA, placement
from tests.integration.haproxy import proxies
from tests.integration.haproxy.proxies import BROWSER, Site, upstream
from tests.integration.haproxy.wire import held
from tests.waits import wait_until

pytestmark = pytest.mark.integration

RUNNING, STARTING = "main.other.localhost", "main.hello.localhost"
CONNECTIONS, HELD = 5, 3
LIMITS = {
    "PREVS_CONNECTIONS_OF_CLIENT": str(CONNECTIONS),
    "PREVS_HELD_OF_CLIENT": str(HELD),
}
ONE, OTHER = "127.0.7.1", "127.0.7.2"
THREE, FOUR = "127.0.7.3", "127.0.7.4"
"""Of tests that leave connections to be closed."""


@pytest.fixture(scope="module")
def more_settings() -> Mapping[str, str]:
    """Low limits for one client."""
    return LIMITS


@pytest.fixture
def stack() -> Iterator[contextlib.ExitStack]:
    with contextlib.ExitStack() as stack:
        yield stack


@pytest.fixture
def site(site: Site) -> Iterator[Site]:
    site.world.add("hello", "main", SHA)
    with running(site):
        yield site


@contextlib.contextmanager
def running(site: Site) -> Iterator[None]:
    """Let the only preview run."""
    with upstream("app") as app:
        site.route("other", {OTHER_SHA: placement("other", OTHER_SHA, app.port, "main")})
        yield


class Client:
    """A connection of a client."""

    def __init__(self, port: int, address: str, stack: contextlib.ExitStack) -> None:
        self._connection = http.client.HTTPConnection(
            "127.0.0.1", port, timeout=60, source_address=(address, 0)
        )
        stack.callback(self._connection.close)
        self._connection.connect()
        self._socket: socket.socket = self._connection.sock

    def send(self, host: str = RUNNING, headers: Mapping[str, str] | None = None) -> None:
        """Send a request."""
        self._connection.request("GET", "/", headers={"Host": host, **(headers or {})})

    def answer(self) -> tuple[int, Mapping[str, str], bytes]:
        """Return the answer to what was sent."""
        answer = self._connection.getresponse()
        return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()

    def status(self, host: str = RUNNING, headers: Mapping[str, str] | None = None) -> int:
        """Return the status of the answer to one request."""
        self.send(host, headers)
        return self.answer()[0]

    def is_closed(self) -> bool:
        """Return whether the other side has closed it without an answer."""
        with contextlib.suppress(ConnectionError):
            return self._socket.recv(1) == b""
        return True


def test_a_client_with_too_many_connections_is_refused_and_others_notice_nothing(
    site: Site, stack: contextlib.ExitStack
) -> None:
    def connect(address: str = ONE) -> Client:
        return Client(site.proxy.port, address, stack)

    first = [connect() for _ in range(CONNECTIONS)]
    assert [client.status() for client in first] == [200] * CONNECTIONS
    program, browser = connect(), connect()
    program.send()
    status, headers, body = program.answer()
    assert (status, headers["retry-after"]) == (429, "10")
    assert headers["content-type"] == "application/problem+json"
    problem = json.loads(body)
    assert (problem["type"], problem["status"]) == ("urn:prevs:problem:too-many-open", 429)
    assert f"as it may have, {CONNECTIONS}" in problem["detail"]
    browser.send(headers=BROWSER)
    status, headers, body = browser.answer()
    assert (status, headers["retry-after"]) == (429, "10")
    assert headers["content-type"] == "text/html"
    assert b"Too many connections from your address" in body
    assert headers["x-robots-tag"] == "noindex"
    assert connect(OTHER).status() == 200
    assert [client.status() for client in first] == [200] * CONNECTIONS, "open requests are served"


def test_a_refused_connection_is_closed_and_its_place_is_free_again(site: Site) -> None:
    def is_served() -> bool:
        with contextlib.ExitStack() as own:
            return Client(site.proxy.port, THREE, own).status() == 200

    with contextlib.ExitStack() as first:
        for _ in range(CONNECTIONS):
            assert Client(site.proxy.port, THREE, first).status() == 200
        address, source = ("127.0.0.1", site.proxy.port), (THREE, 0)
        with socket.create_connection(address, 60, source_address=source) as over:
            over.sendall(f"GET / HTTP/1.1\r\nHost: {RUNNING}\r\n\r\n".encode())
            answer = b"".join(iter(lambda: over.recv(65536), b""))
        assert answer.startswith(b"HTTP/1.1 429 ")
    wait_until(is_served, "there is room again")


def test_a_client_that_goes_on_regardless_gets_no_answer(
    site: Site, stack: contextlib.ExitStack
) -> None:
    first = [Client(site.proxy.port, FOUR, stack) for _ in range(CONNECTIONS)]
    assert [client.status() for client in first] == [200] * CONNECTIONS
    silent = [Client(site.proxy.port, FOUR, stack) for _ in range(CONNECTIONS)]
    counted = f"key=::ffff:{FOUR} .* conn_cur={2 * CONNECTIONS}\n"
    show = functools.partial(site.proxy.tell, "show table clients")
    wait_until(lambda: re.search(counted, show()), counted, instead=show)
    with contextlib.suppress(ConnectionError):  # perhaps while it still connects
        assert Client(site.proxy.port, FOUR, stack).is_closed()
    assert Client(site.proxy.port, OTHER, stack).status() == 200
    assert [client.status() for client in silent] == [429] * CONNECTIONS
    assert [client.status() for client in first] == [200] * CONNECTIONS


def test_a_client_with_too_many_held_requests_is_refused_and_another_is_held(
    site: Site, stack: contextlib.ExitStack
) -> None:
    waiting = [Client(site.proxy.port, ONE, stack) for _ in range(HELD)]
    for client in waiting:
        client.send(STARTING)
    wait_until(lambda: held(site.proxy) == HELD)
    over = Client(site.proxy.port, ONE, stack)
    over.send(STARTING)
    status, headers, body = over.answer()
    assert (status, headers["retry-after"]) == (429, "10")
    problem = json.loads(body)
    assert (problem["type"], problem["budget"]) == ("urn:prevs:problem:too-many-open", "held")
    assert "requests that wait for a preview" in problem["detail"]
    other = Client(site.proxy.port, OTHER, stack)
    other.send(STARTING)
    wait_until(lambda: held(site.proxy) == HELD + 1)
    with upstream("app") as app:
        site.run("hello", SHA, app.port, "main")
        assert [client.answer()[0] for client in (*waiting, other)] == [200] * (HELD + 1)
    assert over.status() == 200


def test_clients_behind_a_proxy_are_counted_by_their_open_requests(
    tmp_path: Path, zookeeper: str, free_port: Callable[[], int], stack: contextlib.ExitStack
) -> None:
    more = {**LIMITS, "PREVS_TRUSTED_PROXIES": "127.0.0.0/8", "PREVS_HELD_OF_CLIENT": "100"}
    with proxies.site(tmp_path, zookeeper, free_port(), **more) as site, running(site):
        site.world.add("hello", "main", SHA)

        def forwarded(client: str) -> Mapping[str, str]:
            return {"X-Forwarded-For": client} if client else {}

        def connect() -> Client:
            return Client(site.proxy.port, ONE, stack)

        for number in range(CONNECTIONS):
            connect().send(STARTING, forwarded(f"2001:db8:1:{number}::9"))
        wait_until(lambda: held(site.proxy) == CONNECTIONS)
        for _ in range(3 * CONNECTIONS):
            assert connect().status(RUNNING, forwarded("203.0.113.9")) == 200
            assert connect().status(RUNNING) == 200
        over = connect()
        over.send(RUNNING, forwarded("2001:db8:1:ffff::1"))
        status, headers, body = over.answer()
        assert (status, headers["retry-after"]) == (429, "10")
        assert json.loads(body)["budget"] == "connections"
        assert connect().status(RUNNING, forwarded("2001:db8:2::1")) == 200


@pytest.fixture(scope="module")
def at_ipv6(
    tmp_path_factory: pytest.TempPathFactory, zookeeper: str, free_port: Callable[[], int]
) -> Iterator[Site]:
    """A proxy at an IPv6 address. Linux takes both kinds of clients there."""
    port, folder = free_port(), tmp_path_factory.mktemp("ipv6")
    more = {**LIMITS, "PREVS_PROXY_LISTEN": f"[::]:{port}"}
    with proxies.site(folder, zookeeper, port, **more) as site:
        yield site


def test_ipv4_clients_at_an_ipv6_listener_are_not_one_client(
    at_ipv6: Site, stack: contextlib.ExitStack
) -> None:
    port = at_ipv6.proxy.port
    with running(at_ipv6):
        for _ in range(CONNECTIONS):
            assert Client(port, ONE, stack).status() == 200
        assert Client(port, ONE, stack).status() == 429
        assert Client(port, OTHER, stack).status() == 200


def test_an_ipv4_client_at_an_ipv6_listener_is_not_mistaken_for_gone(
    at_ipv6: Site, stack: contextlib.ExitStack
) -> None:
    at_ipv6.world.add("hello", "main", SHA)
    client = Client(at_ipv6.proxy.port, THREE, stack)
    client.send(STARTING)
    time.sleep(2.5 * LOOK_SECONDS)
    with upstream("app") as app:
        at_ipv6.run("hello", SHA, app.port, "main")
        assert client.answer()[2] == b"app GET / 0"
