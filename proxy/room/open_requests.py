"""Limits how many requests of one client the room answers at a time, so that others get a turn.

Most responses take milliseconds. But some requests wait for a slow repository or framework, and
each of them takes one of HAProxy's connections to the room.
"""

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from program.limits.slots import Slots
from proxy.model import problems
from proxy.room import responses
from proxy.room.context import RoomContext
from proxy.room.visits import is_navigation, read_client, read_visit

AT_A_TIME = 2000
"""How many connections HAProxy has to the room."""
EACH = 200
"""How many of these one client may take, with its event streams."""


class OpenRequests:
    """An ASGI middleware around the room. Belongs to the event loop's thread."""

    def __init__(self, app: ASGIApp, context: RoomContext) -> None:
        self._app = app
        self._context = context
        self._slots = Slots(EACH, in_all=AT_A_TIME)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request on, or answer that there are too many."""
        request = Request(scope, receive)
        with self._slots.take(read_client(request)) as has_one:
            if has_one:
                await self._app(scope, receive, send)
                return
            visit, problem = read_visit(self._context, request), problems.too_many_open("pages")
            wants_page = is_navigation(request)
            refusal = await responses.answer_problem(
                self._context, visit, problem, wants_page=wants_page
            )
            await refusal(scope, receive, send)
