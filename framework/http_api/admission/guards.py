"""Middleware that may refuse a request: by its path, its token, its scope, the size of its body."""

import re
import secrets

import structlog
from starlette.datastructures import Headers, QueryParams
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from framework import access
from framework.access import Identity
from framework.access import Scope as Access
from framework.http_api.admission import limits
from framework.http_api.admission.calls import IRONWORKER, read_call
from framework.http_api.admission.clients import Client
from framework.http_api.admission.operations import UNDECLARED
from framework.http_api.http import problems
from framework.people.identities import not_of_app
from framework.ports import Tokens

_NEEDED = "This needs an API token, in the header `Authorization: {scheme} TOKEN`."
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")

log = structlog.get_logger(__name__)


class UnexpectedErrors:
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
                # The answer has begun, so only the end of the connection can show the failure.
                raise
            detail = f"Something unexpected happened. The framework's log has it as {fault}."
            answer = problems.answer_problem(problems.INTERNAL_ERROR, detail, {"id": fault})
            await answer(scope, receive, send)


class PathCheck:
    """Refuses paths with control characters: none of our paths has one.

    The pattern of a route ends in `$`, which also matches before a line end.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer 404."""
        if scope["type"] == "http" and _CONTROL.search(scope["path"]):
            await problems.answer_no_path()(scope, receive, send)
            return
        await self._app(scope, receive, send)


class Authentication:
    """Passes calls of the API on if they have one of its tokens.

    scope["state"]["identity"] is then the token's framework.access.Identity, and
    scope["state"]["digest"] its digest: another token may get the same name later.
    Other requests pass. They are public, or check their own access: those count wrong tokens in
    scope["state"]["failed_auth"].
    """

    def __init__(self, app: ASGIApp, tokens: Tokens, failed_auth: limits.FailedAuthLimit) -> None:
        self._app = app
        self._tokens = tokens
        self._failed_auth = failed_auth

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer 401; 429 after too many invalid tokens."""
        if read_call(scope) is None:
            scope.setdefault("state", {})["failed_auth"] = self._failed_auth
            await self._app(scope, receive, send)
            return
        token = read_token(scope)
        # The lookup runs in every case, so that its duration shows nothing.
        identity = self._tokens.authenticate(token)
        if identity is None:
            needed = _NEEDED.format(scheme=_find_scheme(scope))
            refusal = refuse_unauthenticated(self._failed_auth, scope["state"]["client"], needed)
            await refusal(scope, receive, send)
            return
        scope["state"]["identity"] = identity
        scope["state"]["digest"] = access.digest(token)
        await self._pass(token, scope, receive, send)

    async def _pass(self, token: str, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on; a stream ends before its next event if its token is removed.

        It ends as well if its sender's roles have changed.
        """
        identity = scope["state"]["identity"]

        async def send_while_good(message: Message) -> None:
            if message.get("more_body") and self._tokens.authenticate(token) != identity:
                raise _TokenRemovedError
            await send(message)

        try:
            await self._app(scope, receive, send_while_good)
        except _TokenRemovedError:
            await send({"type": "http.response.body", "body": b"", "more_body": False})


class _TokenRemovedError(Exception):
    """The sender of an open stream may no longer do what they might."""


class Authorization:
    """Passes requests on if their sender has the scope for them.

    Who sees single apps may read lists, too: their routes show those apps alone.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer 403."""
        call = read_call(scope)
        if call is not None:
            identity: Identity = scope["state"]["identity"]
            operation = call.operation
            if operation is UNDECLARED and scope["path"].startswith(IRONWORKER):
                # No scope would help: IronWorker has this call, and we have not.
                refusal = problems.answer_no_call(scope["method"], scope["path"])
                await refusal(scope, receive, send)
                return
            if not operation.has_scope(identity):
                await forbid(identity, operation.scope)(scope, receive, send)
                return
            if not operation.is_within(identity, call.app):
                await problems.answer_not_of_app(not_of_app(identity))(scope, receive, send)
                return
        await self._app(scope, receive, send)


def read_token(scope: Scope) -> str:
    """Return the token of a request, "" for none."""
    scheme, _, token = Headers(scope=scope).get("authorization", "").partition(" ")
    known = {"bearer", _find_scheme(scope).lower()}
    if scheme.lower() in known:
        return token.strip()
    if scope["path"].startswith(IRONWORKER):
        # Forges and other senders of webhooks know no headers. No log of ours has a query.
        return QueryParams(scope.get("query_string", b"")).get("oauth", "")
    return ""


def _find_scheme(scope: Scope) -> str:
    """Return the scheme with which the clients of a path send their token."""
    return "OAuth" if scope["path"].startswith(IRONWORKER) else "Bearer"


def refuse_unauthenticated(
    failed_auth: limits.FailedAuthLimit, client: Client, needed: str
) -> problems.ProblemResponse:
    """Count a request without a valid token; return an answer with what is `needed`, or a 429."""
    level = failed_auth.take(client)
    if not level.allowed:
        sentence = f"Too many requests came without a valid token. Wait {level.retry} s."
        return limits.refuse(level.retry, sentence)
    challenge = {"WWW-Authenticate": 'Bearer realm="prevs"'}
    return problems.answer_problem(problems.UNAUTHORIZED, needed, headers=challenge)


def forbid(identity: Identity, needed: Access) -> problems.ProblemResponse:
    """Return the answer to a token without the scope that is `needed`."""
    challenge = f'Bearer realm="prevs", error="insufficient_scope", scope="{needed.value}"'
    whence = "Anybody with an admin token can make others: POST /v1/tokens."
    if needed is Access.PROXY:
        whence = "Only proxies have one: the framework's PREVS_PROXY_TOKEN_FILE holds it."
    elif identity.is_person:
        whence = "Anybody with the scope admin can give roles: `prevs role add`."
    what = "the" if identity.is_person else "a token with the"
    has = identity.highest.value if identity.highest else None
    return problems.answer_problem(
        problems.FORBIDDEN,
        f"This needs {what} scope `{needed.value}`; {identity.name!r} has "
        f"{f'`{has}`' if has else 'no role'}. {whence}",
        {"needed": needed.value, "scope": has},
        headers={"WWW-Authenticate": challenge},
    )


class BodyLimit:
    """Refuses bodies above their limit, with a Content-Length or without."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on; reading its body raises a 413 once it is too large."""
        size = 0
        length = Headers(scope=scope).get("content-length", "0") if scope["type"] == "http" else "0"
        call = read_call(scope)
        limit = (call.operation if call else UNDECLARED).body_limit
        sentence = f"A body may have at most {limit} bytes here."

        async def receive_counting() -> Message:
            nonlocal size
            message = await receive()
            size += len(message.get("body", b""))
            if size > limit:
                raise HTTPException(413, sentence)
            return message

        if length.isdigit() and int(length) > limit:
            answer = problems.answer_problem(problems.BODY_TOO_LARGE, sentence)
            await answer(scope, receive, send)
            return
        await self._app(scope, receive_counting, send)
