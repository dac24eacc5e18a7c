"""What a request passes before it reaches a route: faults, the token, the size of its body."""

import hmac
import secrets

import structlog
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from framework.http_api import problems

BODY_LIMIT = 64 * 1024
BODY_LIMITS = {"/v1/uses": 1024 * 1024}
"""Bytes, where a body may be larger: a proxy tells of thousands of tasks at once."""

OPEN_PATHS = frozenset({"/healthz", "/metrics", "/docs", "/openapi.json"})
DOCS_FILES = "/docs-files"
"""Where the scripts and styles of /docs are; open too."""

log = structlog.get_logger(__name__)


class Faults:
    """Logs an unexpected error under an id, and answers with the id alone."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        begun = False

        async def send_noting(message: Message) -> None:
            nonlocal begun
            begun = begun or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, send_noting)
        except Exception:
            if scope["type"] != "http":
                raise
            fault = secrets.token_hex(6)
            log.exception("unexpected error", id=fault, method=scope["method"], path=scope["path"])
            if begun:
                # Ending the connection is all that still tells the client.
                raise
            detail = f"Something unexpected happened. The framework's log has it as {fault}."
            answer = problems.answer_problem(problems.INTERNAL_ERROR, detail, {"id": fault})
            await answer(scope, receive, send)


class Bearer:
    """Lets requests pass that bring the token, and those to the open paths."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app = app
        self._token = token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer 401."""
        if scope["type"] == "http" and not (_is_open(scope["path"]) or self._allows(scope)):
            await problems.answer_problem(
                problems.UNAUTHORIZED,
                "This needs the API's token: the header `Authorization: Bearer TOKEN`.",
                headers={"WWW-Authenticate": 'Bearer realm="prevs"'},
            )(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _allows(self, scope: Scope) -> bool:
        scheme, _, token = Headers(scope=scope).get("authorization", "").partition(" ")
        # Both are compared in any case, so that the time tells nothing of the token.
        same = hmac.compare_digest(token.strip().encode("latin-1"), self._token)
        return same and scheme.lower() == "bearer"


def _is_open(path: str) -> bool:
    return path in OPEN_PATHS or path.startswith(f"{DOCS_FILES}/")


class BodyLimit:
    """Refuses bodies above their limit, whether their length is told before or not."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, with a body that ends in a 413 where it grows too large."""
        size = 0
        told = Headers(scope=scope).get("content-length", "0") if scope["type"] == "http" else "0"
        limit = BODY_LIMITS.get(scope.get("path", ""), BODY_LIMIT)
        sentence = f"A body may have {limit} bytes here."

        async def receive_counting() -> Message:
            nonlocal size
            message = await receive()
            size += len(message.get("body", b""))
            if size > limit:
                raise HTTPException(413, sentence)
            return message

        if told.isdigit() and int(told) > limit:
            answer = problems.answer_problem(problems.BODY_TOO_LARGE, sentence)
            await answer(scope, receive, send)
            return
        await self._app(scope, receive_counting, send)
