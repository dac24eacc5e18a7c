"""Very many requests that are held, and how they end when their clients or the proxy do."""

import http.client
import select
import socket
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress

import pytest

from tests.fakes.placements import OTHER_SHA, SHA, placement
from tests.integration.haproxy.http2_client import Client
from tests.integration.haproxy.proxies import Site, haproxies, upstream
from tests.integration.haproxy.wire import held
from tests.waits import wait_for, wait_until

pytestmark = [
    pytest.mark.integration,
    pytest.mark.timeout(300),
    pytest.mark.usefixtures("hello"),
]

HOST = "main.hello.localhost"
MANY = 1000
LONG = 180.0  # s: a thousand calls beside other suites
STARTS_OF_ONE_CLIENT = 20
"""Fewer than one address may have."""


@pytest.fixture(scope="module")
def more_settings() -> Mapping[str, str]:
    """Visitors may start more than by default."""
    return {"PREVS_STARTS_OF_APP": "5000", "PREVS_STARTS": "5000"}


def send(site: Site, number: int, hosts: int) -> socket.socket:
    """Request one of many previews, from an address that few others use."""
    source = f"127.0.{hosts % 255}.{1 + number // STARTS_OF_ONE_CLIENT}"
    address = ("127.0.0.1", site.proxy.port)
    client = socket.create_connection(address, 60, source_address=(source, 0))
    host = f"b{number % hosts}.hello.localhost"
    client.sendall(f"GET /{number} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
    return client


def answered(clients: Sequence[socket.socket]) -> int:
    poll = select.poll()
    for client in clients:
        poll.register(client, select.POLLIN)
    return len(poll.poll(0))


@pytest.mark.parametrize(
    "hosts", [1, 100, pytest.param(MANY, marks=[pytest.mark.night, pytest.mark.alone])]
)
def test_a_thousand_requests_are_held_at_once_and_all_forwarded(site: Site, hosts: int) -> None:
    shas = [f"{number:040x}" for number in range(hosts)]
    for number, sha in enumerate(shas):
        site.world.add("hello", f"b{number}", sha)
    with upstream("app") as app, ExitStack() as stack:
        clients = [stack.enter_context(send(site, number, hosts)) for number in range(MANY)]
        wait_until(lambda: held(site.proxy) == MANY, seconds=LONG)
        wait_for(
            lambda: len(site.world.previews),
            lambda started: started == hosts,
            "all are started",
            over=lambda _: site.proxy.ended(),
            seconds=LONG,
        )
        assert answered(clients) == 0
        site.tree.place(
            "hello",
            {
                sha: placement("hello", sha, app.port, f"b{number}")
                for number, sha in enumerate(shas)
            },
        )
        for number, client in enumerate(clients):
            answer = http.client.HTTPResponse(client)
            answer.begin()
            assert answer.read() == f"app GET /{number} 0".encode()
        assert len(app.seen) == MANY
        wait_until(lambda: held(site.proxy) == 0)
    assert site.world.count("POST /v1/previews") == hosts


@pytest.fixture
def client(site: Site) -> Iterator[Client]:
    """A client with one connection by HTTP/2."""
    with socket.create_connection(("127.0.0.1", site.proxy.port), timeout=60) as connected:
        yield Client(connected, HOST)


def test_a_cancelled_http2_request_is_not_forwarded_and_the_others_go_on(
    site: Site, client: Client
) -> None:
    leaves, stays = client.send("/left"), client.send("/stays")
    wait_until(lambda: held(site.proxy) == 2)
    client.cancel(leaves)
    wait_until(lambda: held(site.proxy) == 1, seconds=15)  # not at its next request, after 20 s
    with upstream("app") as app:
        site.run("hello", SHA, app.port, "main")
        assert client.headers(stays)[":status"] == "200"
        assert [path for _, path, _ in app.seen] == ["/stays"]


def test_a_flood_of_cancelled_requests_is_released(site: Site, client: Client) -> None:
    count = 2000
    with upstream("app") as app, ThreadPoolExecutor(1) as pool:
        site.tree.place("other", {OTHER_SHA: placement("other", OTHER_SHA, app.port, "main")})
        wait_until(lambda: site.proxy.request("main.other.localhost", method="HEAD").status == 200)
        patient = pool.submit(site.proxy.request, HOST, "/patient")
        wait_until(lambda: held(site.proxy) == 1)
        for _ in range(count):
            client.cancel(client.send("/"))
        last = client.send("/favicon.ico")
        assert site.proxy.request("main.other.localhost").status == 200
        assert client.headers(last)[":status"] == "404"
        wait_until(lambda: held(site.proxy) == 1)
        assert not patient.done()
        assert site.world.count("POST /v1/previews") == 1
        site.run("hello", SHA, app.port, "main")
        assert patient.result().status == 200
        assert {path for _, path, _ in app.seen} == {"/", "/patient"}
    wait_until(lambda: held(site.proxy) == 0)


def test_a_replaced_haproxy_holds_on_and_then_ends(site: Site) -> None:
    with upstream("app") as app, ThreadPoolExecutor(1) as pool:
        other = pool.submit(site.proxy.request, HOST, "/hook", method="POST", body=b"x" * 1000)
        wait_until(lambda: held(site.proxy) == 1)
        former = site.proxy.haproxy
        site.restart()
        wait_until(lambda: held(site.proxy) == 1)
        assert former in haproxies(site.proxy.folder)
        site.run("hello", SHA, app.port, "main")
        assert other.result().body == b"app POST /hook 1000"
        assert len(app.seen) == 1
    wait_until(site.proxy.is_settled)


def test_a_proxy_that_ends_leaves_its_held_requests_unanswered(
    site: Site, request: pytest.FixtureRequest
) -> None:
    request.addfinalizer(site.proxy.restart)
    with socket.create_connection(("127.0.0.1", site.proxy.port), timeout=60) as client:
        client.sendall(f"GET / HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode())
        wait_until(lambda: held(site.proxy) == 1)
        site.proxy.process.terminate()
        assert site.proxy.process.wait(60) == 0
        received = b""
        with suppress(ConnectionError):
            received = client.recv(1000)
        assert received == b""
