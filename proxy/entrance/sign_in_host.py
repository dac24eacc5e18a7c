"""The sign-in host: what the password and the team's sign-in have in common there.

A visitor comes with an aim, and goes back with a code for the preview's host.
"""

from collections.abc import Callable, Mapping

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from prevs import names
from program.passes.passes import Pass, write_pass
from proxy.entrance.addresses import ENTER, Aim, origin_of, read_aim, with_query
from proxy.entrance.entering import HEADERS
from proxy.model import problems
from proxy.model.access import AppAccess
from proxy.model.problems import Problem
from proxy.pages import pages
from proxy.pages.brief import brief_problem
from proxy.pages.pages import Visit
from proxy.room import responses
from proxy.room.context import RoomContext
from proxy.room.host_header import name_site
from proxy.room.visits import read_visit

_CODE_SECONDS = 60


class SignInHost:
    """Reads where visitors want to go, and sends them there."""

    def __init__(self, context: RoomContext) -> None:
        self._context = context
        self.name = names.sign_in_host(context.domain)

    def find(
        self, request: Request, fields: Mapping[str, str]
    ) -> tuple[Aim, AppAccess | Problem | None]:
        """Return where a visitor wants to go, and who may look there, or why nobody can go.

        None in its place: everybody may look.
        """
        visit = read_visit(self._context, request)
        aim = read_aim(fields, self._context.domain, self._context.table.find_gate)
        if visit.host != self.name:
            return Aim("", "", "/", ""), problems.nothing_at(visit.path.partition("?")[0])
        if aim is None:
            return Aim("", "", "/", ""), problems.entry_ended()
        access = self._context.table.find_access(aim.app)
        return aim, problems.closed() if access is not None and access.closed else access

    def write(self, aim: Aim, host: str, access: AppAccess, seconds: float, *, purpose: str) -> str:
        """Return a signed text that counts at a host for so long, for one purpose."""
        until = self._context.clock() + seconds
        content = Pass(aim.app, host, access.era, until, purpose=purpose)
        return write_pass(self._context.pass_keys[0], content)

    def send_back(self, request: Request, aim: Aim, access: AppAccess) -> Response:
        """Send a visitor who may look back to the preview, with a code."""
        site = name_site(aim.host, self._context.domain)
        code = self.write(aim, site, access, _CODE_SECONDS, purpose=aim.purpose)
        path = with_query(ENTER, code=code, to=aim.path)
        return RedirectResponse(origin_of(request, aim.host) + path, 303, HEADERS)

    def send_on(self, request: Request, aim: Aim) -> Response:
        """Send a visitor to a preview that is open to everybody meanwhile."""
        return RedirectResponse(origin_of(request, aim.host) + aim.path, 303, HEADERS)

    def show(
        self, request: Request, aim: Aim, page: Callable[[Visit], str], status: int = 200
    ) -> Response:
        """Return a page of this host."""
        self._context.metrics.pages.labels("sign-in").inc()
        visit = read_visit(self._context, request)
        # The answer to a form leads to that host, and browsers follow it only if this allows it.
        headers = pages.security_headers(visit.nonce, goes_to=origin_of(request, aim.host))
        return HTMLResponse(page(visit), status, headers)

    async def refuse(self, request: Request, problem: Problem) -> Response:
        """Return the page of a problem, without what strangers must not read."""
        visit, shown = read_visit(self._context, request), brief_problem(problem)
        return await responses.answer_problem(self._context, visit, shown, wants_page=True)
