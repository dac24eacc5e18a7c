"""The waiting room over HTTP (Starlette), behind HAProxy.

HAProxy says how a request came here: X-Prevs-Ask is `page` for a browser's navigation and `held`
for all else; X-Prevs-Looks marks what must start nothing; X-Prevs-Held is for how many seconds it
was held; X-Prevs-Task without X-Prevs-Miss is a request whose container took no connection. Clients
cannot send these headers themselves.
"""

import secrets
import time
from collections.abc import Awaitable, Callable
from typing import NamedTuple
from urllib.parse import parse_qs

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import (
    HTMLResponse,
    JSONResponse,
    RedirectResponse,
    Response,
    StreamingResponse,
)
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from prevs import names
from proxy import problems
from proxy.errors import ApiAway, ApiRefused
from proxy.ports import Framework
from proxy.preview import Commit, Preview
from proxy.problems import Problem
from proxy.room import events, origin, pages
from proxy.room.pages import Visit
from proxy.room.tokens import Tokens
from proxy.table import Table
from proxy.waiting import Waiting

_LONGEST_FORM = 8192
_WAIT = {"Retry-After": "2"}


class Parts(NamedTuple):
    """What the room works with."""

    framework: Framework
    table: Table
    waiting: Waiting
    tokens: Tokens
    domain: str
    clock: Callable[[], float] = time.time


def make_app(parts: Parts) -> Starlette:
    """Return the application behind the room's socket."""
    room = _Room(parts)
    return Starlette(
        routes=[
            Route("/_prevs/events", room.events, methods=["GET"]),
            Route("/_prevs/start", room.start, methods=["POST"]),
            Route("/_prevs/retry", room.retry, methods=["POST"]),
            Route("/{path:path}", _AnyMethod(room.visit)),
        ]
    )


class _AnyMethod:
    """An endpoint that takes whatever method a client thought of."""

    def __init__(self, answer: Callable[[Request], Awaitable[Response]]) -> None:
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        response = await self._answer(Request(scope, receive))
        await response(scope, receive, send)


class _Room:
    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def visit(self, request: Request) -> Response:
        """Answer a request for a preview that is not routed. Starts nothing."""
        visit = self._visit(request)
        if visit.path.startswith("/_prevs/"):
            return _plain(problems.nothing_at(visit.path))
        wants_page = request.headers.get("x-prevs-ask") == "page"
        if "x-prevs-task" in request.headers and "x-prevs-miss" not in request.headers:
            problem = problems.refuses_connections(visit.host)
            return _page_of(visit, problem) if wants_page else _plain(problem)
        if not wants_page and "x-prevs-looks" not in request.headers:
            held = int(request.headers.get("x-prevs-held", 0))
            return _plain(self._parts.waiting.verdict(visit.host, held))
        found = await self._find(visit)
        if isinstance(found, Problem):
            return _page_of(visit, found) if wants_page else _plain(found)
        commit, preview = found
        failed = preview is not None and preview.has_failed
        if wants_page:
            status, more = (502, {}) if failed else (503, _WAIT)
            now = self._parts.clock()
            told = {"X-Prevs-App": visit.app, "X-Prevs-Commit": commit.sha}
            headers = {**pages.security_headers(visit.nonce), **more, **told}
            return HTMLResponse(pages.waiting_page(visit, commit, preview, now), status, headers)
        if preview is not None and failed:
            return _plain(problems.failed(preview))
        return _plain(problems.unavailable("The preview is not running; a GET starts it."))

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

    async def events(self, request: Request) -> Response:
        """Stream what happens to the preview of a page. Starts nothing."""
        visit = self._visit(request)
        sha = request.query_params.get("sha", "")
        if not visit.app or not names.is_sha(sha):
            return _plain(problems.no_address(visit.host, self._parts.domain))
        stream = events.follow(
            self._parts.framework,
            self._parts.table,
            visit.host,
            preview=(visit.app, sha),
            after=request.headers.get("last-event-id"),
            clock=self._parts.clock,
        )
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(stream, media_type="text/event-stream", headers=headers)

    async def _find(self, visit: Visit) -> tuple[Commit, Preview | None] | Problem:
        """Return what is known of a host's preview, or why there is none. Starts nothing."""
        if not visit.app:
            return problems.no_address(visit.host, self._parts.domain)
        framework = self._parts.framework
        try:
            commit = await framework.resolve(visit.app, visit.label)
            return commit, await framework.find(visit.app, commit.sha)
        except ApiRefused as refusal:
            return refusal.problem
        except ApiAway as error:
            return problems.unavailable(f"The preview service does not answer: {error}.")

    async def _act(self, request: Request, ask: Callable[[Visit], Awaitable[Preview]]) -> Response:
        """Do what a page's own form or script asks for; nobody else may."""
        visit = self._visit(request)
        form = await _read_form(request)
        wants_page = "application/json" not in request.headers.get("accept", "")
        problem = self._refusal(request, visit, form.get("token", ""))
        if problem is None:
            try:
                preview = await ask(visit)
            except ApiRefused as refusal:
                problem = refusal.problem
            except ApiAway as error:
                problem = problems.unavailable(f"The preview service does not answer: {error}.")
            else:
                if wants_page:
                    return RedirectResponse(origin.own_path(form.get("back", "/")), 303)
                return JSONResponse(preview.view(self._parts.clock()), 202)
        return _page_of(visit, problem) if wants_page else _plain(problem)

    def _refusal(self, request: Request, visit: Visit, token: str) -> Problem | None:
        if not visit.app:
            return problems.no_address(visit.host, self._parts.domain)
        own = origin.is_own(
            host=request.headers.get("host", ""),
            origin=request.headers.get("origin"),
            fetch_site=request.headers.get("sec-fetch-site"),
        )
        valid = self._parts.tokens.is_valid(token, visit.host, self._parts.clock())
        if own and valid and "x-prevs-looks" not in request.headers:
            return None
        detail = "Only the page itself may ask for this, and it is too old now. Load it again."
        return Problem("forbidden", "Not asked by the page", 403, detail)

    def _visit(self, request: Request) -> Visit:
        host = origin.bare_host(request.headers.get("host", ""))
        label, app = names.split_host(host, self._parts.domain) or ("", "")
        if app:  # one name for both forms, as HAProxy has it
            host = names.host(label, app, self._parts.domain)
        path = request.url.path
        may_start = app and "x-prevs-looks" not in request.headers
        return Visit(
            host=host,
            label=label,
            app=app,
            path=f"{path}?{request.url.query}" if request.url.query else path,
            nonce=secrets.token_urlsafe(16),
            token=self._parts.tokens.sign(host, self._parts.clock()) if may_start else "",
        )


def _plain(problem: Problem) -> Response:
    return Response(problem.body(), problem.status, problem.headers())


def _page_of(visit: Visit, problem: Problem) -> Response:
    headers = pages.security_headers(visit.nonce)
    if problem.retry_after is not None:
        headers["Retry-After"] = str(problem.retry_after)
    return HTMLResponse(pages.problem_page(visit, problem), problem.status, headers)


async def _read_form(request: Request) -> dict[str, str]:
    """Return the fields of a small form; nothing of a large one."""
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > _LONGEST_FORM:
            return {}
    fields = parse_qs(body.decode("utf-8", "replace"))
    return {name: values[0] for name, values in fields.items()}
