"""Following a preview over connections that break."""

import contextlib
import json
from collections.abc import Iterator

import pytest

from cli.client.event_streams import (
    PAUSES,
    Changed,
    LogPiece,
    NewAttempt,
    PreviewEnded,
    Update,
    follow,
)
from cli.errors import ApiConfused, ApiRefused, ApiUnreachable, CliError, Failure, Problem
from program.http.server_events import ServerEvent
from tests.fakes import answers as fake


class Streams:
    """Connections that send what a test wrote down, and then break or end."""

    address = "http://api"

    def __init__(self, *connections: list[ServerEvent | CliError]) -> None:
        self.connections = list(connections)
        self.resumed_after: list[str | None] = []

    @contextlib.contextmanager
    def follow_log(
        self, app: str, sha: str, *, after: str | None, apart: bool = False
    ) -> Iterator[Iterator[ServerEvent]]:
        self.resumed_after.append(after)
        yield self.sent(self.connections.pop(0))

    def follow_events(
        self, *, after: str | None, app: str | None = None
    ) -> contextlib.AbstractContextManager[Iterator[ServerEvent]]:
        return self.follow_log("", "", after=after)

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


def followed(streams: Streams) -> tuple[list[Update], list[float], list[str]]:
    pauses: list[float] = []
    messages: list[str] = []
    updates = follow(streams, "hello", fake.SHA, pause=pauses.append, notify=messages.append)
    return list(updates), pauses, messages


def test_log_and_states_come_in_order_until_the_end() -> None:
    streams = Streams([state("state", "building"), log("a", 1), state("end", "failed")])
    updates, pauses, _ = followed(streams)
    assert [type(update) for update in updates] == [Changed, LogPiece, PreviewEnded]
    assert pauses == []


def test_a_broken_connection_goes_on_after_the_last_byte() -> None:
    streams = Streams([log("a", 1), BROKEN], [log("b", 2)], [state("end", "stopped")])
    updates, pauses, messages = followed(streams)
    assert [update.text for update in updates if isinstance(update, LogPiece)] == ["a", "b"]
    assert streams.resumed_after == [None, "1", "2"]
    assert pauses == [PAUSES[0], PAUSES[0]]
    assert len(messages) == 2


def test_another_attempt_begins_at_its_own_first_byte() -> None:
    reset = ServerEvent("reset", '{"task_id": "t"}', "0")
    streams = Streams([log("a", 1), reset, BROKEN], [state("end", "stopped")])
    updates, _, _ = followed(streams)
    assert [type(update) for update in updates] == [LogPiece, NewAttempt, PreviewEnded]
    assert streams.resumed_after == [None, "0"]


def test_following_gives_up_after_the_last_attempt_to_connect() -> None:
    pauses: list[float] = []
    always_broken: list[list[ServerEvent | CliError]] = [[BROKEN]] * (len(PAUSES) + 1)
    streams = Streams(*always_broken)
    with pytest.raises(ApiUnreachable):
        list(follow(streams, "hello", fake.SHA, pause=pauses.append, notify=print))
    assert tuple(pauses) == PAUSES


def test_a_stream_is_opened_again_when_the_api_is_busy() -> None:
    updates, pauses, _ = followed(Streams([refused(503)], [state("end", "stopped")]))
    assert len(updates) == len(pauses) == 1


def test_a_refusal_is_final() -> None:
    with pytest.raises(ApiRefused):
        followed(Streams([refused(404)]))


def test_events_of_a_newer_api_are_passed_over() -> None:
    updates, _, _ = followed(Streams([ServerEvent("new", "?", None), state("end", "stopped")]))
    assert [type(update) for update in updates] == [PreviewEnded]


def test_an_event_that_is_not_json_raises() -> None:
    with pytest.raises(ApiConfused):
        followed(Streams([ServerEvent("log", "{", "1")]))
