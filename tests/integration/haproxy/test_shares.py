"""How much of one preview a client may take, how much all together, and how a loop ends."""

import asyncio
import contextlib
import json
import select
import socket
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from proxy.haproxy.config import Front
from tests.fakes.placements import SHA, placement
from tests.integration.haproxy.proxies import Site
from tests.waits import wait_until

pytestmark = pytest.mark.integration

HOST = "main.hello.localhost"
MOST = Front("", "").uncounted + Front("", "").preview_each
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\napp"
CLIENTS = [f"127.0.8.{number}" for number in range(1, 6)]


class Patient:
    """An application that keeps any number of requests open, and answers those to `/` at once."""

    def __init__(self) -> None:
        self.open = 0
        self.port: Future[int] = Future()

    async def run(self, over: Future[None]) -> None:
        """Serve until `over`."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0, backlog=1024)
        self.port.set_result(server.sockets[0].getsockname()[1])
        await asyncio.wrap_future(over)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                if not head.startswith(b"POST"):
                    writer.write(ANSWER)
                    continue
                self.open += 1
                try:
                    await reader.read()
                finally:
                    self.open -= 1
        writer.close()


class Openings(contextlib.ExitStack):
    """Requests that never end, of any client."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self._port = port

    def open(self, client: str, count: int) -> list[socket.socket]:
        """Send so many requests without the end of their bodies."""
        return [self._open(client) for _ in range(count)]

    def _open(self, client: str) -> socket.socket:
        where, source = ("127.0.0.1", self._port), (client, 0)
        connected = self.enter_context(socket.create_connection(where, 30, source_address=source))
        head = f"POST /slow HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 1000000\r\n\r\nabc"
        connected.sendall(head.encode())
        return connected

    def status(self, client: str) -> int:
        """Return the status of the answer to an ordinary request."""
        where, source = ("127.0.0.1", self._port), (client, 0)
        with socket.create_connection(where, 30, source_address=source) as connected:
            connected.sendall(f"GET / HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode())
            return int(connected.recv(65536).split()[1])


def answered(connections: Sequence[socket.socket]) -> Sequence[int]:
    """Return which of these have an answer."""
    poll = select.poll()
    for connected in connections:
        poll.register(connected, select.POLLIN)
    return [number for number, _ in poll.poll(0)]


@pytest.fixture
def application(running_site: Site) -> Iterator[Patient]:
    application, over = Patient(), Future[None]()
    with ThreadPoolExecutor(1) as pool:
        ended = pool.submit(asyncio.run, application.run(over))
        placed = {SHA: placement("hello", SHA, application.port.result(30), "main")}
        running_site.route("hello", placed)
        yield application
        over.set_result(None)
        ended.result(30)


def test_one_client_has_a_share_of_a_preview_and_learns_that(
    running_site: Site, application: Patient
) -> None:
    with Openings(running_site.proxy.port) as openings:
        first = openings.open(CLIENTS[0], MOST)
        # Two that come at the same time may both be counted already, so it may be some fewer.
        wait_until(lambda: application.open + len(answered(first)) == MOST)
        assert application.open > MOST - 20
        (over,) = openings.open(CLIENTS[0], 1)
        head, _, body = over.recv(65536).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 429 ")
        problem = json.loads(body)
        assert (problem["type"], problem["budget"]) == (
            "urn:prevs:problem:too-many-open",
            "preview",
        )
        assert openings.status(CLIENTS[1]) == 200
        assert application.open <= MOST


def test_a_preview_may_have_any_number_of_open_requests(
    running_site: Site, application: Patient
) -> None:
    with Openings(running_site.proxy.port) as openings:
        for client in CLIENTS[:4]:
            openings.open(client, 300)
        wait_until(lambda: application.open == 1200, instead=lambda: application.open)
        assert openings.status(CLIENTS[4]) == 200


def test_a_placement_that_leads_back_here_is_a_loop_that_ends(running_site: Site) -> None:
    port = running_site.proxy.port
    running_site.route("hello", {SHA: placement("hello", SHA, port, "main")})
    answer = running_site.proxy.request(HOST)
    assert (answer.status, json.loads(answer.body)["type"]) == (508, "urn:prevs:problem:loop")
    assert "sends it back" in json.loads(answer.body)["detail"]


def test_a_mark_of_loops_means_nothing_while_a_preview_has_few_requests(
    running_site: Site, application: Patient
) -> None:
    forged = {"CDN-Loop": ", ".join(["prevs"] * 20)}
    assert running_site.proxy.request(HOST, headers=forged).status == 200


@pytest.mark.parametrize(("marks", "status"), [(9, 200), (10, 508)])
def test_a_request_with_ten_marks_of_loops_goes_no_further_once_a_preview_is_busy(
    running_site: Site, application: Patient, marks: int, status: int
) -> None:
    forged = {"CDN-Loop": ", ".join(["prevs"] * marks)}
    with Openings(running_site.proxy.port) as openings:
        openings.open(CLIENTS[0], Front("", "").uncounted)
        wait_until(lambda: application.open == Front("", "").uncounted)
        assert running_site.proxy.request(HOST, headers=forged).status == status
