"""Responses of the waiting room: problems for programs and for people."""

from collections.abc import Awaitable
from typing import TypeVar

from starlette.responses import HTMLResponse, Response

from proxy.model import problems
from proxy.model.errors import ApiAway, ApiRefused
from proxy.model.problems import Problem
from proxy.pages import pages
from proxy.pages.brief import brief_problem, hide_details
from proxy.pages.pages import Visit
from proxy.room.context import RoomContext

_T = TypeVar("_T")


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
