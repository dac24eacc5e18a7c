"""Several addresses of the API: which call goes where when some do not answer."""

import contextlib
import socket
import threading
from collections.abc import Iterator

import pytest

from cli.client.connection import Connection
from cli.client.credentials import Credentials
from cli.errors import ApiRefused, ApiUnreachable
from framework.http_api.admission import limits
from prevs.states import State
from tests.fakes.api import TOKEN, Api
from tests.integration.cli.command_runs import Run

pytestmark = pytest.mark.integration

NOBODY = "http://127.0.0.1:9"


class Broken:
    """Accepts a connection and a request, and closes without an answer."""

    def __init__(self, listener: socket.socket) -> None:
        self.address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        self.requests = 0
        self._listener = listener

    def serve(self) -> None:
        """Break every connection until the listener is closed."""
        with contextlib.suppress(OSError):
            while True:
                peer, _ = self._listener.accept()
                with peer:
                    self.requests += bool(peer.recv(65536))


@pytest.fixture
def broken() -> Iterator[Broken]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        broken = Broken(listener)
        thread = threading.Thread(target=broken.serve)
        thread.start()
        yield broken
        listener.shutdown(socket.SHUT_RDWR)
    thread.join()


@pytest.mark.parametrize("call", [("ls",), ("start", "hello", "main")])
def test_the_next_address_is_tried_if_nothing_can_have_been_received(
    run: Run, address: str, api: Api, call: tuple[str, ...]
) -> None:
    assert run(*call, PREVS_API=f"{NOBODY},http://127.0.0.1:1,{address}").status == 0
    assert len(api.requests) == 1


def test_a_call_that_only_reads_is_repeated_elsewhere(
    run: Run, address: str, broken: Broken
) -> None:
    assert run("app", "ls", PREVS_API=f"{broken.address},{address}").status == 0
    assert broken.requests == 1


def test_a_call_that_may_have_been_received_is_not_sent_again(
    run: Run, address: str, api: Api, broken: Broken
) -> None:
    done = run("start", "hello", "main", PREVS_API=f"{broken.address},{address}")
    assert (done.status, done.out) == (1, "")
    assert broken.address in done.err
    assert (broken.requests, api.requests) == (1, [])


def test_an_error_names_every_address_and_why(run: Run, broken: Broken) -> None:
    done = run("ls", PREVS_API=f"{NOBODY},{broken.address}")
    assert done.status == 1
    assert f"{NOBODY}: connection refused" in done.err
    assert f"{broken.address}: " in done.err
    assert "PREVS_API" in done.err


def test_the_address_that_has_answered_is_tried_first(address: str, api: Api) -> None:
    connection = Connection(Credentials((NOBODY, address), TOKEN))
    for _ in range(2):
        connection.call("GET", "/v1/apps", timeout=10).close()
        assert connection.address == address
    connection.close()


def test_a_refusal_is_an_answer(address: str, broken: Broken) -> None:
    connection = Connection(Credentials((address, broken.address), "wrong"))
    with pytest.raises(ApiRefused):
        connection.call("GET", "/v1/apps", timeout=10)
    connection.close()
    assert broken.requests == 0


def test_too_many_calls_wait_as_the_api_requires_and_for_a_minute_in_all(
    address: str, api: Api
) -> None:
    api.next = [limits.refuse(25, "Too much.") for _ in range(3)]
    holds: list[float] = []
    connection = Connection(Credentials((address,), TOKEN), hold=holds.append)
    with pytest.raises(ApiRefused):
        connection.call("GET", "/v1/apps", timeout=10)
    connection.close()
    assert holds == [25, 25]


def test_an_address_that_keeps_silent_is_left_after_a_while(address: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silence = f"http://127.0.0.1:{silent.getsockname()[1]}"
        connection = Connection(Credentials((silence, address), TOKEN))
        connection.call("GET", "/v1/apps", timeout=2).close()
        assert connection.address == address
        connection.close()
        connection = Connection(Credentials((silence, address), TOKEN))
        with pytest.raises(ApiUnreachable, match="no answer in time"):
            connection.call("POST", "/v1/apps", timeout=0.2, json={})
        connection.close()


def test_a_stream_that_breaks_goes_on_at_the_next_address(run: Run, address: str, api: Api) -> None:
    other = Api()
    other.add("hello", "main")
    api.put(State.RUNNING, log="one\n")
    other.put(State.STOPPED, log="one\ntwo\n")
    api.script = [("one", api.cut)]
    with other.serving() as second:
        done = run("logs", "hello", "main", "-f", PREVS_API=f"{address},{second}")
    assert (done.status, done.out) == (0, "one\ntwo\n")
    assert (api.resumed_after, other.resumed_after) == ([None], ["4"])
