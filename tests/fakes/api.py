"""The framework's HTTP API for tests of its clients: the real application over fakes, on a socket.

A layer in front of it records requests, and gives answers that the real one would not give.
"""

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from prevs.records import AppRecord, Failure, PreviewRecord
from prevs.states import Cause, State
from tests.fakes import served
from tests.fakes.answers import SHA
from tests.fakes.asgi import TOKEN, ApiInProcess

__all__ = ["TOKEN", "Api"]


class Api(ApiInProcess):
    """An API, and the requests that it got as (method, path), with the JSON of each body.

    `instead` has answers to calls in place of its own, `next` those to the next calls of any
    kind. `resumed_after` has the Last-Event-ID of each stream. `script` has pairs: once a
    stream has sent a text, the function is called; `cut` may be one.
    """

    def __init__(self, port: int = 8080, **fakes: Any) -> None:
        super().__init__(port, **fakes)
        self.requests: list[tuple[str, str]] = []
        self.bodies: list[Any] = []
        self.resumed_after: list[str | None] = []
        self.instead: dict[tuple[str, str], ASGIApp] = {}
        self.next: list[ASGIApp] = []
        self.script: list[tuple[str, Callable[[], object]]] = []

    def serving(self, port: int = 0) -> AbstractContextManager[str]:
        """Answer on a port of 127.0.0.1, and yield the address."""
        return served.serving(self, port)

    def add(self, app: str, label: str | None = None, sha: str = SHA) -> None:
        """Add an app, and a branch of it that leads to a commit."""
        self.previews.known_apps.setdefault(app, AppRecord(app, "/srv/x", created=1.0))
        if label is not None:
            self.refs.put(app, label, sha)

    def put(
        self, state: State, sha: str = SHA, *, log: str | bytes | None = None, **fields: Any
    ) -> PreviewRecord:
        """Put a preview of hello into a state; `fields` override the label main and others."""
        task = f"task-of-{sha}"
        if log is not None:
            self.sandboxes.output[task] = log.encode() if isinstance(log, str) else log
        known: dict[str, Any] = {"labels": ("main",), "task_id": task, "created": 1.0}
        return self.previews.put("hello", sha, state, **known | {"changed": 2.0} | fields)

    def fail(self, sha: str = SHA, **fields: Any) -> PreviewRecord:
        """Put a failed preview of hello."""
        failure = Failure(Cause.APP_EXITED, "The app exited.", 3)
        known: dict[str, Any] = {"failure": failure, "log": "oh no\n"}
        return self.put(State.FAILED, sha, **known | fields)

    def cut(self) -> None:
        """End the connection of the stream, in the middle of it. For `script` only."""
        raise _Cut

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        call = (scope["method"], scope["path"])
        self.requests.append(call)
        answer = self.instead.get(call) or (self.next.pop(0) if self.next else self.app)
        body = b""

        async def receive_noting() -> Message:
            nonlocal body
            message = await receive()
            body += message.get("body", b"")
            if body and not message.get("more_body"):
                self.bodies.append(json.loads(body))
                body = b""
            return message

        async def send_noting(message: Message) -> None:
            headers = Headers(raw=message.get("headers", []))
            if headers.get("content-type", "").startswith("text/event-stream"):
                self.resumed_after.append(Headers(scope=scope).get("last-event-id"))
            await send(message)
            if message.get("more_body"):
                self._go_on(message["body"].decode("utf-8", "replace"))

        try:
            await answer(scope, receive_noting, send_noting)
        except _Cut:
            return  # the answer is incomplete, so the server ends the connection

    def _go_on(self, sent: str) -> None:
        if self.script and self.script[0][0] in sent:
            _, act = self.script.pop(0)
            act()


class _Cut(BaseException):
    """Ends the connection. It is no Exception, so that nothing logs it or answers it."""
