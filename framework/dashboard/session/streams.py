"""Streams of events to browsers. A named token may read a limited number of them at a time."""

from collections.abc import AsyncIterable

from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from framework.access import Identity
from framework.http_api.admission.limits import OPEN, RETRY_OPEN_S
from program.limits.slots import Slots

_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


class Streams:
    """Makes answers that stream events. Belongs to the event loop's thread."""

    def __init__(self) -> None:
        self._slots = Slots(OPEN)

    def send(self, identity: Identity, events: AsyncIterable[bytes]) -> Response:
        """Return an answer that streams events; 429 if a named token reads OPEN streams already."""
        if identity.is_limited:
            return _Limited(events, identity.name, self._slots)
        return _stream(events)


class _Limited(Response):
    """A stream that takes a slot while it is open; or the refusal, if there is none."""

    def __init__(self, events: AsyncIterable[bytes], name: str, slots: Slots) -> None:
        super().__init__()
        self._events = events
        self._name = name
        self._slots = slots

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the events until one side ends."""
        with self._slots.take(self._name) as has_one:
            answer = _stream(self._events) if has_one else _refuse(self._name)
            await answer(scope, receive, send)


def _stream(events: AsyncIterable[bytes]) -> Response:
    return StreamingResponse(events, headers=_HEADERS, media_type="text/event-stream")


def _refuse(name: str) -> Response:
    why = f"The token {name!r} already reads {OPEN} streams. Close some pages."
    headers = {"Cache-Control": "no-store", "Retry-After": str(RETRY_OPEN_S)}
    return PlainTextResponse(why, 429, headers)
