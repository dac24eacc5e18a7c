"""The sign-in host: a visitor types the password of an app there, once for all of its hosts.

Then a code leads back to the preview's host. Another way to sign in may take the place of the form;
all that follows stays the same.
"""

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from prevs import names
from program.http import same_origin
from program.passes.passes import Pass, write_pass
from proxy.entrance import cookies
from proxy.entrance.addresses import ENTER, Aim, origin_of, read_aim, with_query
from proxy.entrance.entering import HEADERS, VISIT_SECONDS
from proxy.model import problems
from proxy.model.access import AppAccess, find_pass, opens
from proxy.model.problems import Problem
from proxy.pages import pages
from proxy.room import responses
from proxy.room.context import RoomContext
from proxy.room.visits import read_form, read_visit

_CODE_SECONDS = 60
_SESSION = "session"
_WRONG = "That is not the password."


class SignIn:
    """The endpoints."""

    def __init__(self, context: RoomContext) -> None:
        self._context = context
        self._host = names.sign_in_host(context.domain)

    async def show(self, request: Request) -> Response:
        """Show the form, or let in a visitor who has signed in already."""
        aim, access = self._find(request, request.query_params)
        if isinstance(access, Problem):
            return await self._refuse(request, access)
        if access is None:  # public meanwhile
            return RedirectResponse(origin_of(request, aim.host) + aim.path, 303, HEADERS)
        text = cookies.read(request, cookies.session_of(aim.app))
        found = find_pass(access, text, self._context.pass_keys, app=aim.app)
        if opens(found, self._host, self._context.clock(), purpose=_SESSION):
            return self._send_back(request, aim, access)
        return self._show_form(request, aim)

    async def sign_in(self, request: Request) -> Response:
        """Check the password."""
        form = await read_form(request)
        aim, access = self._find(request, form)
        if access is None:
            return RedirectResponse(origin_of(request, aim.host) + aim.path, 303, HEADERS)
        if isinstance(access, Problem) or not self._is_own(request):
            refused = access if isinstance(access, Problem) else problems.not_sent_by_page()
            return await self._refuse(request, refused)
        client = request.headers.get("x-forwarded-for", "")
        call = self._context.framework.enter(aim.app, form.get("password", ""), client)
        problem = await responses.or_problem(call)
        if problem is not None:
            return await self._explain(request, aim, problem)
        response = self._send_back(request, aim, access)
        session = self._write(aim.app, self._host, access, VISIT_SECONDS, purpose=_SESSION)
        name = cookies.session_of(aim.app)
        cookies.put(request, response, name, session, seconds=VISIT_SECONDS)
        return response

    def _find(
        self, request: Request, fields: Mapping[str, str]
    ) -> tuple[Aim, AppAccess | Problem | None]:
        """Return where a visitor wants to go, and who may look there, or why nobody can go."""
        visit = read_visit(self._context, request)
        aim = read_aim(fields, self._context.domain)
        if visit.host != self._host:
            return Aim("", "", "/", ""), problems.nothing_at(visit.path.partition("?")[0])
        if aim is None:
            return Aim("", "", "/", ""), problems.entry_ended()
        access = self._context.table.find_access(aim.app)
        return aim, problems.closed() if access is not None and access.closed else access

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
        return await self._refuse(request, problem)

    def _show_form(
        self, request: Request, aim: Aim, status: int = 200, *, trouble: str = ""
    ) -> Response:
        self._context.metrics.pages.labels("sign-in").inc()
        visit = read_visit(self._context, request)
        page = pages.sign_in_page(visit, aim.app, aim.fields(), trouble=trouble)
        # The answer to the form leads to that host, and browsers follow it only if this allows it.
        headers = pages.security_headers(visit.nonce, goes_to=origin_of(request, aim.host))
        return HTMLResponse(page, status, headers)

    def _send_back(self, request: Request, aim: Aim, access: AppAccess) -> Response:
        code = self._write(aim.app, aim.host, access, _CODE_SECONDS, purpose=aim.purpose)
        path = with_query(ENTER, code=code, to=aim.path)
        return RedirectResponse(origin_of(request, aim.host) + path, 303, HEADERS)

    def _write(self, app: str, host: str, access: AppAccess, seconds: int, *, purpose: str) -> str:
        until = self._context.clock() + seconds
        content = Pass(app, host, access.era, until, purpose=purpose)
        return write_pass(self._context.pass_keys[0], content)

    async def _refuse(self, request: Request, problem: Problem) -> Response:
        visit = read_visit(self._context, request)
        return await responses.answer_problem(self._context, visit, problem, wants_page=True)
