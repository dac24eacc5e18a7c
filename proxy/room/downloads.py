"""The log of a page's preview as a file: read from the framework piece by piece, and passed on."""

from collections.abc import AsyncGenerator

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from prevs import names
from proxy.model import problems
from proxy.model.errors import ApiAway, ApiRefused
from proxy.model.problems import Problem
from proxy.room import answers
from proxy.room.parts import Parts, may_read, read_visit
from proxy.room.slots import Slots

LONGEST = 256 * 1024 * 1024
"""How many bytes of a log are handed out."""
AT_A_TIME = 20
"""How many are handed out at the same time: each holds a megabyte."""
EACH = 4
"""How many of these may be one client's: another one gets its log, too."""


class Downloads:
    """The endpoint. Belongs to the event loop's thread."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._slots = Slots(AT_A_TIME, EACH)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand out what there is of a log by now. Starts nothing, and waits for no more of it.

        It counts from before the first piece is read until the last one is sent, or the client has
        gone: many that come at once would each hold a piece else.
        """
        request = Request(scope, receive)
        with self._slots.take(request.headers.get("x-forwarded-for", "")) as has_one:
            if has_one:
                answer = await self._answer(request)
            else:
                answer = answers.plain(problems.unavailable("Many logs are handed out now."))
            await answer(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        visit = read_visit(self._parts, request)
        sha = request.query_params.get("sha", "")
        if not visit.app or not names.is_sha(sha):
            return answers.plain(problems.no_address(visit.host, self._parts.domain))
        shows_all = await self._parts.shown.shows_all(visit.app)
        if not (shows_all and may_read(self._parts, visit, request)):
            return answers.plain(problems.not_shown(visit.app, sha))
        first = await answers.answered(self._parts.framework.read_log(visit.app, sha, 0))
        if isinstance(first, Problem):
            return answers.plain(first)
        headers = {
            "Content-Disposition": f'attachment; filename="{visit.app}-{names.short(sha)}.log"',
            "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "no-store",
        }
        if request.method == "HEAD":
            return Response(media_type="text/plain", headers=headers)
        pieces = self._pieces(visit.app, sha, first)
        return StreamingResponse(pieces, media_type="text/plain", headers=headers)

    async def _pieces(
        self, app: str, sha: str, piece: tuple[str, int]
    ) -> AsyncGenerator[bytes, None]:
        text, offset = piece
        try:
            while text:
                yield text.encode("utf-8", "replace")
                if offset >= LONGEST:
                    yield b"\n[The log goes on; no more of it is handed out.]\n"
                    return
                text, offset = await self._parts.framework.read_log(app, sha, offset)
        except (ApiAway, ApiRefused):
            yield b"\n[The log goes on, but the framework does not answer now.]\n"
