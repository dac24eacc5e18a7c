"""The waiting room over HTTP (Starlette), behind HAProxy."""

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable, Sequence

from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from prevs import names
from prevs.hooks import PATH
from prevs.states import State
from program.limits.slots import Slots
from proxy.framework.shared_calls import SharedCalls
from proxy.framework.slow_lookups import SlowLookups
from proxy.held.pending_starts import with_log
from proxy.model import gate_problems, problems
from proxy.model.errors import ApiAway, ApiRefused
from proxy.model.preview import Commit, Preview
from proxy.model.problems import Problem
from proxy.pages import pages
from proxy.pages.brief import brief_commit, brief_preview
from proxy.pages.pages import Visit
from proxy.room import responses
from proxy.room.context import RoomContext
from proxy.room.downloads import Downloads
from proxy.room.event_streams import EventStreams
from proxy.room.hooks import Hooks
from proxy.room.landing import LandingPage
from proxy.room.starts import Starts
from proxy.room.visits import is_navigation, read_client, read_visit

_WAIT = {"Retry-After": "2"}
_WITHOUT_LOG = frozenset(
    state.value for state in (State.QUEUED, State.PLACED, State.RUNNING, State.STOPPED)
)
"""States whose page does not wait for the log. The page of a stopped preview starts it at once."""

MOST_OPEN = 2000
"""How many connections HAProxy has to the room."""
MOST_OPEN_EACH = 200
"""How many of these one client may take, with its event streams."""


def make_app(context: RoomContext, entrance: Sequence[Route] = ()) -> ASGIApp:
    """Return the application behind the room's socket, with the routes of the entrance."""
    room, starts = _Room(context), Starts(context)
    hooks = Hooks(context, elsewhere=room.visit)
    app = Starlette(
        routes=[
            Route("/_prevs/events", EventStreams(context), methods=["GET"]),
            Route("/_prevs/", _AnyMethod(room.newest)),
            Route("/_prevs/log", Downloads(context), methods=["GET"]),
            Route("/_prevs/start", starts.start, methods=["POST"]),
            Route("/_prevs/retry", starts.retry, methods=["POST"]),
            Route("/_prevs/token", starts.renew, methods=["POST"]),
            Route(f"{PATH}{{app}}", _AnyMethod(hooks.take)),
            *entrance,
            Route("/{path:path}", _AnyMethod(room.visit)),
        ]
    )
    return responses.answer_grpc(_OpenRequests(app, context))


