"""The id of a request, which is in the log lines of all programs that handle it."""

import re
import uuid
from collections.abc import Callable

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADER = "X-Request-Id"
_NAME = HEADER.lower().encode()
_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")


def current() -> str | None:
    """Return the id of the current request, None outside of requests."""
    found: str | None = structlog.contextvars.get_contextvars().get("request")
    return found


def _make() -> str:
    return str(uuid.uuid4())


class RequestIds:
    """An ASGI application that runs `app` with the request's id bound to its log lines.

    The id is taken from the request's header if that is valid, else it is a new one. `app` finds it
    in the header, and the answer has it too.
    """

    def __init__(self, app: ASGIApp, make: Callable[[], str] = _make) -> None:
        self._app = app
        self._make = make

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = [value for name, value in scope["headers"] if name == _NAME]
        known = len(given) == 1 and _ID.fullmatch(given[0]) is not None
        request = given[0] if known else self._make().encode()
        own = (_NAME, request)

        async def send_with(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*_without(message.get("headers", ())), own]}
            await send(message)

        headers = [*_without(scope["headers"]), own]
        with structlog.contextvars.bound_contextvars(request=request.decode()):
            await self._app({**scope, "headers": headers}, receive, send_with)


def _without(headers: "list[tuple[bytes, bytes]]") -> list[tuple[bytes, bytes]]:
    return [(name, value) for name, value in headers if name.lower() != _NAME]
