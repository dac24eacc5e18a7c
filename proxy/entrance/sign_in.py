"""The page of the sign-in host: a visitor types an app's password there, once for all of its hosts.

Visitors of an app for a team sign in with their account instead (team.py).
"""

import functools

from starlette.requests import Request
from starlette.responses import Response

from program.http import same_origin
from proxy.entrance import cookies
from proxy.entrance.addresses import Aim
from proxy.entrance.entering import VISIT_SECONDS
from proxy.entrance.sign_in_host import SignInHost
from proxy.entrance.team import Team
from proxy.model import problems
from proxy.model.access import find_pass, opens
from proxy.model.problems import Problem
from proxy.pages import pages
from proxy.room import responses
from proxy.room.context import RoomContext
from proxy.room.visits import read_form

_SESSION = "session"
_WRONG = "That is not the password."


class SignIn:
    """The endpoints."""

    def __init__(self, context: RoomContext, host: SignInHost, team: Team) -> None:
        self._context = context
        self._host = host
        self._team = team

    async def show(self, request: Request) -> Response:
        """Show the form, or let in a visitor who has signed in already."""
        aim, access = self._host.find(request, request.query_params)
        if isinstance(access, Problem):
            return await self._host.refuse(request, access)
        if access is None:
            return self._host.send_on(request, aim)
        if access.team:
            return await self._team.enter(request, aim, access)
        text = cookies.read(request, cookies.session_of(aim.app))
        found = find_pass(access, text, self._context.pass_keys, app=aim.app)
        if opens(found, self._host.name, self._context.clock(), purpose=_SESSION):
            return self._host.send_back(request, aim, access)
        return self._show_form(request, aim)

    async def sign_in(self, request: Request) -> Response:
        """Check the password."""
        form = await read_form(request)
        aim, access = self._host.find(request, form)
        if access is None:
            return self._host.send_on(request, aim)
        if isinstance(access, Problem):
            return await self._host.refuse(request, access)
        if access.team or not self._is_own(request):
            return await self._host.refuse(request, problems.not_sent_by_page())
        client = request.headers.get("x-forwarded-for", "")
        call = self._context.framework.enter(aim.app, form.get("password", ""), client)
        problem = await responses.or_problem(call)
        if problem is not None:
            return await self._explain(request, aim, problem)
        response = self._host.send_back(request, aim, access)
        session = self._host.write(aim, self._host.name, access, VISIT_SECONDS, purpose=_SESSION)
        name = cookies.session_of(aim.app)
        cookies.put(request, response, name, session, seconds=VISIT_SECONDS)
        return response

    def _is_own(self, request: Request) -> bool:
        return same_origin.is_own(
            host=request.headers.get("host", ""),
            origin=request.headers.get("origin"),
            fetch_site=request.headers.get("sec-fetch-site"),
        )

    async def _explain(self, request: Request, aim: Aim, problem: Problem) -> Response:
        """Show the form again with the reason, if another try can help."""
        if problem.status == 403:
            return self._show_form(request, aim, 403, trouble=_WRONG)
        if problem.status == 429:
            again = f"in {problem.retry_after} s" if problem.retry_after else "later"
            trouble = f"There were too many tries. Try again {again}."
            response = self._show_form(request, aim, 429, trouble=trouble)
            if problem.retry_after:
                response.headers["Retry-After"] = str(problem.retry_after)
            return response
        return await self._host.refuse(request, problem)

    def _show_form(
        self, request: Request, aim: Aim, status: int = 200, *, trouble: str = ""
    ) -> Response:
        page = functools.partial(
            pages.sign_in_page, app=aim.app, fields=aim.fields(), trouble=trouble
        )
        return self._host.show(request, aim, page, status)
