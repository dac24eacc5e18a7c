"""A crowd of held requests is let in to an application with one worker and a short queue."""

import contextlib
import http.client
import socket
import socketserver
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.fakes.placements import OTHER_SHA, SHA, placement
from tests.integration.haproxy.proxies import Site, upstream
from tests.integration.haproxy.wire import held
from tests.serving import serving
from tests.waits import wait_until

pytestmark = [
    pytest.mark.integration,
    pytest.mark.timeout(300),
    pytest.mark.usefixtures("hello"),
]

HOST = "main.hello.localhost"
CROWD, ADDRESSES = 500, 100


@contextlib.contextmanager
def one_by_one(seconds: float) -> Iterator[tuple[int, list[int]]]:
    """Run an application that answers one request at a time; yield its port, and which it got."""
    got: list[int] = []

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            line = self.rfile.readline().decode()
            while self.rfile.readline().strip():
                pass
            got.append(int(line.split()[1].strip("/")))
            time.sleep(seconds)
            self.wfile.write(b"HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\napp")

    class Server(socketserver.TCPServer):
        request_queue_size = 5  # as Python's own by default

        def handle_error(self, request: object, client_address: object) -> None:
            """Log nothing about connections that HAProxy drops."""

    server = Server(("127.0.0.1", 0), Handler)
    with serving(server):
        yield server.server_address[1], got


def send(site: Site, number: int) -> socket.socket:
    """Send a request that is held, from one of many addresses."""
    source = (f"127.0.2.{1 + number % ADDRESSES}", 0)
    client = socket.create_connection(("127.0.0.1", site.proxy.port), 120, source_address=source)
    client.sendall(f"GET /{number} HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode())
    return client


def read_status(client: socket.socket) -> int:
    answer = http.client.HTTPResponse(client)
    answer.begin()
    answer.read()
    return answer.status


@pytest.fixture
def crowd(site: Site, hello: None) -> Iterator[list[socket.socket]]:
    """Requests that are held."""
    with ExitStack() as stack:
        clients = [stack.enter_context(send(site, number)) for number in range(CROWD)]
        wait_until(lambda: held(site.proxy) == CROWD, over=site.proxy.ended)
        yield clients


def test_a_crowd_is_let_in_as_quickly_as_the_application_answers_and_nobody_is_lost(
    site: Site, crowd: list[socket.socket]
) -> None:
    with one_by_one(0.01) as (port, got):
        site.run("hello", SHA, port, "main")
        assert {read_status(client) for client in crowd} == {200}
        assert sorted(got) == list(range(CROWD)), "each came once"
        assert not site.world.refused
    wait_until(lambda: held(site.proxy) == 0)


def test_who_is_not_let_in_yet_goes_where_the_branch_leads_by_then(
    site: Site, crowd: list[socket.socket]
) -> None:
    with one_by_one(0.05) as (port, got), upstream("next") as other:
        site.run("hello", SHA, port, "main")
        wait_until(lambda: len(got) >= 20)
        site.route("hello", {OTHER_SHA: placement("hello", OTHER_SHA, other.port, "main")})
        assert {read_status(client) for client in crowd} == {200}
        assert len(got) + len(other.seen) == CROWD
        assert len(other.seen) > CROWD // 2


def test_who_leaves_before_it_is_their_turn_is_not_let_in(
    site: Site, crowd: list[socket.socket]
) -> None:
    with one_by_one(0.05) as (port, got):
        site.run("hello", SHA, port, "main")
        wait_until(lambda: len(got) >= 20)
        for client in crowd[::2]:
            client.close()
        assert {read_status(client) for client in crowd[1::2]} == {200}
        assert len(got) < CROWD
    wait_until(lambda: held(site.proxy) == 0)
