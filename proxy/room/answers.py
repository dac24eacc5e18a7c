"""What the waiting room answers with."""

from collections.abc import Awaitable
from typing import TypeVar

from starlette.responses import HTMLResponse, Response

from proxy.model import problems
from proxy.model.errors import ApiAway, ApiRefused
from proxy.model.problems import Problem
from proxy.pages import pages
from proxy.pages.brief import brief_problem, tell_visitor
from proxy.pages.pages import Visit
from proxy.room.parts import Parts

_T = TypeVar("_T")


async def answered(asked: Awaitable[_T]) -> _T | Problem:
    """Return what the framework answers, or why it does not."""
    try:
        return await asked
    except ApiRefused as refusal:
        return refusal.problem
    except ApiAway as error:
        return problems.unavailable(f"The preview service does not answer: {error}.")


def plain(problem: Problem) -> Response:
    """Return a problem for programs."""
    return Response(problem.body(), problem.status, problem.headers())


async def tell(parts: Parts, visit: Visit, problem: Problem, *, wants_page: bool) -> Response:
    """Return a problem for people, or for programs; of an app as much as its room shows."""
    if visit.app and brief_problem(problem) != problem:
        shows_all = await parts.shown.shows_all(visit.app)
        problem = tell_visitor(problem, shows_all=shows_all)
    if not wants_page:
        return plain(problem)
    parts.metrics.pages.labels(problem.slug).inc()
    headers = pages.security_headers(visit.nonce)
    if problem.retry_after is not None:
        headers["Retry-After"] = str(problem.retry_after)
    return HTMLResponse(pages.problem_page(visit, problem), problem.status, headers)
