"""`<app>.<domain>/`: what an app has, what runs of it, and how to open the rest.

HAProxy lets only those come here who may look at the app's previews. It says so in
X-Prevs-Landing, as rules of an older version do not know this page.
"""

from http import HTTPStatus
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from proxy.framework.shared_calls import SharedCalls
from proxy.model import problems
from proxy.model.landing import read_query
from proxy.model.problems import Problem
from proxy.pages import landing_page, pages
from proxy.pages.brief import brief_problem
from proxy.pages.pages import Visit
from proxy.room import responses
from proxy.room.context import RoomContext
from proxy.room.visits import is_navigation

_PRIVATE = {
    "Cache-Control": "private, no-store",
    "Vary": "Cookie, X-Prevs-Access, Accept, Sec-Fetch-Mode",
}
"""What it shows depends on who looks, and on what runs now."""


class LandingPage:
    """The page. Belongs to the event loop's thread."""

    def __init__(self, context: RoomContext, calls: SharedCalls) -> None:
        self._context = context
        self._calls = calls

    async def show(self, request: Request, visit: Visit, app: str) -> Response:
        """Show the page, or why there is none. Starts nothing."""
        path = request.url.path
        if path != "/":
            return await self._refuse(request, visit, problems.only_landing(visit.host, path))
        if request.method not in {"GET", "HEAD"}:
            answer = await self._refuse(request, visit, problems.landing_takes_nothing())
            answer.headers["Allow"] = "GET, HEAD"
            return answer
        query = read_query(request.query_params)
        found = await responses.or_problem(self._calls.read_landing(app, query))
        if isinstance(found, Problem):
            if found.slug == "unknown-place":  # an old address: that entry has gone
                begin = urlencode({"kind": query.kind, "q": query.search})
                return RedirectResponse(f"/?{begin}", HTTPStatus.SEE_OTHER, _PRIVATE)
            return await self._refuse(request, visit, self._explain(found, visit, app))
        self._context.metrics.pages.labels("landing").inc()
        page = landing_page.render(visit, app, found, query, now=self._context.clock())
        return HTMLResponse(page, headers=pages.security_headers(visit.nonce) | _PRIVATE)

    def _explain(self, found: Problem, visit: Visit, app: str) -> Problem:
        """Return why there is no page. A framework of an earlier version refuses the call."""
        if found.slug == "unknown-app":
            return problems.nothing_below(visit.host, self._context.domain)
        return problems.landing_away(app)

    async def _refuse(self, request: Request, visit: Visit, problem: Problem) -> Response:
        return await responses.answer_problem(
            self._context, visit, brief_problem(problem), wants_page=is_navigation(request)
        )
