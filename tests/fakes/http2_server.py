"""A server that speaks HTTP/2 without TLS, and nothing else."""

import contextlib
import socket
import socketserver
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import RequestReceived
from h2.exceptions import H2Error


class Reply(NamedTuple):
    """The response to a request, with its trailers if any; `reset` is no response at all."""

    status: int = 200
    headers: Mapping[str, str] = {}
    body: bytes = b""
    trailers: Mapping[str, str] = {}
    reset: bool = False


Fields = Mapping[str, str]
"""The headers of a request, `:path` and `:method` among them."""


@contextlib.contextmanager
def serving(answer: Callable[[Fields], Reply]) -> Iterator[tuple[str, int]]:
    """Serve on a port of this machine; yield its address. `answer` is called by many threads."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with contextlib.suppress(OSError, H2Error):
                _serve(self.request, answer)

    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address = True
        daemon_threads = True

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield ("127.0.0.1", server.server_address[1])
        finally:
            server.shutdown()
            thread.join()


def _serve(visitor: socket.socket, answer: Callable[[Fields], Reply]) -> None:
    connection = H2Connection(H2Configuration(client_side=False, header_encoding="utf-8"))
    connection.initiate_connection()
    visitor.sendall(connection.data_to_send())
    while piece := visitor.recv(65536):
        for event in connection.receive_data(piece):
            if isinstance(event, RequestReceived):
                headers = {str(name): str(value) for name, value in event.headers or ()}
                _reply(connection, event.stream_id or 0, answer(headers))
        visitor.sendall(connection.data_to_send())


def _reply(connection: H2Connection, stream: int, reply: Reply) -> None:
    if reply.reset:
        connection.reset_stream(stream)
        return
    connection.send_headers(stream, [(":status", str(reply.status)), *reply.headers.items()])
    connection.send_data(stream, reply.body, end_stream=not reply.trailers)
    if reply.trailers:
        connection.send_headers(stream, list(reply.trailers.items()), end_stream=True)
