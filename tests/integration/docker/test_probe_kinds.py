"""executor/container/probe.py against applications that do not answer HTTP/1.1."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest

from executor.container.probe import ApplicationProbe
from executor.ports import HTTP2, Answer
from executor.signals import StopSignal
from prevs.commit_settings import HealthKind
from tests.fakes import http2_server
from tests.fakes.http2_server import Fields, Reply

pytestmark = pytest.mark.integration

Address = tuple[str, int]
CHECK = "/grpc.health.v1.Health/Check"
GUESSED, HTTP, GRPC, TCP = HealthKind.GUESSED, HealthKind.HTTP, HealthKind.GRPC, HealthKind.TCP
SERVES = Answer(connected=True, passed=True, protocol=HTTP2)
GRPC_HEADERS = {"content-type": "application/grpc"}


def check(address: Address, kind: HealthKind, path: str = "/healthz", limit: float = 5.0) -> Answer:
    probe = ApplicationProbe(
        address, path, "http://main.shop.test/", signals=StopSignal(), answer_limit=limit, kind=kind
    )
    first = probe.check()
    assert probe.check() == first, "the finding is kept"
    return first


@contextlib.contextmanager
def grpc_server(health: Callable[[bytes, grpc.ServicerContext], bytes] | None) -> Iterator[Address]:
    """Run a gRPC server as grpcio makes it, with a health service or without one."""
    with ThreadPoolExecutor(2) as pool:
        server = grpc.server(pool)
        if health is not None:
            check: dict[str, grpc.RpcMethodHandler[bytes, bytes]]
            check = {"Check": grpc.unary_unary_rpc_method_handler(health)}
            service = grpc.method_handlers_generic_handler("grpc.health.v1.Health", check)
            server.add_generic_rpc_handlers((service,))
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        yield ("127.0.0.1", port)
        server.stop(None).wait()


@pytest.mark.parametrize("kind", [GUESSED, GRPC])
def test_a_grpc_server_without_a_health_service_is_ready(kind: HealthKind) -> None:
    with grpc_server(None) as address:
        assert check(address, kind) == SERVES


@pytest.mark.parametrize("kind", [GUESSED, GRPC])
@pytest.mark.parametrize(
    ("status", "answer"),
    [
        (b"\x08\x01", SERVES),
        (b"\x08\x02", "its health service answers NOT_SERVING"),
        (b"", "its health service answers UNKNOWN"),
    ],
)
def test_a_grpc_server_is_ready_when_its_health_service_reports_it(
    kind: HealthKind, status: bytes, answer: Answer | str
) -> None:
    received = []

    def health(request: bytes, _: grpc.ServicerContext) -> bytes:
        received.append(request)
        return status

    if isinstance(answer, str):
        answer = Answer(connected=True, passed=False, problem=answer)
    with grpc_server(health) as address:
        assert check(address, kind) == answer
    assert received == [b"", b""], "the service without a name"


def test_a_grpc_status_is_reported() -> None:
    def health(_: bytes, context: grpc.ServicerContext) -> bytes:
        context.set_code(grpc.StatusCode.UNAVAILABLE)
        context.set_details("no database")
        return b""

    with grpc_server(health) as address:
        answer = check(address, GUESSED)
    assert answer.problem == "it answered with the gRPC status 14 (no database)"
    assert answer.passed is False


def test_an_http2_only_server_counts_by_its_status() -> None:
    received: list[Fields] = []

    def answer(request: Fields) -> Reply:
        received.append(request)
        return Reply(204)

    with http2_server.serving(answer) as address:
        assert check(address, GUESSED) == Answer(connected=True, status=204, protocol=HTTP2)
        assert check(address, HTTP) == Answer(connected=True, status=204, protocol=HTTP2)
    found = {(one[":method"], one[":path"], one[":authority"]) for one in received}
    assert found == {("GET", "/healthz", "main.shop.test")}


@pytest.mark.parametrize(
    "page",
    [
        Reply(415),
        Reply(405),
        Reply(reset=True),
        Reply(200, GRPC_HEADERS, b"", {"grpc-status": "12"}),
    ],
    ids=["415", "405", "reset", "gRPC"],
)
def test_a_server_that_may_offer_grpc_gets_a_health_request(page: Reply) -> None:
    """The answers of gRPC servers in other languages to a GET."""
    serving = Reply(200, GRPC_HEADERS, b"\0\0\0\0\2\x08\1", {"grpc-status": "0"})
    with http2_server.serving(
        lambda received: serving if received[":path"] == CHECK else page
    ) as address:
        assert check(address, GUESSED) == SERVES
        # A server that claims HTTP is checked by its page.
        assert check(address, HTTP).status == (None if page.reset else page.status)


def test_a_server_without_grpc_counts_by_its_page() -> None:
    with http2_server.serving(lambda _: Reply(405)) as address:
        assert check(address, GUESSED) == Answer(connected=True, status=405, protocol=HTTP2)
        answer = check(address, GRPC)
    assert answer.passed is False
    assert answer.problem == "it answered over HTTP/2, but not with gRPC"


@contextlib.contextmanager
def visited(treat: Callable[[socket.socket], None]) -> Iterator[Address]:
    """Listen, and handle each visitor with this function."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    visitor, _ = listener.accept()
                    with visitor, contextlib.suppress(OSError):
                        treat(visitor)

        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


def hang_up(_: socket.socket) -> None:
    """Close, as docker's own proxy does for a container that does not listen."""


def babble(visitor: socket.socket) -> None:
    visitor.sendall(b"SSH-2.0-OpenSSH_10.0\r\n")
    visitor.recv(65536)


def keep(visitor: socket.socket) -> None:
    while visitor.recv(65536):
        pass


@pytest.mark.parametrize("kind", HealthKind)
def test_a_server_that_hangs_up_does_not_listen(kind: HealthKind) -> None:
    with visited(hang_up) as address:
        answer = check(address, kind)
    assert not answer.connected
    assert answer.passed is None


@pytest.mark.parametrize("treat", [keep, babble])
def test_a_lasting_connection_is_enough_for_tcp(
    treat: Callable[[socket.socket], None],
) -> None:
    with visited(treat) as address:
        assert check(address, TCP) == Answer(connected=True, passed=True)


@pytest.mark.parametrize(
    ("kind", "problem"),
    [
        (GUESSED, "it speaks neither HTTP/1.1 nor HTTP/2"),
        (HTTP, "it speaks neither HTTP/1.1 nor HTTP/2"),
        (GRPC, "it does not speak HTTP/2"),
    ],
)
def test_a_server_with_another_protocol_is_reported(kind: HealthKind, problem: str) -> None:
    with visited(babble) as address:
        assert check(address, kind) == Answer(connected=True, problem=problem)


def test_an_http2_server_that_does_not_answer_is_given_up() -> None:
    silent = threading.Event()

    def answer(_: Fields) -> Reply:
        silent.wait()
        return Reply()

    with http2_server.serving(answer) as address:
        outcome = check(address, GUESSED, limit=0.5)
        silent.set()
    assert outcome == Answer(connected=True, problem="it did not answer within 0.5 s")
