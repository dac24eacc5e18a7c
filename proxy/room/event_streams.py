"""The endpoint of a page's event stream.

A stream takes one of HAProxy's connections to the room. If all are taken, a page gets the state
once and a time to reconnect after, which any browser obeys.
"""

import contextlib
import json
from collections.abc import AsyncIterator

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from prevs import names
from program.limits.slots import Slots
from proxy.model import problems
from proxy.model.preview import Preview, read_preview
from proxy.pages.pages import Visit
from proxy.room import events, responses
from proxy.room.context import RoomContext
from proxy.room.visits import may_read, read_client, read_visit

AT_A_TIME = 1500
"""How many streams are open at a time: HAProxy has 2,000 connections to the room."""
EACH = 40
"""How many of these one client may have: many people may share one address."""
_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


class EventStreams:
    """The endpoint. Belongs to the event loop's thread."""

    def __init__(self, context: RoomContext) -> None:
        self._context = context
        self._slots = Slots(EACH, in_all=AT_A_TIME)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Stream the events of a page's preview until the stream ends or the client leaves."""
        request = Request(scope, receive)
        with self._slots.take(read_client(request)) as has_one:
            answer = await self._answer(request, lasts=has_one)
            await answer(scope, receive, send)

    async def _answer(self, request: Request, *, lasts: bool) -> Response:
        visit = read_visit(self._context, request)
        sha = request.query_params.get("sha", "")
        if not visit.app or not names.is_sha(sha):
            return responses.problem_json(problems.no_address(visit.host, self._context.domain))
        if not may_read(self._context, visit, request):
            return responses.problem_json(problems.not_shown(visit.app, visit.label))
        page = events.Page(
            renew=lambda now: self._context.tokens.sign_log(visit.host, sha, now),
            after=request.headers.get("last-event-id") or request.query_params.get("after") or None,
            refused=request.query_params.get("refused", ""),
            shows_all=await self._context.visibility.shows_all(visit.app),
        )
        stream = (self._follow if lasts else self._show_once)(visit, sha, page)
        return StreamingResponse(stream, media_type="text/event-stream", headers=_HEADERS)

    def _follow(self, visit: Visit, sha: str, page: events.Page) -> AsyncIterator[bytes]:
        context = self._context
        return events.follow(
            context.preview_streams,
            context.refused_tasks,
            visit.host,
            preview=(visit.app, sha),
            page=page,
            clock=context.clock,
        )

    def _show_once(self, visit: Visit, sha: str, page: events.Page) -> AsyncIterator[bytes]:
        return events.show_once(
            lambda: self._look(visit.app, sha),
            self._context.refused_tasks,
            visit.host,
            page=page,
            clock=self._context.clock,
        )

    async def _look(self, app: str, sha: str) -> Preview | None:
        """Return a preview as it is; without a call to the framework if a page follows it."""
        if state := self._context.preview_streams.state(app, sha):
            with contextlib.suppress(ValueError):
                return read_preview(json.loads(state.data))
        return await self._context.pending_starts.find_recent(app, sha)
