"""A receiver of notifications: a real HTTP server that answers as a test tells it to."""

import contextlib
import http.server
import ssl
import threading
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

Handler = http.server.BaseHTTPRequestHandler
Answer = Callable[[Handler], object]


class Delivery(NamedTuple):
    """What has come; the names of the headers are in small letters."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        """The id that stays the same over retries."""
        return self.headers["webhook-id"]


def status(code: int, **headers: str) -> Answer:
    """Return an answer with a status and headers."""

    def answer(handler: Handler) -> None:
        handler.send_response(code)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return answer


def reset(handler: Handler) -> None:
    """Close the connection without an answer."""
    handler.connection.shutdown(2)


def babble(handler: Handler) -> None:
    """Answer something that is not HTTP."""
    handler.wfile.write(b"220 smtp.example.org hunter2\r\n")


def without_end(handler: Handler) -> None:
    """Answer with a body that never ends."""
    handler.send_response(200)
    handler.end_headers()
    with contextlib.suppress(OSError):
        while True:
            handler.wfile.write(b"x" * 65536)


class ReceiverServer:
    """Takes notifications at a port of 127.0.0.1; `answers` are for the next ones, then 204.

    `ended` ends the answers that wait.
    """

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.taken: list[Delivery] = []
        self.answers: list[Answer] = []
        self.connections = 0
        self.ended = threading.Event()
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._make_handler())
        self._server.daemon_threads = True
        if tls:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self.port: int = self._server.server_address[1]

    def hang(self, handler: Handler) -> None:
        """Answer nothing until the end."""
        del handler
        self.ended.wait(60)

    def drip(self, handler: Handler) -> None:
        """Answer one byte after the other, without end."""
        with contextlib.suppress(OSError):
            handler.wfile.write(b"HTTP/1.1 200 OK\r\nX: ")
            while not self.ended.wait(0.05):
                handler.wfile.write(b"x")

    @contextlib.contextmanager
    def serving(self) -> Iterator["ReceiverServer"]:
        """Answer meanwhile."""
        thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield self
        finally:
            self.ended.set()
            self._server.shutdown()
            thread.join()
            self._server.server_close()

    def _make_handler(self) -> type[Handler]:
        server = self

        class Answering(Handler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                server.connections += 1
                super().setup()

            def do_POST(self) -> None:
                size = int(self.headers["Content-Length"])
                headers = {name.lower(): value for name, value in self.headers.items()}
                server.taken.append(Delivery(self.path, headers, self.rfile.read(size)))
                answer = server.answers.pop(0) if server.answers else status(204)
                self.close_connection = True
                with contextlib.suppress(OSError):
                    answer(self)

            def log_message(self, format: str, *args: Any) -> None:
                """Log nothing."""

        return Answering
