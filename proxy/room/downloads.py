"""The log of a page's preview as a file, read from the framework piece by piece."""

from collections.abc import AsyncGenerator

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from prevs import names
from program.limits.slots import Slots
from proxy.model import problems
from proxy.model.errors import ApiAway, ApiRefused
from proxy.model.problems import Problem
from proxy.room import responses
from proxy.room.context import RoomContext
from proxy.room.visits import may_read, read_client, read_visit

LONGEST = 256 * 1024 * 1024
"""How many bytes of a log one download has at most."""
AT_A_TIME = 20
"""How many downloads run at the same time: each keeps a megabyte in memory."""
EACH = 4
"""How many of these one client may have, so that others get their logs too."""


class Downloads:
    """The endpoint. Belongs to the event loop's thread."""

    def __init__(self, context: RoomContext) -> None:
        self._context = context
        self._slots = Slots(EACH, in_all=AT_A_TIME)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the log as far as it goes now. Starts nothing, and does not wait for more.

        It takes its slot before it reads the first piece, and keeps it until the last one is sent
        or the client has gone. Otherwise many requests at once would each keep a piece in memory.
        """
        request = Request(scope, receive)
        with self._slots.take(read_client(request)) as has_one:
            if has_one:
                answer = await self._answer(request)
            else:
                answer = responses.problem_json(
                    problems.unavailable("Many logs are being downloaded now.")
                )
            await answer(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        visit = read_visit(self._context, request)
        sha = request.query_params.get("sha", "")
        if not visit.app or not names.is_sha(sha):
            return responses.problem_json(problems.no_address(visit.host, self._context.domain))
        shows_all = await self._context.visibility.shows_all(visit.app)
        if not (shows_all and may_read(self._context, visit, request)):
            return responses.problem_json(problems.not_shown(visit.app, visit.label))
        first = await responses.or_problem(self._context.framework.read_log(visit.app, sha, 0))
        if isinstance(first, Problem):
            return responses.problem_json(first)
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
                text, offset = await self._context.framework.read_log(app, sha, offset)
        except (ApiAway, ApiRefused):
            yield b"\n[The log goes on, but the framework does not answer now.]\n"
