"""Responses of the waiting room: problems for programs, for clients of gRPC and for people.

Clients of gRPC show a status and a message, and no body:
github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md, "Responses" and "Trailers-Only".
"""

from collections.abc import Awaitable, Mapping
from types import MappingProxyType
from typing import Any, TypeVar
from urllib.parse import quote

from starlette.datastructures import Headers
from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp, Scope

from program.http.problem_answers import Form, RewrittenProblems
from proxy.model import problems
from proxy.model.errors import ApiAway, ApiRefused
from proxy.model.problems import Problem
from proxy.pages import pages
from proxy.pages.brief import brief_problem, hide_details
from proxy.pages.pages import Visit
from proxy.room.context import RoomContext

_T = TypeVar("_T")
_GRPC = "application/grpc"
_CODES: Mapping[int, int] = MappingProxyType(
    {401: 16, 403: 7, 404: 5, 409: 9, 413: 8, 429: 8, 431: 8, 502: 9, 503: 14}
)
"""By the status of a problem, that of gRPC. Clients repeat by themselves what is unavailable (14),
and not what somebody has to change first (9): a preview stays failed until a retry."""
_UNKNOWN = 2
_SAFE = "".join(chr(code) for code in range(0x20, 0x7F) if chr(code) != "%")
_LONGEST = 2000
"""Characters of a message: most clients accept 8 KB of headers, and most characters are ASCII."""


async def or_problem(call: Awaitable[_T]) -> _T | Problem:
    """Return the framework's answer to a call, or the problem that it failed with."""
    try:
        return await call
    except ApiRefused as refusal:
        return refusal.problem
    except ApiAway as error:
        return problems.unavailable(f"The preview service does not answer: {error}.")


def problem_json(problem: Problem) -> Response:
    """Return a problem for programs, as JSON."""
    return Response(problem.body(), problem.status, problem.headers())


async def answer_problem(
    context: RoomContext, visit: Visit, problem: Problem, *, wants_page: bool
) -> Response:
    """Return a problem for people, or for programs; of an app as much as its room shows."""
    if visit.app and brief_problem(problem) != problem:
        shows_all = await context.visibility.shows_all(visit.app)
        problem = hide_details(problem, shows_all=shows_all)
    if not wants_page:
        return problem_json(problem)
    context.metrics.pages.labels(problem.slug).inc()
    headers = pages.security_headers(visit.nonce)
    if problem.retry_after is not None:
        headers["Retry-After"] = str(problem.retry_after)
    return HTMLResponse(pages.problem_page(visit, problem), problem.status, headers)


def answer_grpc(app: ASGIApp) -> ASGIApp:
    """Return `app` with its problems as answers without a body, for requests of gRPC."""
    return RewrittenProblems(app, applies=_is_grpc, rewrite=_without_body)


def _is_grpc(scope: Scope) -> bool:
    return Headers(scope=scope).get("content-type", "").startswith(_GRPC)


def _without_body(status: int, problem: Mapping[str, Any]) -> Form:
    """Return an answer that says all of a problem in its headers."""
    headers = {
        "content-type": _GRPC,
        "grpc-status": str(_CODES.get(status, _UNKNOWN)),
        "grpc-message": quote(problem["detail"][:_LONGEST], safe=_SAFE),
    }
    return Form(200, headers, b"")
