"""/v1/events: what has happened lately, as a list or as a stream.

event: its type          id: the event's     data: the event
event: reset             id: the last event's     data: {}     the reader has missed events: another
                         framework leads now, or they are no longer kept
"""

import time
from collections.abc import AsyncGenerator, Callable
from typing import Any

from fastapi import Response
from fastapi.responses import StreamingResponse

from framework.access import Scope
from framework.errors import UnknownPlace
from framework.http_api.admission.operations import Reach, Routes, operation
from framework.http_api.http.paging import Paged
from framework.http_api.http.parameters import Accept, LastEventId, Listed, ListedApps
from framework.http_api.models import event_models as models
from framework.http_api.streams.feed import KEEPALIVE_S, Feed, Reset
from framework.preview.history import ActivityEvent
from framework.service.service_client import ServiceClient
from program.http.server_events import STILL_HERE, ServerEvent

_STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "description": (
            "The last events first. A client that accepts text/event-stream gets those that "
            "follow the one named by Last-Event-ID, and `reset` if that one is no longer known."
        ),
        "model": models.Events,
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
    }
}


class EventRoutes(Routes):
    """The calls about events. None blocks."""

    tag = "events"

    def __init__(
        self, previews: ServiceClient, feed: Feed, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._previews = previews
        self._feed = feed
        self._clock = clock

    @operation(
        "GET",
        "/v1/events",
        Scope.READ,
        Reach.ITS_SHARE,
        refuses=(404,),
        response_model=models.Events,
        answers=_STREAM,
    )
    async def list_events(
        self,
        *,
        paged: Paged,
        listed: ListedApps,
        accept: Accept = "",
        last_event_id: LastEventId = "",
    ) -> models.Events | Response:
        """List what has happened lately to one app or to all, the last first; or follow it."""
        listed.require_known(self._previews.snapshot)
        if "text/event-stream" in accept.lower():
            # No proxy on the way may buffer the stream.
            headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
            events = self._follow(listed, last_event_id.strip())
            return StreamingResponse(events, headers=headers, media_type="text/event-stream")
        history = self._feed.history
        kept = history.before(paged.after) if paged.after else history.events
        if kept is None:
            raise UnknownPlace
        found = [one for one in reversed(kept) if listed.has(one.app)]
        page = found[: paged.limit]
        return models.Events(
            events=[models.show_event(one) for one in page],
            next=page[-1].id if found[paged.limit :] else None,
        )

    async def _follow(self, listed: Listed, after: str) -> AsyncGenerator[bytes, None]:
        # Shows the reader at once that the stream is open, also while nothing happens.
        yield ServerEvent("", "from here on").encode()
        sent = self._clock()
        async for event in self._feed.follow(after):
            data = _encode(event) if _is_of(event, listed) else b""
            # A keepalive must not show when something happens to another app.
            if data or self._clock() - sent >= KEEPALIVE_S:
                yield data or STILL_HERE
                sent = self._clock()


def _is_of(event: ActivityEvent | Reset | None, listed: Listed) -> bool:
    return not isinstance(event, ActivityEvent) or listed.has(event.app)


def _encode(event: ActivityEvent | Reset | None) -> bytes:
    match event:
        case ActivityEvent():
            data = models.show_event(event).model_dump_json()
            return ServerEvent(event.type, data, event.id).encode()
        case Reset(last):
            return ServerEvent("reset", "{}", last).encode()
    return STILL_HERE
