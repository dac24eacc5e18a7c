"""Every write through the API, done or refused, goes into the audit log."""

import json
from collections.abc import Mapping
from typing import Any

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from framework.http_api.admission.audit import Audit
from framework.http_api.admission.calls import Call, read_call

_TARGET = "audit_target"
_UNANSWERED = "unanswered"
_LONGEST_NAME = 100


def note_target(request: Request, target: str) -> None:
    """Let the audit log say what a write was done to, if the path of its call does not."""
    setattr(request.state, _TARGET, target)


class AuditMiddleware:
    """Notes each write with its outcome. Successful reports of proxies are left out.

    It must wrap authentication, so that rejected requests are audited too. 429s are not noted, or
    anybody could fill the log.
    """

    def __init__(self, app: ASGIApp, audit: Audit) -> None:
        self._app = app
        self._audit = audit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and note its outcome."""
        call = read_call(scope)
        if call is None or not call.is_write:
            await self._app(scope, receive, send)
            return
        outcome: int | str = _UNANSWERED
        location: str | None = None
        refusal = b""

        async def send_noting(message: Message) -> None:
            nonlocal outcome, location, refusal
            if message["type"] == "http.response.start":
                outcome = message["status"]
                location = Headers(raw=message["headers"]).get("location")
            elif isinstance(outcome, int) and outcome >= 400 and not refusal:
                refusal = message.get("body", b"")
            await send(message)

        try:
            await self._app(scope, receive, send_noting)
        except Exception:
            outcome = 500
            raise
        finally:
            target = scope["state"].get(_TARGET) or _find_target(call, location, refusal)
            self._note(call, scope["state"], outcome, target)

    def _note(self, call: Call, state: Mapping[str, Any], outcome: int | str, target: str) -> None:
        done = outcome == _UNANSWERED or (isinstance(outcome, int) and outcome < 400)
        if outcome == 429 or (done and call.operation.is_report):
            return
        identity = state.get("identity")
        if identity is not None and call.operation.is_of_strangers:
            return
        self._audit.note(identity, call.action, target, outcome, str(state["client"]))


def _find_target(call: Call, location: str | None, refusal: bytes) -> str:
    """Return what a write was done to. A POST names what it made in Location, not in its path."""
    if location is not None:
        return "/".join(location.split("/")[3:])
    return call.target or _read_target(refusal)


def _read_target(refusal: bytes) -> str:
    """Return what a problem names, `shop` or `shop/main`; "" if it names nothing."""
    try:
        fields = json.loads(refusal)
    except ValueError:
        return ""
    named = (fields.get(name) for name in ("app", "label")) if isinstance(fields, dict) else ()
    return "/".join(one[:_LONGEST_NAME] for one in named if isinstance(one, str))
