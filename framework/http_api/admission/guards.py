"""What a request passes before it reaches a route: faults, the token, the size of its body."""

import re
import secrets

import structlog
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from framework import access
from framework.access import Identity
from framework.access import Scope as Access
from framework.errors import NotOfApp
from framework.http_api.admission import limits
from framework.http_api.admission.calls import read_call
from framework.http_api.admission.clients import Client
from framework.http_api.admission.operations import UNDECLARED
from framework.http_api.http import problems
from framework.ports import Tokens

_NEEDED = "This needs a token of the API: the header `Authorization: Bearer TOKEN`."
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")

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


class Paths:
    """Refuses paths with control characters, which nothing of ours has.

    The pattern of a route takes a path with a line end at its end, too.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer 404."""
        if scope["type"] == "http" and _CONTROL.search(scope["path"]):
            await problems.answer_no_path()(scope, receive, send)
            return
        await self._app(scope, receive, send)


class Bearer:
    """Lets requests to the API pass that bring one of its tokens.

    Whose it is stands in scope["state"]["identity"] from then on, a framework.access.Identity;
    which one, in scope["state"]["digest"]: a name may be another token's later.
    What is no call of the API passes: it is open, or looks after itself, and finds in
    scope["state"]["strangers"] where to count wrong tokens.
    """

    def __init__(self, app: ASGIApp, tokens: Tokens, strangers: limits.Strangers) -> None:
        self._app = app
        self._tokens = tokens
        self._strangers = strangers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer 401; 429 to who has no right token too often."""
        if read_call(scope) is None:
            scope.setdefault("state", {})["strangers"] = self._strangers
            await self._app(scope, receive, send)
            return
        token = read_token(scope)
        # It is looked up in any case, so that the time tells nothing.
        identity = self._tokens.authenticate(token)
        if identity is None:
            refusal = refuse_stranger(self._strangers, scope["state"]["client"], _NEEDED)
            await refusal(scope, receive, send)
            return
        scope["state"]["identity"] = identity
        scope["state"]["digest"] = access.digest(token)
        await self._pass(token, scope, receive, send)

    async def _pass(self, token: str, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on; a stream ends when its token is removed, before it says more."""

        async def send_while_good(message: Message) -> None:
            if message.get("more_body") and self._tokens.authenticate(token) is None:
                raise _TokenRemovedError
            await send(message)

        try:
            await self._app(scope, receive, send_while_good)
        except _TokenRemovedError:
            await send({"type": "http.response.body", "body": b"", "more_body": False})


class _TokenRemovedError(Exception):
    """The token of a stream that is being read was removed."""


class Permission:
    """Lets requests pass that ask for no more than their token is good for.

    Of a token for one app the routes of lists see to it that they show that app alone.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer 403."""
        call = read_call(scope)
        if call is not None:
            identity: Identity = scope["state"]["identity"]
            if not call.operation.has_scope(identity):
                await _forbid(identity, call.operation.scope)(scope, receive, send)
                return
            if not call.operation.is_within(identity, call.app):
                error = NotOfApp(identity.name, identity.app)
                await problems.answer_not_of_app(error)(scope, receive, send)
                return
        await self._app(scope, receive, send)


def read_token(scope: Scope) -> str:
    """Return the token that a request brings, "" for none."""
    scheme, _, token = Headers(scope=scope).get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def refuse_stranger(
    strangers: limits.Strangers, client: Client, needed: str
) -> problems.ProblemResponse:
    """Count one without a right token, and return the answer: what is `needed`, or to wait."""
    level = strangers.take(client)
    if not level.allowed:
        sentence = f"Too many requests came without a right token. Wait {level.retry} s."
        return limits.refuse(level.retry, sentence)
    challenge = {"WWW-Authenticate": 'Bearer realm="prevs"'}
    return problems.answer_problem(problems.UNAUTHORIZED, needed, headers=challenge)


def _forbid(identity: Identity, needed: Access) -> problems.ProblemResponse:
    challenge = f'Bearer realm="prevs", error="insufficient_scope", scope="{needed.value}"'
    whence = "Who has an admin token makes others: POST /v1/tokens."
    if needed is Access.PROXY:
        whence = "Only proxies have one: the framework's PREVS_PROXY_TOKEN_FILE holds it."
    return problems.answer_problem(
        problems.FORBIDDEN,
        f"This needs a token with the scope `{needed.value}`; {identity.name!r} has "
        f"`{identity.scope.value}`. {whence}",
        {"needed": needed.value, "scope": identity.scope.value},
        headers={"WWW-Authenticate": challenge},
    )


class BodyLimit:
    """Refuses bodies above their limit, whether their length is told before or not."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, with a body that ends in a 413 where it grows too large."""
        size = 0
        told = Headers(scope=scope).get("content-length", "0") if scope["type"] == "http" else "0"
        call = read_call(scope)
        limit = (call.operation if call else UNDECLARED).body_limit
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
