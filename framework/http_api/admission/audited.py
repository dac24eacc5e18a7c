"""Every write through the API, done or refused, goes into the audit log."""

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from framework.http_api.admission import actions, scopes
from framework.http_api.admission.audit import Audit

_UNANSWERED = "unanswered"


class Audited:
    """Notes each write with its outcome, but for what proxies report as they should.

    It has to be outside of what finds out who asks, so that it hears of refusals too. Who asks
    too often is noted until then, or the log could be filled by anybody.
    """

    def __init__(self, app: ASGIApp, audit: Audit) -> None:
        self._app = app
        self._audit = audit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and note what came of it."""
        if scope["type"] != "http" or not (
            actions.is_write(scope["method"]) and scopes.is_guarded(scope["path"])
        ):
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
            self._note(scope, outcome, location, refusal)

    def _note(self, scope: Scope, outcome: int | str, location: str | None, refusal: bytes) -> None:
        action, target = actions.name_action(scope["method"], scope["path"])
        target = target or actions.read_target(refusal)
        done = outcome == _UNANSWERED or (isinstance(outcome, int) and outcome < 400)
        if outcome == 429 or (done and action in actions.REPORTS):
            return
        if location is not None:  # what a POST made has no name in its path
            _, target = actions.name_action("DELETE", location)
        state = scope["state"]
        who, client = state.get("identity"), str(state["client"])
        self._audit.note(who, action, target, outcome, client)
