"""Following a preview: its log and its changes of state, over as many connections as it takes."""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import NamedTuple, Protocol, cast

from cli.answers import Preview
from cli.errors import ApiConfused, ApiRefused, ApiUnreachable, CliError
from cli.server_events import ServerEvent

PAUSES = (0.2, 0.5, 1.0, 2.0, 4.0, 8.0, 8.0, 8.0)
"""Seconds before each attempt to connect again; they start over when an event arrives."""


class LogPiece(NamedTuple):
    """More of the log."""

    text: str


class NewAttempt(NamedTuple):
    """Another attempt has begun, and with it another log."""


class Changed(NamedTuple):
    """The preview as it is now."""

    preview: Preview


class Ended(NamedTuple):
    """The preview is stopped or failed, and all of its log was sent."""

    preview: Preview


Step = LogPiece | NewAttempt | Changed | Ended


class Streams(Protocol):
    """Where the events come from; cli.api.Api is one."""

    @property
    def address(self) -> str:
        """Where they come from."""
        ...

    def log_stream(
        self, app: str, sha: str, *, after: str | None
    ) -> AbstractContextManager[Iterator[ServerEvent]]:
        """Connect, and return the events after the id `after`."""
        ...


def follow(
    streams: Streams,
    app: str,
    sha: str,
    *,
    pause: Callable[[float], None],
    told: Callable[[str], None],
) -> Iterator[Step]:
    """Return what happens to a preview until it ends.

    A connection that breaks is made again and goes on where the last one broke off; `told` hears
    of that. Raises the last error when none of PAUSES has helped, and any other answer at once.
    """
    after: str | None = None
    failures = 0
    while True:
        lost: CliError = ApiUnreachable((streams.address, "the connection ended early"))
        try:
            with streams.log_stream(app, sha, after=after) as events:
                for event in events:
                    failures = 0
                    after = event.id if event.id is not None else after
                    step = read(event, streams.address)
                    if step is not None:
                        yield step
                    if isinstance(step, Ended):
                        return
        except (ApiUnreachable, ApiRefused) as exc:
            if not may_pass(exc):
                raise
            lost = exc
        if failures == len(PAUSES):
            raise lost
        if failures == 0:
            told("The connection is lost; connecting again ...")
        pause(PAUSES[failures])
        failures += 1


def may_pass(error: CliError) -> bool:
    """Tell whether the same call may work in a moment."""
    if isinstance(error, ApiRefused):
        return error.problem.http_status >= 500
    return isinstance(error, ApiUnreachable)


def read(event: ServerEvent, address: str) -> Step | None:
    """Return what an event of the stream says, or None for one that we don't know.

    Raises ApiConfused.
    """
    if event.name == "reset":
        return NewAttempt()
    if event.name not in {"log", "state", "end"}:
        return None
    try:
        content = json.loads(event.data)
    except ValueError:
        raise ApiConfused(address, f"an event {event.name!r} that is not JSON") from None
    if event.name == "log":
        return LogPiece(str(content))
    preview = cast(Preview, content)
    return Changed(preview) if event.name == "state" else Ended(preview)
