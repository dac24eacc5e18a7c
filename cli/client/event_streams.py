"""The streams of a preview's log and of all events, over as many connections as it takes."""

import base64
import json
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, closing
from typing import Any, NamedTuple, Protocol, cast

from cli.client.generated.records import Event, Preview
from cli.errors import ApiConfused, ApiRefused, ApiUnreachable, CliError, Failure
from program.http.server_events import ServerEvent

PAUSES = (0.2, 0.5, 1.0, 2.0, 4.0, 8.0, 8.0, 8.0)
"""Seconds before each attempt to connect again; they start over when an event arrives."""


class LogPiece(NamedTuple):
    """More of the log, of which nobody knows who wrote what."""

    text: str


class OutputPiece(NamedTuple):
    """More of the log, all of one source: stdout, stderr or prevs."""

    source: str
    data: bytes


class Gap(NamedTuple):
    """Something is missing here; `text` says how much, and why."""

    text: str

    @property
    def line(self) -> str:
        """The line that replaces it in a log."""
        return f"\n== {self.text} ==\n"


class NewAttempt(NamedTuple):
    """Another attempt has begun, and with it another log."""


class Changed(NamedTuple):
    """The preview as it is now."""

    preview: Preview


class PreviewEnded(NamedTuple):
    """The preview has stopped or failed, and its whole log has come."""

    preview: Preview


Update = LogPiece | OutputPiece | Gap | NewAttempt | Changed | PreviewEnded


Stream = AbstractContextManager[Iterator[ServerEvent]]
"""Events. The iterator blocks between them, and raises ApiUnreachable if the connection breaks."""


class HasAddress(Protocol):
    """What is at an address, as `Api` is."""

    @property
    def address(self) -> str:
        """The address of the last call."""
        ...


class Streams(HasAddress, Protocol):
    """The source of the events. `Api` is one."""

    def follow_log(self, app: str, sha: str, *, after: str | None, apart: bool = False) -> Stream:
        """Connect to a preview's log, and return the events after the id `after`."""
        ...

    def follow_events(self, *, after: str | None, app: str | None = None) -> Stream:
        """Connect to the events of one app or of all, and return those after the id `after`."""
        ...


def follow(
    streams: Streams,
    app: str,
    sha: str,
    *,
    pause: Callable[[float], None],
    notify: Callable[[str], None],
) -> Iterator[Update]:
    """Yield the updates of a preview until it ends.

    If a connection breaks, `notify` gets a message, and a new one continues where it ended. Raises
    the last error if it still fails after all PAUSES, and any other error at once.
    """

    def connect(after: str | None) -> Stream:
        return streams.follow_log(app, sha, after=after, apart=True)

    with closing(resume(streams, connect, pause, notify)) as events:
        for event in events:
            update = read(event, streams.address)
            if update is not None:
                yield update
            if isinstance(update, PreviewEnded):
                return


def follow_events(
    streams: Streams,
    app: str | None,
    after: str | None,
    *,
    pause: Callable[[float], None],
    notify: Callable[[str], None],
) -> Generator[Event | None, None, None]:
    """Yield the events after the event `after`, for ever. None means that some are missing there.

    Reconnects and raises as `follow` does.
    """

    def connect(last: str | None) -> Stream:
        return streams.follow_events(app=app, after=after if last is None else last)

    with closing(resume(streams, connect, pause, notify)) as events:
        for event in events:
            if event.name == "reset":
                yield None
            else:
                yield cast(Event, read_content(event, streams.address))


def resume(
    source: HasAddress,
    connect: Callable[[str | None], Stream],
    pause: Callable[[float], None],
    notify: Callable[[str], None],
) -> Generator[ServerEvent, None, None]:
    """Yield the events of a stream; `connect` connects to those after the event with that id.

    Reconnects and raises as `follow` does. It ends only when it is closed.
    """
    after: str | None = None
    failures = 0
    while True:
        lost: CliError = ApiUnreachable(Failure(source.address, "the connection ended early"))
        try:
            with connect(after) as events:
                for event in events:
                    failures = 0
                    after = event.id if event.id is not None else after
                    yield event
        except (ApiUnreachable, ApiRefused) as exc:
            if not may_pass(exc):
                raise
            lost = exc
        if failures == len(PAUSES):
            raise lost
        if failures == 0:
            notify("The connection is lost. Connecting again ...")
        pause(PAUSES[failures])
        failures += 1


def may_pass(error: CliError) -> bool:
    """Return whether the same call may succeed in a moment."""
    if isinstance(error, ApiRefused):
        return error.problem.http_status >= 500
    return isinstance(error, ApiUnreachable)


def read(event: ServerEvent, address: str) -> Update | None:
    """Return the update in an event of the stream, or None for an unknown event.

    Raises ApiConfused.
    """
    if event.name == "reset":
        return NewAttempt()
    if (part := read_part(event, address)) is not None:
        return part
    if event.name not in {"log", "state", "end"}:
        return None
    content = read_content(event, address)
    if event.name == "log":
        return LogPiece(str(content))
    preview = cast(Preview, content)
    return Changed(preview) if event.name == "state" else PreviewEnded(preview)


def read_part(event: ServerEvent, address: str) -> OutputPiece | Gap | None:
    """Return the part of a log in an event, None for another event. Raises ApiConfused."""
    if event.name not in {"output", "gap"}:
        return None
    content = read_content(event, address)
    try:
        if event.name == "gap":
            return Gap(str(content["text"]))
        return OutputPiece(content["source"], base64.b64decode(content["base64"]))
    except (KeyError, TypeError, ValueError):
        raise ApiConfused(address, f"the event {event.name!r} lacks something") from None


def read_content(event: ServerEvent, address: str) -> Any:
    """Return what an event from `address` says. Raises ApiConfused."""
    try:
        return json.loads(event.data)
    except ValueError:
        raise ApiConfused(address, f"the event {event.name!r} is not JSON") from None
