"""executor/container/probe.py against applications that answer in strange ways."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from executor.container.probe import ApplicationProbe
from executor.errors import Stopped
from executor.ports import Answer
from executor.signals import StopSignal

pytestmark = pytest.mark.integration

LIMIT = 0.3
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


@contextmanager
def answering(
    answer: Callable[[socket.socket], None], requests: list[bytes] | None = None
) -> Iterator[tuple[str, int]]:
    """Listen for one visitor, and handle it with this function; keep its request."""
    requests = [] if requests is None else requests
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            visitor, _ = listener.accept()
            with visitor:
                requests.append(visitor.recv(65536))
                answer(visitor)

        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()
        thread.join()


def drip(visitor: socket.socket, first: bytes, again: bytes) -> None:
    """Send something every moment, longer than any limit."""
    try:
        visitor.sendall(first)
        for _ in range(100):
            visitor.sendall(again)
            time.sleep(LIMIT / 10)
    except OSError:
        return


def check(address: tuple[str, int], signals: StopSignal, limit: float = LIMIT) -> Answer:
    return ApplicationProbe(
        address, "/", "http://a.b/", signals=signals, answer_limit=limit
    ).check()


@pytest.mark.parametrize(
    ("first", "again"),
    [
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        (b"HTTP/1.1 200 OK\r\nX: ", b"x"),
    ],
)
def test_an_endless_answer_counts_as_no_answer(first: bytes, again: bytes) -> None:
    with answering(lambda visitor: drip(visitor, first, again)) as address:
        answer = check(address, StopSignal())
    assert answer == Answer(connected=True, problem="it did not answer within 0.3 s")


def test_a_stop_ends_the_check() -> None:
    signals = StopSignal()

    def stop(visitor: socket.socket) -> None:
        signals.stop(0.0)
        visitor.recv(1)

    with answering(stop) as address, pytest.raises(Stopped):
        check(address, signals, limit=60.0)


@pytest.mark.parametrize(("host", "sent"), [("", b"a.b"), ("shop.test:80", b"shop.test:80")])
def test_the_commit_may_choose_the_host_of_the_check(host: str, sent: bytes) -> None:
    requests: list[bytes] = []
    with answering(lambda visitor: visitor.sendall(OK), requests) as address:
        probe = ApplicationProbe(address, "/", "http://a.b/", signals=StopSignal(), host=host)
        assert probe.check().status == 200
    assert b"\r\nHost: " + sent + b"\r\n" in requests[0]
