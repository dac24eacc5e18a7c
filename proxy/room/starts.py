"""The endpoints that only a page's own form or script may use: start, retry, renew a token."""

from collections.abc import Awaitable, Callable

import structlog
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from program.http import same_origin
from proxy.model import problems
from proxy.model.preview import Commit, Preview
from proxy.model.problems import Problem
from proxy.pages import view
from proxy.pages.brief import brief_preview
from proxy.pages.pages import Visit
from proxy.room import responses
from proxy.room.context import RoomContext
from proxy.room.visits import read_form, read_visit

log = structlog.get_logger(__name__)


class Starts:
    """The endpoints."""

    def __init__(self, context: RoomContext) -> None:
        self._context = context

    async def start(self, request: Request) -> Response:
        """Start the preview of a page."""

        async def call(visit: Visit) -> Preview:
            return await self._context.framework.start(visit.app, visit.label)

        return await self._act(request, call)

    async def retry(self, request: Request) -> Response:
        """Retry the failed preview of a page."""

        async def call(visit: Visit) -> Preview:
            framework = self._context.framework
            preview = await framework.start(visit.app, visit.label)
            if preview.has_failed:
                preview = await framework.retry(preview.app, preview.sha)
            return preview

        return await self._act(request, call)

    async def _act(self, request: Request, call: Callable[[Visit], Awaitable[Preview]]) -> Response:
        """Make a call to the framework for a page's own form or script; refuse all others."""
        visit = read_visit(self._context, request)
        form = await read_form(request)
        wants_page = "application/json" not in request.headers.get("accept", "")
        problem = self._find_refusal(request, visit, form.get("token", ""))
        answer = await responses.or_problem(call(visit)) if problem is None else problem
        outcome = answer.slug if isinstance(answer, Problem) else "asked"
        self._context.metrics.starts.labels("page", outcome).inc()
        commit = "" if isinstance(answer, Problem) else answer.commit[:12]
        log.info("a page requests a start", host=visit.host, commit=commit, outcome=outcome)
        if isinstance(answer, Problem):
            if problem is None and answer.slug != "unavailable":
                self._context.start_limit.forget(visit.host)
            return await responses.answer_problem(
                self._context, visit, answer, wants_page=wants_page
            )
        self._context.preview_streams.forget_end(answer.app, answer.sha)
        if wants_page:
            return RedirectResponse(same_origin.own_path(form.get("back", "/")), 303)
        now = self._context.clock()
        if not await self._context.visibility.shows_all(visit.app):
            answer = brief_preview(answer)
        shown = view.show(answer, now, refused=form.get("refused", ""))
        log_token = self._context.tokens.sign_log(visit.host, answer.sha, now)
        return JSONResponse({**shown.message(), "log_token": log_token}, 202)

    async def renew(self, request: Request) -> Response:
        """Return the next token for the log to a page that is open for long. Starts nothing."""
        visit = read_visit(self._context, request)
        form = await read_form(request)
        found: Commit | Problem | None = self._find_foreign(request, visit, form.get("token", ""))
        if found is None:
            call = self._context.framework.resolve(visit.app, visit.label)
            found = await responses.or_problem(call)
        if isinstance(found, Problem):
            return await responses.answer_problem(self._context, visit, found, wants_page=False)
        if found.sha != form.get("sha"):
            return responses.problem_json(problems.leads_elsewhere())
        log_token = self._context.tokens.sign_log(visit.host, found.sha, self._context.clock())
        return JSONResponse({"log_token": log_token}, headers={"Cache-Control": "no-store"})

    def _find_refusal(self, request: Request, visit: Visit, token: str) -> Problem | None:
        problem = self._find_foreign(request, visit, token)
        if problem is not None:
            return problem
        later = self._context.start_limit.take(
            request.headers.get("x-forwarded-for", ""), visit.host
        )
        return problems.too_many_starts(*later) if later else None

    def _find_foreign(self, request: Request, visit: Visit, token: str) -> Problem | None:
        """Return why a request does not come from the host's own page; None if it does."""
        if not visit.app:
            return problems.no_address(visit.host, self._context.domain)
        own = same_origin.is_own(
            host=request.headers.get("host", ""),
            origin=request.headers.get("origin"),
            fetch_site=request.headers.get("sec-fetch-site"),
        )
        valid = self._context.tokens.is_valid(token, visit.host, self._context.clock())
        if own and valid and "x-prevs-looks" not in request.headers:
            return None
        return problems.not_sent_by_page()
