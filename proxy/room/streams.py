"""The endpoint of a page's event stream.

A stream takes a connection of HAProxy to the room. A page for which there is none is told the
state, and to come again in a while: so does any browser.
"""

import contextlib
import json

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from prevs import names
from proxy.model import problems
from proxy.model.preview import Preview, read_preview
from proxy.room import answers, events
from proxy.room.parts import Parts, may_read, read_visit
from proxy.room.slots import Slots

AT_A_TIME = 1500
"""How many there are at a time: HAProxy has 2,000 connections to the room."""
EACH = 40
"""How many of these may be one client's: many people may come from one address."""
_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


class Streams:
    """The endpoint. Belongs to the event loop's thread."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._slots = Slots(AT_A_TIME, EACH)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Stream what happens to the preview of a page, until that or the client ends."""
        request = Request(scope, receive)
        with self._slots.take(request.headers.get("x-forwarded-for", "")) as has_one:
            answer = await self._answer(request, lasts=has_one)
            await answer(scope, receive, send)

    async def _answer(self, request: Request, *, lasts: bool) -> Response:
        visit = read_visit(self._parts, request)
        sha = request.query_params.get("sha", "")
        if not visit.app or not names.is_sha(sha):
            return answers.plain(problems.no_address(visit.host, self._parts.domain))
        if not may_read(self._parts, visit, request):
            return answers.plain(problems.not_shown(visit.app, sha))
        page = events.Page(
            renew=lambda now: self._parts.tokens.sign_log(visit.host, sha, now),
            after=request.headers.get("last-event-id") or request.query_params.get("after") or None,
            refused=request.query_params.get("refused", ""),
            shows_all=await self._parts.shown.shows_all(visit.app),
        )
        parts, preview = self._parts, (visit.app, sha)
        if lasts:
            stream = events.follow(
                parts.sources,
                parts.refusals,
                visit.host,
                preview=preview,
                page=page,
                clock=parts.clock,
            )
        else:
            stream = events.glance(
                lambda: self._look(*preview),
                parts.refusals,
                visit.host,
                page=page,
                clock=parts.clock,
            )
        return StreamingResponse(stream, media_type="text/event-stream", headers=_HEADERS)

    async def _look(self, app: str, sha: str) -> Preview | None:
        """Return a preview as it is. Where it is followed nobody is asked."""
        if state := self._parts.sources.state(app, sha):
            with contextlib.suppress(ValueError):
                return read_preview(json.loads(state.data))
        return await self._parts.waiting.look(app, sha)
