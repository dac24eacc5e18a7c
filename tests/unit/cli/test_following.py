"""Following a preview over connections that break."""

import contextlib
import json
from collections.abc import Iterator

import pytest

from cli.errors import ApiConfused, ApiRefused, ApiUnreachable, CliError, Failure, Problem
from cli.following import PAUSES, Changed, Ended, LogPiece, NewAttempt, Step, follow
from program.server_events import ServerEvent
from tests.fakes import answers as fake


class Streams:
    """Connections that send what a test wrote down, and then break or end."""

    address = "http://api"

    def __init__(self, *connections: list[ServerEvent | CliError]) -> None:
        self.connections = list(connections)
        self.resumed_after: list[str | None] = []

    @contextlib.contextmanager
    def log_stream(
        self, app: str, sha: str, *, after: str | None
    ) -> Iterator[Iterator[ServerEvent]]:
        self.resumed_after.append(after)
        yield self.sent(self.connections.pop(0))

    def event_stream(
        self, app: str | None, *, after: str | None
    ) -> contextlib.AbstractContextManager[Iterator[ServerEvent]]:
        return self.log_stream("", "", after=after)

    def sent(self, events: list[ServerEvent | CliError]) -> Iterator[ServerEvent]:
        for event in events:
            if isinstance(event, CliError):
                raise event
            yield event


BROKEN = ApiUnreachable(Failure("http://api", "the connection broke"))


def log(text: str, offset: int) -> ServerEvent:
    return ServerEvent("log", json.dumps(text), str(offset))


def state(name: str, state: str) -> ServerEvent:
    return ServerEvent(name, json.dumps(fake.preview(state=state)), None)


def refused(status: int) -> ApiRefused:
    return ApiRefused(Problem("some", status, "No", "No.", {}))


def followed(streams: Streams) -> tuple[list[Step], list[float], list[str]]:
    pauses: list[float] = []
    told: list[str] = []
    steps = follow(streams, "hello", fake.SHA, pause=pauses.append, told=told.append)
    return list(steps), pauses, told


def test_log_and_states_come_in_order_until_the_end() -> None:
    streams = Streams([state("state", "building"), log("a", 1), state("end", "failed")])
    steps, pauses, _ = followed(streams)
    assert [type(step) for step in steps] == [Changed, LogPiece, Ended]
    assert pauses == []


def test_a_broken_connection_goes_on_after_the_last_byte() -> None:
    streams = Streams([log("a", 1), BROKEN], [log("b", 2)], [state("end", "stopped")])
    steps, pauses, told = followed(streams)
    assert [step.text for step in steps if isinstance(step, LogPiece)] == ["a", "b"]
    assert streams.resumed_after == [None, "1", "2"]
    assert pauses == [PAUSES[0], PAUSES[0]]
    assert len(told) == 2


def test_another_attempt_begins_at_its_own_first_byte() -> None:
    reset = ServerEvent("reset", '{"task_id": "t"}', "0")
    streams = Streams([log("a", 1), reset, BROKEN], [state("end", "stopped")])
    steps, _, _ = followed(streams)
    assert [type(step) for step in steps] == [LogPiece, NewAttempt, Ended]
    assert streams.resumed_after == [None, "0"]


def test_it_gives_up_when_no_attempt_helps() -> None:
    pauses: list[float] = []
    always_broken: list[list[ServerEvent | CliError]] = [[BROKEN]] * (len(PAUSES) + 1)
    streams = Streams(*always_broken)
    with pytest.raises(ApiUnreachable):
        list(follow(streams, "hello", fake.SHA, pause=pauses.append, told=print))
    assert tuple(pauses) == PAUSES


def test_an_api_that_is_busy_is_asked_again() -> None:
    steps, pauses, _ = followed(Streams([refused(503)], [state("end", "stopped")]))
    assert len(steps) == len(pauses) == 1


def test_a_refusal_is_final() -> None:
    with pytest.raises(ApiRefused):
        followed(Streams([refused(404)]))


def test_events_of_a_newer_api_are_passed_over() -> None:
    steps, _, _ = followed(Streams([ServerEvent("new", "?", None), state("end", "stopped")]))
    assert [type(step) for step in steps] == [Ended]


def test_an_event_that_is_no_json_is_not_of_prevs() -> None:
    with pytest.raises(ApiConfused):
        followed(Streams([ServerEvent("log", "{", "1")]))
