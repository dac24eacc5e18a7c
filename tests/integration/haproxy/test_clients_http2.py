"""How much one client may have open with HTTP/2, where a connection carries many requests."""

import contextlib
import http.client
import json
import socket
from collections.abc import Callable, Iterator, Mapping

import pytest
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, ResponseReceived, StreamEnded

from tests.fakes.placements import OTHER_SHA, placement
from tests.integration.haproxy import tls
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


class Client:
    """A connection with HTTP/2 over a socket."""

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected
        self._connection = H2Connection(H2Configuration(header_encoding="utf-8"))
        self._connection.initiate_connection()
        self._headers: dict[int, Mapping[str, str]] = {}
        self._bodies: dict[int, bytes] = {}
        self._ended: set[int] = set()

    def send(self, path: str) -> int:
        """Send a request; return its stream."""
        stream = self._connection.get_next_available_stream_id()
        fields = {":method": "GET", ":scheme": "https", ":path": path, ":authority": HOST}
        self._connection.send_headers(stream, list(fields.items()), end_stream=True)
        self._flush()
        return stream

    def cancel(self, stream: int) -> None:
        """Reset a stream."""
        self._connection.reset_stream(stream)
        self._flush()

    def headers(self, stream: int) -> Mapping[str, str]:
        """Wait for an answer; return its headers, `:status` among them."""
        while stream not in self._headers:
            self._read()
        return self._headers[stream]

    def body(self, stream: int) -> bytes:
        """Wait for the end of an answer; return its body."""
        while stream not in self._ended:
            self._read()
        return self._bodies[stream]

    def status(self, path: str) -> str:
        """Return the status of the answer to one request."""
        return self.headers(self.send(path))[":status"]

    def _flush(self) -> None:
        self._socket.sendall(self._connection.data_to_send())

    def _read(self) -> None:
        piece = self._socket.recv(65536)
        assert piece, "the proxy has closed the connection"
        for event in self._connection.receive_data(piece):
            if isinstance(event, ResponseReceived):
                self._headers[event.stream_id] = {str(k): str(v) for k, v in event.headers or ()}
            if isinstance(event, DataReceived):
                body = self._bodies.get(event.stream_id, b"")
                self._bodies[event.stream_id] = body + event.data
            if isinstance(event, StreamEnded):
                self._ended.add(event.stream_id)
        self._flush()


def test_all_requests_of_a_client_count_together_and_others_are_served(
    site: Site, door: tls.Door
) -> None:
    plain = socket.create_connection(("127.0.0.1", site.proxy.port), timeout=30)
    with door.connect(HOST, "h2") as one, plain as other:
        first, second = Client(one), Client(other)
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
        assert status_for("127.0.7.2", site.proxy.port) == 200
        first.cancel(downloads[0])
        wait_until(lambda: first.status("/") == "200", "a request that ended makes room")


def test_a_connection_may_carry_any_number_of_requests_one_after_another(
    site: Site, door: tls.Door
) -> None:
    with door.connect(HOST, "h2") as connected:
        client = Client(connected)
        for _ in range(3 * REQUESTS):
            stream = client.send("/")
            assert client.body(stream).startswith(b"app GET /")
            assert client.headers(stream)[":status"] == "200"


def status_for(address: str, port: int) -> int:
    """Return the status of the answer to a request of another client."""
    connection = http.client.HTTPConnection(
        "127.0.0.1", port, timeout=30, source_address=(address, 0)
    )
    with contextlib.closing(connection):
        connection.request("GET", "/", headers={"Host": HOST})
        return connection.getresponse().status
