"""Every refusal as IronWorker's clients read it: {"msg": …} instead of a problem."""

import json

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from framework.http_api.admission.calls import IRONWORKER
from framework.http_api.http.problems import MEDIA_TYPE

_STATUSES = {422: 400, 429: 503}
"""IronWorker has no 422. Its clients wait and ask again after a 503, and give up at a 429."""


class Refusals:
    """Rewrites the problems of the calls of IronWorker's API; all else passes."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        is_ours = scope["type"] == "http" and scope["path"].startswith(IRONWORKER)
        await self._app(scope, receive, _Rewriting(send).send if is_ours else send)


class _Rewriting:
    """The way of one answer: a problem is held back until it is whole."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._start: Message | None = None
        self._body = b""

    async def send(self, message: Message) -> None:
        """Send a part of the answer, or hold it back."""
        if message["type"] == "http.response.start":
            if Headers(raw=message["headers"]).get("content-type") == MEDIA_TYPE:
                self._start = message
                return
        elif self._start is not None:
            self._body += message.get("body", b"")
            if not message.get("more_body"):
                await self._send_message(self._start)
            return
        await self._send(message)

    async def _send_message(self, start: Message) -> None:
        body = json.dumps({"msg": json.loads(self._body)["detail"]}).encode()
        status = _STATUSES.get(start["status"], start["status"])
        changed: Message = {**start, "status": status, "headers": list(start["headers"])}
        headers = {"content-type": "application/json", "content-length": str(len(body))}
        MutableHeaders(scope=changed).update(headers)
        await self._send(changed)
        await self._send({"type": "http.response.body", "body": body})
