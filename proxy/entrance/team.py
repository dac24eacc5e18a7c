"""How people with an account enter an app for its team, at the sign-in host.

Who has a session there goes on at once, to each app, and the framework is asked each time whether
they are in that app's team. All others go to the identity provider first. The proxy sees no secret
of the provider.
"""

import functools

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from proxy.entrance import attempts, cookies
from proxy.entrance.addresses import SIGN_IN, Aim, with_query
from proxy.entrance.entering import HEADERS, VISIT_SECONDS
from proxy.entrance.sign_in_host import SignInHost
from proxy.model import problems
from proxy.model.access import AppAccess
from proxy.model.problems import Problem
from proxy.model.sign_in import Claim
from proxy.pages import pages
from proxy.pages.brief import brief_problem
from proxy.room import responses
from proxy.room.context import RoomContext

_AGAIN = "again"
"""Marks an address at which a session does not count: somebody wants to use another account."""
_SIGN_IN_NEEDED = "sign-in-needed"
"""The slug of the framework's problem with a visitor whom nobody knows."""


class Team:
    """The way in, and the endpoint to which the provider sends people back."""

    def __init__(self, context: RoomContext, host: SignInHost) -> None:
        self._context = context
        self._host = host

    async def enter(self, request: Request, aim: Aim, access: AppAccess) -> Response:
        """Let in who has a session and is in the team; send others to the provider."""
        claim = _read_claim(request)
        if claim.session or claim.user:
            problem = await self._ask(request, aim, claim)
            if problem is None:
                return self._host.send_back(request, aim, access)
            if problem.slug != _SIGN_IN_NEEDED:
                return self._explain(request, aim, problem)
        return await self._begin(request, aim)

    async def finish(self, request: Request) -> Response:
        """Take what the provider sends back: a code and the state, or an error."""
        state = request.query_params.get("state", "")
        kept = attempts.read(request, state)
        aim, access = self._host.find(request, kept.fields if kept else {})
        if isinstance(access, Problem):
            return await self._host.refuse(request, access)
        if kept is None or access is None:
            return self._host.send_on(request, aim)
        response = await self._end(request, aim, access, kept.sealed)
        attempts.forget(request, response, state)
        return response

    async def _begin(self, request: Request, aim: Aim) -> Response:
        call = self._context.framework.begin_sign_in(_read_client(request))
        begun = await responses.or_problem(call)
        if isinstance(begun, Problem):
            return self._explain(request, aim, begun)
        response = RedirectResponse(begun.address, 303, HEADERS)
        attempts.keep(request, response, begun, aim)
        return response

    async def _end(self, request: Request, aim: Aim, access: AppAccess, sealed: str) -> Response:
        """Make a session of what the provider has sent back, and go on with it."""
        query = request.query_params
        if "code" not in query:
            return self._explain(request, aim, problems.sign_in_refused(query.get("error", "")))
        call = self._context.framework.finish_sign_in(
            sealed, query.get("state", ""), query["code"], _read_client(request)
        )
        session = await responses.or_problem(call)
        if isinstance(session, Problem):
            return self._explain(request, aim, session)
        problem = await self._ask(request, aim, Claim(session))
        if problem is None:
            response = self._host.send_back(request, aim, access)
        else:
            response = self._explain(request, aim, problem)
        cookies.put(request, response, cookies.PERSON, session, seconds=VISIT_SECONDS)
        return response

    async def _ask(self, request: Request, aim: Aim, claim: Claim) -> Problem | None:
        """Return why somebody may not enter."""
        call = self._context.framework.enter_as(aim.app, claim, _read_client(request))
        return await responses.or_problem(call)

    def _explain(self, request: Request, aim: Aim, problem: Problem) -> Response:
        """Show why a visitor does not get in, with a way to try again."""
        again = with_query(SIGN_IN, **aim.fields(), **{_AGAIN: "1"})
        page = functools.partial(
            pages.team_page, app=aim.app, problem=brief_problem(problem), again=again
        )
        response = self._host.show(request, aim, page, problem.status)
        if problem.retry_after is not None:
            response.headers["Retry-After"] = str(problem.retry_after)
        return response


def _read_claim(request: Request) -> Claim:
    """Return who a visitor claims to be. HAProxy removes these headers unless a proxy in front
    whom it trusts has sent them.
    """
    session = "" if _AGAIN in request.query_params else cookies.read(request, cookies.PERSON)
    users = request.headers.getlist("x-auth-request-user")
    groups = ",".join(request.headers.getlist("x-auth-request-groups")).split(",")
    named = (_decode(one).strip() for one in groups)
    # With two, one may be the visitor's own.
    user = _decode(users[0]) if len(users) == 1 else ""
    return Claim(session, user, tuple(filter(None, named)))


def _decode(header: str) -> str:
    """Return a header in UTF-8, which Starlette has read as Latin-1."""
    return header.encode("latin-1").decode("utf-8", "replace")


def _read_client(request: Request) -> str:
    return request.headers.get("x-forwarded-for", "")
