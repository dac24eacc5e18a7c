"""The log of an attempt on pages: its end without scripts, its events, and the whole as a file."""

import contextlib
from collections.abc import AsyncGenerator, AsyncIterator

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from framework.dashboard.pages.page_context import PageContext
from framework.dashboard.pages.timeouts import within
from framework.dashboard.session.sessions import Viewer
from framework.errors import Unavailable
from framework.http_api.streams import logs
from framework.http_api.streams.public_logs import Piece
from framework.ports import Logged
from program.text.page_text import end_of_log

LOG_S = 2.0
"""How long a page waits for the end of a log."""


class AttemptLogs:
    """Answers with the logs of previews and jobs. Belongs to the event loop's thread."""

    def __init__(self, context: PageContext) -> None:
        self._context = context

    async def read_end(self, request: Request, logged: Logged) -> str:
        """Return a log's last lines for browsers without scripts; "" for a script's request."""
        by_script = request.headers.get("sec-fetch-dest", "document") != "document"
        if by_script or logs.find_log(logged) is None:
            return ""
        tail = self._context.logs.read_tail(logged)
        try:
            return end_of_log(await within(tail, "The log", LOG_S))
        except Unavailable as error:
            return f"{error}\n"

    def follow(
        self, request: Request, viewer: Viewer, events: AsyncGenerator[bytes, None]
    ) -> Response:
        """Return the answer that sends the events of a log to a viewer."""
        seen = self._while_signed_in(request, viewer, events)
        return self._context.streams.send(viewer.identity, seen)

    async def download(self, logged: Logged, name: str) -> Response:
        """Return the answer with the whole log as a file of that name.

        Raises Unavailable if it cannot be read at all.
        """
        first = await self._context.logs.read(logged, 0)
        headers = {
            "Cache-Control": "no-store",
            "Content-Disposition": f'attachment; filename="{name}.log"',
            "X-Content-Type-Options": "nosniff",
        }
        return StreamingResponse(
            self._read(logged, first), headers=headers, media_type="text/plain"
        )

    async def _while_signed_in(
        self, request: Request, viewer: Viewer, events: AsyncGenerator[bytes, None]
    ) -> AsyncIterator[bytes]:
        """Yield events until the session is over or its roles change, and nothing after that."""
        async with contextlib.aclosing(events):
            async for event in events:
                if not self._context.access.is_still(request, viewer):
                    return
                yield event

    async def _read(self, logged: Logged, piece: Piece) -> AsyncIterator[bytes]:
        try:
            while piece.data:
                yield piece.data
                piece = await self._context.logs.read(logged, piece.end)
        except Unavailable as error:
            yield f"\n[The log continues. {error}]\n".encode()
