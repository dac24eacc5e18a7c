"""A real server of uvicorn with low limits, and clients that use them up."""

import contextlib
import socket
import threading
from collections.abc import Iterator

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from program.http.bounded_connections import Bounds, choose_bounds, make_protocol
from tests.waits import wait_until

BOUNDS = Bounds(each=3, most=5, seconds=0.5)
HALF = b"GET / HTTP/1.1\r\nHost: x\r\nX-A: b"
WHOLE = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture
def port() -> Iterator[int]:
    app = Starlette(routes=[Route("/", lambda request: PlainTextResponse("served"))])
    protocol = make_protocol(BOUNDS)
    server = uvicorn.Server(uvicorn.Config(app, http=protocol, log_config=None, lifespan="off"))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=lambda: server.run(sockets=[listener]))
        thread.start()
        try:
            wait_until(lambda: server.started)
            yield int(listener.getsockname()[1])
        finally:
            server.should_exit = True
            thread.join()


def connect(port: int, client: str, stack: contextlib.ExitStack) -> socket.socket:
    where = socket.create_connection(("127.0.0.1", port), 20, source_address=(client, 0))
    return stack.enter_context(where)


def ask(port: int, client: str) -> bytes:
    """Return the answer to a request on a connection of its own."""
    with contextlib.ExitStack() as stack:
        connected = connect(port, client, stack)
        connected.sendall(WHOLE)
        return connected.recv(65536)


def read(connected: socket.socket, end: bytes) -> bytes:
    """Return what comes up to `end`."""
    received = b""
    while not received.endswith(end):
        received += connected.recv(65536)
    return received


def test_a_client_has_so_many_connections_and_another_is_served(port: int) -> None:
    with contextlib.ExitStack() as stack:
        for _ in range(BOUNDS.each):
            connect(port, "127.0.9.1", stack).sendall(HALF)
        assert b" 429 " in ask(port, "127.0.9.1")
        assert b" 200 " in ask(port, "127.0.9.2")


def test_all_clients_together_have_so_many(port: int) -> None:
    with contextlib.ExitStack() as stack:
        for number in range(BOUNDS.most):
            connect(port, f"127.0.9.{number}", stack).sendall(HALF)
        assert b" 429 " in ask(port, "127.0.9.99")


def test_a_request_that_is_not_finished_in_time_makes_room(port: int) -> None:
    with contextlib.ExitStack() as stack:
        first = [connect(port, "127.0.9.1", stack) for _ in range(BOUNDS.each)]
        first[0].sendall(HALF)
        first[1].sendall(WHOLE)
        assert read(first[1], b"served").startswith(b"HTTP/1.1 200 ")
        first[1].sendall(HALF)
        assert [connected.recv(65536) for connected in first] == [b""] * BOUNDS.each
        wait_until(lambda: b" 200 " in ask(port, "127.0.9.1"), "there is room again")


def test_half_of_all_files_are_kept_for_everything_else() -> None:
    bounds = choose_bounds()
    assert 0 < bounds.each < bounds.most
