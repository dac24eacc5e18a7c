"""How many requests the room answers one client at a time: another one's get their turn.

Most are answered within milliseconds. Those that wait for a slow repository or framework are not,
and each takes one of HAProxy's connections to the room.
"""

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from proxy.model import problems
from proxy.room import answers
from proxy.room.parts import Parts, is_navigation, read_visit
from proxy.room.slots import Slots

AT_A_TIME = 2000
"""HAProxy has that many connections to the room."""
EACH = 200
"""How many of these may be one client's, its event streams too."""


class OpenRequests:
    """An ASGI application before the room's own. Belongs to the event loop's thread."""

    def __init__(self, app: ASGIApp, parts: Parts) -> None:
        self._app = app
        self._parts = parts
        self._slots = Slots(AT_A_TIME, EACH)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or say that there are too many."""
        request = Request(scope, receive)
        with self._slots.take(request.headers.get("x-forwarded-for", "")) as has_one:
            if has_one:
                await self._app(scope, receive, send)
                return
            visit, problem = read_visit(self._parts, request), problems.too_many_open("pages")
            wants_page = is_navigation(request)
            refusal = await answers.tell(self._parts, visit, problem, wants_page=wants_page)
            await refusal(scope, receive, send)
