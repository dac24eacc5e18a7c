"""What a page's own form or script asks for, and nobody else may: start, and start again."""

from collections.abc import Awaitable, Callable
from urllib.parse import parse_qs

import structlog
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from program import same_origin
from proxy.model import problems
from proxy.model.preview import Commit, Preview
from proxy.model.problems import Problem
from proxy.pages import view
from proxy.pages.brief import brief_preview
from proxy.pages.pages import Visit
from proxy.room import answers
from proxy.room.parts import Parts, read_visit

log = structlog.get_logger(__name__)

_LONGEST_FORM = 8192


class Starts:
    """The endpoints."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def start(self, request: Request) -> Response:
        """Start the preview of a page."""

        async def ask(visit: Visit) -> Preview:
            return await self._parts.framework.start(visit.app, visit.label)

        return await self._act(request, ask)

    async def retry(self, request: Request) -> Response:
        """Start the failed preview of a page again."""

        async def ask(visit: Visit) -> Preview:
            framework = self._parts.framework
            preview = await framework.start(visit.app, visit.label)
            if preview.has_failed:
                preview = await framework.retry(preview.app, preview.sha)
            return preview

        return await self._act(request, ask)

    async def _act(self, request: Request, ask: Callable[[Visit], Awaitable[Preview]]) -> Response:
        """Do what a page's own form or script asks for; nobody else may."""
        visit = read_visit(self._parts, request)
        form = await _read_form(request)
        wants_page = "application/json" not in request.headers.get("accept", "")
        problem = self._refusal(request, visit, form.get("token", ""))
        answer = await answers.answered(ask(visit)) if problem is None else problem
        outcome = answer.slug if isinstance(answer, Problem) else "asked"
        self._parts.metrics.starts.labels("page", outcome).inc()
        sha = "" if isinstance(answer, Problem) else answer.sha[:12]
        log.info("a page asks for a start", host=visit.host, commit=sha, outcome=outcome)
        if isinstance(answer, Problem):
            return await answers.tell(self._parts, visit, answer, wants_page=wants_page)
        self._parts.sources.forget_end(answer.app, answer.sha)
        if wants_page:
            return RedirectResponse(same_origin.own_path(form.get("back", "/")), 303)
        now = self._parts.clock()
        if not await self._parts.shown.shows_all(visit.app):
            answer = brief_preview(answer)
        shown = view.show(answer, now, refused=form.get("refused", ""))
        log_token = self._parts.tokens.sign_log(visit.host, answer.sha, now)
        return JSONResponse({**shown.message(), "log_token": log_token}, 202)

    async def renew(self, request: Request) -> Response:
        """Answer a page that is open for long with its next token for the log. Starts nothing."""
        visit = read_visit(self._parts, request)
        form = await _read_form(request)
        found: Commit | Problem | None = self._foreign(request, visit, form.get("token", ""))
        if found is None:
            asked = self._parts.framework.resolve(visit.app, visit.label)
            found = await answers.answered(asked)
        if isinstance(found, Problem):
            return await answers.tell(self._parts, visit, found, wants_page=False)
        if found.sha != form.get("sha"):
            return answers.plain(problems.leads_elsewhere())
        log_token = self._parts.tokens.sign_log(visit.host, found.sha, self._parts.clock())
        return JSONResponse({"log_token": log_token}, headers={"Cache-Control": "no-store"})

    def _refusal(self, request: Request, visit: Visit, token: str) -> Problem | None:
        problem = self._foreign(request, visit, token)
        if problem is not None:
            return problem
        later = self._parts.cap.take(request.headers.get("x-forwarded-for", ""), visit.host)
        return problems.too_many_starts(*later) if later else None

    def _foreign(self, request: Request, visit: Visit, token: str) -> Problem | None:
        """Return why a request is not one of the host's own page; None if it is."""
        if not visit.app:
            return problems.no_address(visit.host, self._parts.domain)
        own = same_origin.is_own(
            host=request.headers.get("host", ""),
            origin=request.headers.get("origin"),
            fetch_site=request.headers.get("sec-fetch-site"),
        )
        valid = self._parts.tokens.is_valid(token, visit.host, self._parts.clock())
        if own and valid and "x-prevs-looks" not in request.headers:
            return None
        detail = "Only the page itself may ask for this, and it is too old now. Load it again."
        return Problem("forbidden", "Not asked by the page", 403, detail)


async def _read_form(request: Request) -> dict[str, str]:
    """Return the fields of a small form; nothing of a large one."""
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > _LONGEST_FORM:
            return {}
    fields = parse_qs(body.decode("utf-8", "replace"))
    return {name: values[0] for name, values in fields.items()}
