"""The log and the state of a job, as they come, over as many connections as it takes."""

from collections.abc import Callable, Iterator
from contextlib import closing
from typing import TYPE_CHECKING, NamedTuple, cast

from cli.client.event_streams import Gap, OutputPiece, Stream, read_content, read_part, resume
from cli.client.generated.records import Job
from program.http.server_events import ServerEvent

if TYPE_CHECKING:
    from cli.client.api import Api


class LogPart(NamedTuple):
    """More of a log of which nobody knows who wrote what.

    `end` is the offset of the byte after it, None if it is not known.
    """

    text: str
    end: int | None


class NextAttempt(NamedTuple):
    """Another attempt has begun, and with it another log."""


class JobChanged(NamedTuple):
    """The job as it is now."""

    job: Job


class JobEnded(NamedTuple):
    """The job has ended, and its whole log has come."""

    job: Job


Update = LogPart | OutputPiece | Gap | NextAttempt | JobChanged | JobEnded


def follow(
    api: "Api",
    app: str,
    job_id: str,
    *,
    pause: Callable[[float], None],
    notify: Callable[[str], None],
) -> Iterator[Update]:
    """Yield the updates of a job until it ends. Reconnects and raises as for a preview."""

    def connect(after: str | None) -> Stream:
        return api.follow_job_log(app, job_id, after=after, apart=True)

    with closing(resume(api, connect, pause, notify)) as events:
        for event in events:
            update = read(event, api.address)
            if update is not None:
                yield update
            if isinstance(update, JobEnded):
                return


def read(event: ServerEvent, address: str) -> Update | None:
    """Return the update in an event, or None for an unknown one. Raises ApiConfused."""
    match event.name:
        case "log":
            end = int(event.id) if event.id and event.id.isdecimal() else None
            return LogPart(str(read_content(event, address)), end)
        case "reset":
            return NextAttempt()
        case "state":
            return JobChanged(cast(Job, read_content(event, address)))
        case "end":
            return JobEnded(cast(Job, read_content(event, address)))
    return read_part(event, address)
