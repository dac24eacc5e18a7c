"""`prevs login`: a person agrees in the browser, and their command line gets a token.

The code goes to a port of the browser's own machine, or is shown for the person to type.
"""

import json
import re
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from framework.access import Scope
from framework.dashboard.session.page_access import Action, Form, PageAccess
from framework.dashboard.session.responses import Pages
from framework.dashboard.session.sessions import Viewer
from framework.http_api.admission.audit import Audit
from framework.http_api.http import problems
from framework.people import seals
from framework.people.login_codes import Agreed, LoginCodes
from framework.ports import Tokens
from prevs.roles import TOKEN_PREFIX

LIFE_S = 12 * 3600
"""How long a token counts after its person has signed in."""
_TEXT = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
_PORT = re.compile(r"[1-9][0-9]{3,4}", re.ASCII)
_NO_PERSON = (
    "You have signed in with a token, so there is nobody to sign in for. Give the command line "
    "that token, in PREVS_TOKEN, or sign in with the identity provider."
)
_ADVICE = "Run `prevs login` again."


class CommandLineSignIn:
    """The pages for people, and the call that exchanges a code. Belongs to the event loop."""

    def __init__(
        self,
        tokens: Tokens,
        access: PageAccess,
        pages: Pages,
        *,
        audit: Audit,
        codes: LoginCodes,
    ) -> None:
        self._tokens = tokens
        self._access = access
        self._pages = pages
        self._audit = audit
        self._codes = codes

    def routes(self) -> list[Route]:
        """Return the routes."""
        access = self._access
        agree = Action("sign in command line", Scope.READ)
        return [
            Route("/command-line", access.protected_page(self._ask, narrows=True), methods=["GET"]),
            Route(
                "/command-line",
                access.protected_action(agree, self._agree, narrows=True),
                methods=["POST"],
            ),
            Route("/command-line/token", self._exchange, methods=["POST"]),
        ]

    async def _ask(self, request: Request, viewer: Viewer) -> Response:
        asked = _read(request.query_params)
        if asked is None:
            return self._pages.refuse(request, viewer, 400, f"This is no such question. {_ADVICE}")
        if viewer.person is None:
            return self._pages.refuse(request, viewer, 403, _NO_PERSON)
        return self._pages.show(request, viewer, "command_line", asked=asked, code="")

    async def _agree(self, request: Request, viewer: Viewer, form: Form) -> Response:
        asked = _read(form)
        if asked is None:
            return self._pages.refuse(request, viewer, 400, f"This is no such question. {_ADVICE}")
        if viewer.person is None:
            return self._pages.refuse(request, viewer, 403, _NO_PERSON)
        agreed = Agreed(viewer.person, viewer.signed_in + LIFE_S)
        code = self._codes.add(agreed, asked["challenge"])
        if not asked["port"]:
            return self._pages.show(request, viewer, "command_line", asked=asked, code=code)
        back = urlencode({"code": code, "state": asked["state"]})
        place = f"http://127.0.0.1:{asked['port']}/?{back}"
        return self._pages.show(request, None, "onward", place=place, title="the command line")

    async def _exchange(self, request: Request) -> Response:
        """Answer a code and its verifier with a token."""
        given = _read_json(await request.body())
        agreed = self._codes.take(given.get("code", ""), given.get("verifier", ""))
        if agreed is None:
            level = request.state.failed_auth.take(request.state.client)
            if not level.allowed:
                return problems.answer_problem(
                    problems.TOO_MANY_REQUESTS,
                    f"Too many wrong codes came from your address. Wait {level.retry} s.",
                    headers={"Retry-After": str(level.retry)},
                )
            return problems.answer_problem(
                problems.SIGN_IN_REFUSED,
                f"The code is wrong, was used already, or is older than two minutes. {_ADVICE}",
            )
        text = self._tokens.seal_person(seals.TOKEN, agreed.person, agreed.until)
        who = self._tokens.identify(agreed.person)
        self._audit.note(who, "give token", "command line", 200, str(request.state.client))
        found = {"token": f"{TOKEN_PREFIX}{text}", "name": who.name, "until": agreed.until}
        return JSONResponse(found, headers={"Cache-Control": "no-store"})


def _read(fields: Any) -> dict[str, str] | None:
    """Return what a command line asks with; None for what none of ours would."""
    names = ("challenge", "port", "state")
    challenge, port, state = (str(fields.get(name, "")) for name in names)
    if not _CHALLENGE.fullmatch(challenge):
        return None
    if port and not (_PORT.fullmatch(port) and int(port) < 65536 and _TEXT.fullmatch(state)):
        return None
    return {"challenge": challenge, "port": port, "state": state if port else ""}


def _read_json(body: bytes) -> dict[str, str]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    fields = found.items() if isinstance(found, dict) else ()
    return {name: value for name, value in fields if isinstance(value, str)}
