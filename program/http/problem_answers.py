"""Problems (RFC 9457) that an application answers, for clients that read another form: ASGI."""

import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MEDIA_TYPE = "application/problem+json"


class Form(NamedTuple):
    """How a problem is said: the answer's status, its body, and headers in place of its own."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class RewrittenProblems:
    """Runs `app`, and sends its problems as `rewrite` returns them, from a status and members.

    Only in answers to requests that `applies` to; all else passes.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        applies: Callable[[Scope], bool],
        rewrite: Callable[[int, Mapping[str, Any]], Form],
    ) -> None:
        self._app = app
        self._applies = applies
        self._rewrite = rewrite

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        is_ours = scope["type"] == "http" and self._applies(scope)
        await self._app(scope, receive, _Answer(send, self._rewrite).send if is_ours else send)


class _Answer:
    """One answer: a problem is held back until it is whole."""

    def __init__(self, send: Send, rewrite: Callable[[int, Mapping[str, Any]], Form]) -> None:
        self._send = send
        self._rewrite = rewrite
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
                await self._send_whole(self._start)
            return
        await self._send(message)

    async def _send_whole(self, start: Message) -> None:
        form = self._rewrite(start["status"], json.loads(self._body))
        changed: Message = {**start, "status": form.status, "headers": list(start["headers"])}
        length = {"content-length": str(len(form.body))}
        MutableHeaders(scope=changed).update({**form.headers, **length})
        await self._send(changed)
        await self._send({"type": "http.response.body", "body": form.body})
