"""Streams of events to browsers. A named token may read a limited number of them at a time."""

from collections import Counter
from collections.abc import AsyncIterable

from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from framework.access import Identity
from framework.http_api.admission.limits import OPEN, RETRY_OPEN_S

_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


class Streams:
    """Makes answers that stream events. Belongs to the event loop's thread."""

    def __init__(self) -> None:
        self._open: Counter[str] = Counter()

    def send(self, identity: Identity, events: AsyncIterable[bytes]) -> Response:
        """Return an answer that streams events; 429 if a named token reads OPEN streams already."""
        if identity.is_limited and self._open[identity.name] >= OPEN:
            why = f"The token {identity.name!r} reads {OPEN} streams already. Close some pages."
            headers = {"Cache-Control": "no-store", "Retry-After": str(RETRY_OPEN_S)}
            return PlainTextResponse(why, 429, headers)
        return _Counted(events, identity.name, self._open)


class _Counted(StreamingResponse):
    """A stream that is counted while it is open."""

    def __init__(self, events: AsyncIterable[bytes], name: str, count: Counter[str]) -> None:
        super().__init__(events, headers=_HEADERS, media_type="text/event-stream")
        self._name = name
        self._count = count

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the events until one side ends."""
        self._count[self._name] += 1
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._count[self._name] -= 1
            if not self._count[self._name]:
                del self._count[self._name]
