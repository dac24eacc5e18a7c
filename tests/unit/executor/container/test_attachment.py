"""executor/container/attachment.py: a container's output, whole, and what is said if it is not."""

import threading
from collections.abc import Iterable, Sequence
from typing import Any, cast

import pytest
from docker.api import APIClient
from docker.errors import NotFound
from hypothesis import given
from hypothesis import strategies as st

from executor.container.attachment import Attachment, Follower, Frames
from executor.errors import DockerUnavailable
from prevs.log_sources import Source
from tests.fakes.attached import SentOutput, frame
from tests.fakes.attempts import MemoryLog

LIMIT = 30.0
STREAMS = {Source.STDOUT: 1, Source.STDERR: 2}
AWAY = "output may be missing here: Docker did not answer, and nobody knows what was printed"

sources = st.sampled_from([Source.STDOUT, Source.STDERR])
writes = st.lists(st.tuples(sources, st.binary(max_size=30)), max_size=20)


def encode(written: Iterable[tuple[Source, bytes]]) -> bytes:
    return b"".join(frame(STREAMS[source], data) for source, data in written)


@given(writes, st.lists(st.integers(min_value=1, max_value=40)))
def test_however_the_stream_is_cut_each_byte_keeps_its_place_and_its_source(
    written: list[tuple[Source, bytes]], cuts: list[int]
) -> None:
    sent, frames = encode(written), Frames()
    found: list[tuple[Source, bytes]] = []
    for size in [*cuts, len(sent)]:
        found += frames.feed(sent[:size])
        sent = sent[size:]
    each = [(source, bytes([byte])) for source, data in written for byte in data]
    assert [(source, bytes([byte])) for source, data in found for byte in data] == each


class Client:
    """A docker with one container, whose connections send `outputs`, and which is asked `states`.

    A state is whether it runs, or an error.
    """

    def __init__(self, outputs: Sequence[SentOutput], states: Sequence[bool | Exception]) -> None:
        self.outputs, self.states = list(outputs), list(states)

    def attach_socket(self, container: str, params: object) -> SentOutput:
        return self.outputs.pop(0)

    def inspect_container(self, container: str) -> dict[str, Any]:
        state = self.states.pop(0)
        if isinstance(state, Exception):
            raise state
        return {"State": {"Running": state}}


def follow(
    *outputs: bytes, states: Sequence[bool | Exception] = (), over: bool = True, away: bool = False
) -> MemoryLog:
    """Return the log of a container that sends this over one connection after another."""
    client, log, ended = Client([SentOutput(one) for one in outputs], states), MemoryLog(), over
    is_over = threading.Event()
    if ended:
        is_over.set()
    docker = cast(APIClient, client)
    Follower(Attachment(docker, "c"), log, is_over).follow(lambda: away)
    assert client.states == []
    return log


def test_the_output_of_a_container_is_copied_to_its_end() -> None:
    log = follow(encode([(Source.STDOUT, b"a"), (Source.STDERR, b"b"), (Source.STDOUT, b"c\n")]))
    assert (log.data, log.headers) == (b"abc\n", [])
    assert (log.of[Source.STDOUT], log.of[Source.STDERR]) == (b"ac\n", b"b")


def test_an_end_that_is_seen_late_is_no_gap() -> None:
    log = follow(encode([(Source.STDOUT, b"a\n")]), states=[False], over=False)
    assert (log.data, log.headers) == (b"a\n", [])


def test_where_docker_was_away_the_log_says_that_output_may_be_missing() -> None:
    sent = [encode([(Source.STDOUT, data)]) for data in (b"a\n", b"b\n")]
    states: list[bool | Exception] = [DockerUnavailable("it restarts"), True, False]
    log = follow(*sent, states=states, over=False)
    assert log.data == b"a\nb\n"
    assert [header.startswith(AWAY) for header in log.headers] == [True]


@pytest.mark.parametrize("state", [False, NotFound("gone"), DockerUnavailable("it stays away")])
def test_so_it_does_if_the_container_ended_meanwhile(state: bool | Exception) -> None:
    log = follow(encode([(Source.STDOUT, b"a\n")]), states=[state], away=True)
    assert (log.data, len(log.headers)) == (b"a\n", 1)


def test_the_log_goes_on_after_any_error() -> None:
    class Odd(MemoryLog):
        def write(self, data: bytes, source: Source = Source.PREVS) -> None:
            if data == b"a":
                raise ValueError(data)
            super().write(data, source)

    client = Client([SentOutput(encode([(Source.STDOUT, one)])) for one in (b"a", b"b")], [True])
    docker, log, over = cast(APIClient, client), Odd(), threading.Event()
    client.states.append(False)
    Follower(Attachment(docker, "c"), log, over).follow(lambda: False)
    assert (log.data, len(log.headers)) == (b"b", 1)


def test_what_docker_does_not_pass_on_in_time_is_said_to_be_missing() -> None:
    sent = SentOutput(encode([(Source.STDOUT, b"a\n")]), stays=True)
    client, log, over = cast(APIClient, Client([sent], [])), MemoryLog(), threading.Event()
    over.set()
    follower = Follower(Attachment(client, "c"), log, over)
    thread = threading.Thread(target=follower.follow, args=(lambda: False,))
    thread.start()
    follower.wait(thread, 0.05)
    thread.join(LIMIT)
    assert not thread.is_alive()
    why = "output may be missing here: Docker did not pass on the end of the output within 0.05 s"
    assert log.headers == [why]
    follower.wait(thread, LIMIT)
    assert log.headers == [why]
