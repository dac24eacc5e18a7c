"""The answers to calls that read a log, and their parameters."""

from collections.abc import AsyncIterator
from typing import Annotated, Any, NamedTuple

from fastapi import Depends, Query, Response
from fastapi.responses import StreamingResponse

from framework.http_api.http.parameters import MOST, Accept, LastEventId
from framework.http_api.streams.attempt_stream import parse_event_id

DOCUMENTED: dict[int | str, dict[str, Any]] = {
    200: {
        "description": (
            "The log as it was written, at most 1 MB of it. A client that accepts "
            "text/event-stream gets the events log, state, reset and end as they come; with "
            "`apart`, output and gap instead of log, if it is known who wrote what."
        ),
        "content": {
            "text/plain": {"schema": {"type": "string"}},
            "text/event-stream": {"schema": {"type": "string"}},
        },
        "headers": {
            "X-Next-Offset": {
                "description": "Where to continue, in bytes.",
                "schema": {"type": "integer"},
            }
        },
    }
}
"""What the OpenAPI description says about the answers."""

Offset = Annotated[int, Query(ge=0, le=MOST, description="Where to begin, in bytes.")]
Tail = Annotated[bool, Query(description="Only the last lines, of about 4 KB.")]
OfAttempt = Annotated[
    int | None,
    Query(
        ge=1,
        le=MOST,
        description="Of this attempt, as text: `attempts` lists their numbers. Without it, of "
        "the last one.",
        examples=[2],
    ),
]


Apart = Annotated[
    bool,
    Query(
        description="As events, with who wrote what: output has a `source` (stdout, stderr or "
        "prevs) and its bytes in `base64`; gap has the number of `bytes` that are missing there, "
        "null if nobody knows, and a `text` that says why.",
    ),
]


class Following(NamedTuple):
    """How a client follows a log: from an offset in bytes on, perhaps with who wrote what."""

    offset: int
    apart: bool


async def _find_following(
    offset: Offset = 0,
    apart: Apart = False,
    accept: Accept = "",
    last_event_id: LastEventId = "",
) -> Following | None:
    if "text/event-stream" not in accept.lower():
        return None
    return Following(parse_event_id(last_event_id, offset), apart)


Follow = Annotated[Following | None, Depends(_find_following)]
"""How to follow the log, for a client that wants it as events; else None."""


def answer_events(events: AsyncIterator[bytes]) -> Response:
    """Return the answer that follows a log."""
    # No proxy on the way may buffer the stream.
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(events, headers=headers, media_type="text/event-stream")


def answer_text(text: str | bytes, next_offset: int | None = None) -> Response:
    """Return the answer with a part of a log, and where to continue."""
    headers = {"Cache-Control": "no-store"}
    if next_offset is not None:
        headers["X-Next-Offset"] = str(next_offset)
    return Response(text, headers=headers, media_type="text/plain")
