"""The connection of acknowledgements, against a server that answers, refuses, hangs and closes."""

import json
import os
import socket
import socketserver
import struct
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from driver import kept_connection
from driver.calls import Place
from driver.errors import CallFailed, NotConnected
from driver.kept_connection import KeptConnection
from tests.fakes.mesos_stream import Answer, StreamServer
from tests.free_ports import free_port

_GOOD = b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n"


class Peer:
    """A server that notes the calls of each connection, and answers each that it has `answers` for.

    After its last answer it closes, or it stays silent if it `hangs`. If it `resets`, it has one
    answer for each connection.
    """

    def __init__(self, *answers: bytes, hangs: bool = False, resets: bool = False) -> None:
        self.connections: list[list[bytes]] = []
        peer, left = self, list(answers)

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                calls: list[bytes] = []
                peer.connections.append(calls)
                while left and self._take(calls):
                    self.wfile.write(left.pop(0))
                    if resets:
                        at_once = struct.pack("ii", 1, 0)
                        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, at_once)
                        os.close(self.connection.detach())
                        return
                if hangs:
                    self.rfile.read()

            def _take(self, calls: list[bytes]) -> bool:
                length = 0
                while (line := self.rfile.readline()) not in (b"\r\n", b""):
                    if line.startswith(b"Content-Length:"):
                        length = int(line.split()[1])
                if length:
                    calls.append(self.rfile.read(length))
                return bool(length)

        self.server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, args=(0.01,)).start()
        self.place = Place(f"127.0.0.1:{self.server.server_address[1]}", "/api", {"X-Id": "1"})

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def counts(self) -> list[int]:
        return [len(calls) for calls in self.connections]


@pytest.fixture
def kept() -> Iterator[KeptConnection]:
    made = KeptConnection(2.0)
    yield made
    made.close()


def bodies(count: int) -> list[dict[str, Any]]:
    return [{"type": "ACKNOWLEDGE", "number": number} for number in range(count)]


def serve(
    request: pytest.FixtureRequest, *answers: bytes, hangs: bool = False, resets: bool = False
) -> Peer:
    peer = Peer(*answers, hangs=hangs, resets=resets)
    request.addfinalizer(peer.close)
    return peer


def test_all_calls_share_one_connection(
    kept: KeptConnection, request: pytest.FixtureRequest
) -> None:
    count = kept_connection._AT_ONCE + 3
    peer = serve(request, *[_GOOD] * 2 * count)
    kept.post_all(peer.place, bodies(count))
    kept.post_all(peer.place, bodies(count))
    assert peer.counts() == [2 * count]
    assert peer.connections[0][count - 1] == b'{"type": "ACKNOWLEDGE", "number": %d}' % (count - 1)


def test_a_fake_master_answers_calls_that_come_together(kept: KeptConnection) -> None:
    master = StreamServer()
    try:
        kept.post_all(Place(master.address, "/", {}), bodies(3))
        assert [call.body["number"] for call in master.of_type("ACKNOWLEDGE")] == [0, 1, 2]
    finally:
        master.close()


def test_calls_are_sent_again_if_a_kept_connection_has_broken(
    kept: KeptConnection, request: pytest.FixtureRequest
) -> None:
    peer = serve(request, _GOOD)
    kept.post_all(peer.place, bodies(1))  # the peer closes after it
    with pytest.raises(CallFailed) as caught:
        kept.post_all(peer.place, bodies(1))
    assert caught.value.outcome_unknown
    # On the kept connection nobody listened any more; on a new one there was no answer either.
    assert len(peer.connections) == 2


def test_what_a_peer_leaves_unanswered_is_sent_on_a_new_connection(kept: KeptConnection) -> None:
    master = StreamServer()
    master.call_answer = Answer(headers={"Connection": "close"})
    try:
        kept.post_all(Place(master.address, "/", {}), bodies(3))
        assert {call.body["number"] for call in master.of_type("ACKNOWLEDGE")} == {0, 1, 2}
    finally:
        master.close()


def test_what_a_peer_has_not_read_when_it_closes_is_sent_on_a_new_connection(
    kept: KeptConnection, request: pytest.FixtureRequest
) -> None:
    peer = serve(request, *[_GOOD] * 3, resets=True)
    kept.post_all(peer.place, bodies(3))
    sent = [json.loads(call) for calls in peer.connections for call in calls]
    assert sent == bodies(3)
    assert peer.counts() == [1, 1, 1]


def test_a_refusal_is_raised_and_the_next_calls_get_a_new_connection(
    kept: KeptConnection, request: pytest.FixtureRequest
) -> None:
    refusal = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 6\r\n\r\nnot me"
    peer = serve(request, _GOOD, refusal, _GOOD)
    with pytest.raises(CallFailed, match="403 not me") as caught:
        kept.post_all(peer.place, bodies(2))
    assert (caught.value.status, caught.value.outcome_unknown) == (403, False)
    kept.post_all(peer.place, bodies(1))
    assert len(peer.connections) == 2


@pytest.mark.parametrize(
    "answer",
    [
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"HTTP/1.1 202 Accepted\r\nContent-Length: 1000000000\r\n\r\n",
    ],
)
def test_an_answer_that_cannot_be_read_leaves_the_outcome_unknown(
    kept: KeptConnection, request: pytest.FixtureRequest, answer: bytes
) -> None:
    peer = serve(request, answer)
    with pytest.raises(CallFailed) as caught:
        kept.post_all(peer.place, bodies(1))
    assert caught.value.outcome_unknown


def test_a_peer_that_hangs_is_given_up(request: pytest.FixtureRequest) -> None:
    peer = serve(request, hangs=True)
    impatient = KeptConnection(0.05)
    with pytest.raises(CallFailed, match="timed out") as caught:
        impatient.post_all(peer.place, bodies(1))
    assert caught.value.outcome_unknown


def test_nothing_was_sent_to_a_peer_that_is_not_there(kept: KeptConnection) -> None:
    with pytest.raises(NotConnected):
        kept.post_all(Place(f"127.0.0.1:{free_port()}", "/", {}), bodies(1))