class _OpenRequests:
    """Limits how many requests of one client the room answers at a time, so that others get a turn.

    Most responses take milliseconds. But some requests wait for a slow repository or framework, and
    each of them takes one of HAProxy's connections to the room. An ASGI middleware; belongs to the
    event loop's thread.
    """

    def __init__(self, app: ASGIApp, context: RoomContext) -> None:
        self._app = app
        self._context = context
        self._slots = Slots(MOST_OPEN_EACH, in_all=MOST_OPEN)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request on, or answer that there are too many."""
        request = Request(scope, receive)
        with self._slots.take(read_client(request)) as has_one:
            if has_one:
                await self._app(scope, receive, send)
                return
            visit, problem = read_visit(self._context, request), problems.too_many_open("pages")
            wants_page = is_navigation(request)
            refusal = await responses.answer_problem(
                self._context, visit, problem, wants_page=wants_page
            )
            await refusal(scope, receive, send)


class _AnyMethod:
    """An endpoint that accepts any method, also unknown ones."""

    def __init__(self, answer: Callable[[Request], Awaitable[Response]]) -> None:
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        response = await self._answer(Request(scope, receive))
        await response(scope, receive, send)


class _Room:
    def __init__(self, context: RoomContext) -> None:
        self._context = context
        self._calls = SharedCalls(context.framework)
        self._landing = LandingPage(context, self._calls)
        self._slow_lookups = SlowLookups(
            self._is_answering, now=context.clock, patience=context.patience
        )

    async def visit(self, request: Request) -> Response:
        """Answer a request for an app's own page, or for a preview that is not routed.

        Starts nothing.
        """
        visit = read_visit(self._context, request)
        landing = names.find_landing(visit.host, self._context.domain)
        if landing and "x-prevs-landing" in request.headers:
            return await self._landing.show(request, visit, landing)
        wants_page = is_navigation(request)
        problem = _find_refusal(visit, request.headers) or self._known_problem(
            visit, request.headers, wants_page=wants_page
        )
        if visit.refused:
            self._context.refused_tasks.watch(visit.host, visit.refused)
        if problem is None and await self._context.refused_tasks.has_recovered(
            visit.host, visit.refused
        ):
            problem = problems.closed_connection(visit.host)
        found = await self._find(visit, wants_page=wants_page) if problem is None else problem
        if isinstance(found, Problem):
            return await responses.answer_problem(
                self._context, visit, found, wants_page=wants_page
            )
        commit, preview = found
        if wants_page:
            return await self._show(visit, commit, preview)
        problem = problems.not_started_by_looking()
        if preview is not None and preview.has_failed:
            problem = problems.failed(await with_log(self._calls.read_log_end, preview))
        return await responses.answer_problem(self._context, visit, problem, wants_page=False)

    async def newest(self, request: Request) -> Response:
        """Show the newest commit of a host, also while an older one answers there."""
        visit = dataclasses.replace(read_visit(self._context, request), path="/")
        wants_page = is_navigation(request)
        found: tuple[Commit, Preview | None] | Problem = self._no_address(visit)
        if visit.app:
            found = await self._find(visit, wants_page=wants_page)
        if isinstance(found, Problem):
            return await responses.answer_problem(
                self._context, visit, found, wants_page=wants_page
            )
        commit, preview = found
        if preview is not None and preview.state == State.RUNNING.value:
            return RedirectResponse("/", 303, {"Cache-Control": "no-store"})
        return await self._show(visit, commit, preview)

    def _no_address(self, visit: Visit) -> Problem:
        return problems.no_address(visit.host, self._context.domain)

    def _known_problem(self, visit: Visit, headers: Headers, *, wants_page: bool) -> Problem | None:
        """Return the problem if it is known without the framework; None if the framework knows."""
        if visit.path.startswith("/_prevs/"):
            return problems.nothing_at(visit.path)
        if "x-prevs-miss" not in headers:
            return problems.refuses_connections(visit.host)
        if not visit.app:
            return self._no_address(visit)
        if "x-prevs-later" in headers:
            seconds, _, budget = headers["x-prevs-later"].partition(" ")
            if budget in problems.OPEN:
                return problems.too_many_open(budget)
            return problems.too_many_starts(int(seconds), budget)
        if wants_page:
            return None
        if "x-prevs-looks" in headers:
            return problems.refuses_connections(visit.host) if visit.refused else None
        held = int(headers.get("x-prevs-held", 0))
        return self._context.pending_starts.explain_timeout(visit.host, held, visit.refused)

    async def _show(self, visit: Visit, commit: Commit, preview: Preview | None) -> Response:
        """Return the page that waits for a preview, or explains why it failed."""
        failed = preview is not None and preview.has_failed
        self._context.metrics.pages.labels("failed" if failed else "waiting").inc()
        headers = {
            **pages.security_headers(visit.nonce),
            **({} if failed else _WAIT),
        }
        now = self._context.clock()
        shows_all = await self._context.visibility.shows_all(visit.app)
        if not shows_all:
            commit, preview = brief_commit(commit), brief_preview(preview) if preview else None
        elif preview:
            preview = await self._with_log(visit, preview)
        log_token = self._context.tokens.sign_log(visit.host, commit.sha, now)
        page = pages.waiting_page(
            visit, commit, preview, now=now, log_token=log_token, shows_all=shows_all
        )
        return HTMLResponse(page, 502 if failed else 503, headers)

    async def _with_log(self, visit: Visit, preview: Preview) -> Preview:
        """Return a preview with the last lines of its log, for visitors without scripts."""
        has_none = preview.state in _WITHOUT_LOG and not visit.refused
        return preview if has_none else await with_log(self._calls.read_log_end, preview)

    async def _find(
        self, visit: Visit, *, wants_page: bool
    ) -> tuple[Commit, Preview | None] | Problem:
        """Return the commit and the preview of a host, or why there is none. Starts nothing.

        A page does not wait for a repository that is slow; it tells that, and asks again.
        """

        async def find() -> tuple[Commit, Preview | None]:
            # At the same time: the page needs this next, and then it is remembered.
            visibility = asyncio.ensure_future(self._context.visibility.shows_all(visit.app))
            commit = await self._calls.resolve(visit.app, visit.label)
            await visibility
            return commit, await self._calls.find(visit.app, commit.sha)

        if not wants_page:
            return await responses.or_problem(find())
        return await self._slow_lookups.find(
            visit.app, visit.label, lambda: responses.or_problem(find())
        )

    async def _is_answering(self, app: str) -> bool:
        """Return whether the framework answers what it knows without a repository."""
        try:
            await self._calls.find(app, "0" * 40)
        except (ApiAway, ApiRefused) as error:
            return isinstance(error, ApiRefused)  # a refusal is an answer
        return True


def _find_refusal(visit: Visit, headers: Headers) -> Problem | None:
    """Return why a gate leads nowhere; None if it does not."""
    cause = headers.get("x-prevs-refusal")
    return gate_problems.refused(visit.site, cause) if cause else None
