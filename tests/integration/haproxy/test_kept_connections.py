"""A real HAProxy keeps its connections to previews, also if visitors of many come by turns."""

import contextlib
import http.client
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.fakes.placements import placement
from tests.integration.haproxy.proxies import Site

pytestmark = pytest.mark.integration

PREVIEWS, TURNS = 4, 20


class Application(ThreadingHTTPServer):
    """An application that counts the connections that it has got."""

    connections = 0

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)

    def process_request(self, request: object, client_address: object) -> None:
        self.connections += 1
        super().process_request(request, client_address)  # type: ignore[arg-type]

    def handle_error(self, request: object, client_address: object) -> None:
        """Log nothing about connections that HAProxy ends."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\none")

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing."""


@contextlib.contextmanager
def running() -> Iterator[Application]:
    application = Application()
    thread = threading.Thread(target=application.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield application
    finally:
        application.shutdown()
        application.server_close()
        thread.join()


def test_visitors_of_several_previews_by_turns_need_few_connections(site: Site) -> None:
    with contextlib.ExitStack() as stack:
        applications = [stack.enter_context(running()) for _ in range(PREVIEWS)]
        placed = {
            f"{number:040x}": placement("hello", f"{number:040x}", one.server_port, f"p{number}")
            for number, one in enumerate(applications)
        }
        site.route("hello", placed)
        visitors = [
            stack.enter_context(
                contextlib.closing(http.client.HTTPConnection("127.0.0.1", site.proxy.port))
            )
            for _ in applications
        ]
        for _ in range(TURNS):
            for number, visitor in enumerate(visitors):
                visitor.request("GET", "/", headers={"Host": f"p{number}.hello.localhost"})
                assert visitor.getresponse().read() == b"one"
        counts = [one.connections for one in applications]
        # The first request of a visitor never takes a connection that is there (http-reuse safe).
        assert sum(counts) <= 2 * PREVIEWS, counts
