"""`/_prevs/enter` at a host of an app or a gate: what a visitor brings becomes a pass in a cookie.

HAProxy lets only browsers that go to a page come here, and those who have a pass already.
"""

import dataclasses
import secrets

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from prevs import names
from program.http import same_origin
from program.passes.passes import Pass, write_pass
from proxy.entrance import cookies
from proxy.entrance.addresses import SIGN_IN, Aim, digest_nonce, origin_of, with_query
from proxy.model import problems
from proxy.model.access import AppAccess, find_pass, opens
from proxy.model.problems import Problem
from proxy.pages.pages import Visit
from proxy.room import responses
from proxy.room.context import RoomContext
from proxy.room.host_header import bare_host
from proxy.room.visits import read_visit

VISIT_SECONDS = 8 * 3600
"""How long a visitor who has signed in is in."""
_NONCE_SECONDS = 3600
HEADERS = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
"""The addresses on the way hold what lets in."""


class Entering:
    """The endpoint."""

    def __init__(self, context: RoomContext) -> None:
        self._context = context
        self._used: dict[str, float] = {}

    async def enter(self, request: Request) -> Response:
        """Let a visitor in by a link to share or by a code; send any other to sign in."""
        visit = self._read_visit(request)
        given = request.query_params
        path = same_origin.own_path(given.get("to", "/"))
        access = self._context.table.find_access(visit.app) if visit.app else None
        looks = request.method != "GET" or "x-prevs-looks" in request.headers
        brings = "pass" in given or "code" in given
        # Such a request has a pass already, or needs none.
        if access is None or looks or (_is_in(request) and not brings):
            return RedirectResponse(path, 303, HEADERS)
        if access.closed:
            return await self._refuse(visit, problems.closed())
        if "pass" in given:
            return await self._use_link(request, visit, access)
        if "code" in given:
            return await self._use_code(request, visit, access)
        return self._send_to_sign_in(request, visit, path)

    def _read_visit(self, request: Request) -> Visit:
        """Return a visit, of a landing page too: that has no label."""
        visit = read_visit(self._context, request)
        own = names.find_landing(visit.host, self._context.domain)
        return dataclasses.replace(visit, app=visit.app or own)

    async def _use_link(self, request: Request, visit: Visit, access: AppAccess) -> Response:
        """The cookie lasts as long as the link's pass, and ends with it."""
        now = self._context.clock()
        text = request.query_params["pass"]
        found = find_pass(access, text, self._context.pass_keys, app=visit.app)
        if found is None or not opens(found, visit.site, now):
            return await self._refuse(visit, problems.link_ended())
        return self._let_in(request, found._replace(host=visit.site), "/", now)

    async def _use_code(self, request: Request, visit: Visit, access: AppAccess) -> Response:
        now = self._context.clock()
        path = same_origin.own_path(request.query_params.get("to", "/"))
        nonce = cookies.read(request, cookies.NONCE)
        aim = _make_aim(request, visit, path, nonce)
        text = request.query_params["code"]
        found = find_pass(access, text, self._context.pass_keys, app=visit.app)
        valid = nonce and opens(found, visit.site, now, purpose=aim.purpose)
        if found is None or not valid or not self._use_up(text, found.until, now):
            if _is_in(request):
                return RedirectResponse(path, 303, HEADERS)
            return await self._refuse(visit, problems.entry_ended())
        content = Pass(visit.app, visit.site, access.era, now + VISIT_SECONDS)
        response = self._let_in(request, content, path, now)
        cookies.remove(request, response, cookies.NONCE)
        return response

    def _use_up(self, code: str, until: float, now: float) -> bool:
        """Return whether a code is used for the first time; it is remembered while it counts."""
        self._used = {text: end for text, end in self._used.items() if end > now}
        if code in self._used:
            return False
        self._used[code] = until
        return True

    def _let_in(self, request: Request, content: Pass, path: str, now: float) -> Response:
        response = RedirectResponse(path, 303, HEADERS)
        text = write_pass(self._context.pass_keys[0], content)
        seconds = int(content.until - now)
        cookies.put(request, response, cookies.ACCESS, text, seconds=seconds)
        return response

    def _send_to_sign_in(self, request: Request, visit: Visit, path: str) -> Response:
        """The nonce stays in this browser, so a code is of no use in another one."""
        nonce = cookies.read(request, cookies.NONCE) or secrets.token_urlsafe(24)
        aim = _make_aim(request, visit, path, nonce)
        origin = origin_of(request, names.sign_in_host(self._context.domain))
        address = origin + with_query(SIGN_IN, **aim.fields())
        response = RedirectResponse(address, 303, HEADERS)
        cookies.put(request, response, cookies.NONCE, nonce, seconds=_NONCE_SECONDS)
        return response

    async def _refuse(self, visit: Visit, problem: Problem) -> Response:
        response = await responses.answer_problem(self._context, visit, problem, wants_page=True)
        response.headers.update(HEADERS)
        return response


def _make_aim(request: Request, visit: Visit, path: str, nonce: str) -> Aim:
    host = bare_host(request.headers.get("host", ""))
    return Aim(visit.app, host, path, digest_nonce(nonce))


def _is_in(request: Request) -> bool:
    """Return whether a visitor has a pass that counts. HAProxy says so; clients cannot."""
    return "x-prevs-in" in request.headers
