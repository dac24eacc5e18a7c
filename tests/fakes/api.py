"""The framework's HTTP API for who is its client: the real application over fakes, on a socket.

Before it stands what a test needs to know, and what the real one does not do when it is asked to.
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
    """An API and what it was asked, as (method, path), with the JSON of each body.

    `instead` has answers to calls in place of its own, `next` those to the next calls, whichever
    they are. `resumed_after` has the Last-Event-ID of each stream that was begun. `script` says
    what to do once a stream has sent something, one after the other; `cut` may be among it.
    """

    def __init__(self, port: int = 8080, **fakes: Any) -> None:
        super().__init__(port, **fakes)
        self.asked: list[tuple[str, str]] = []
        self.bodies: list[Any] = []
        self.resumed_after: list[str | None] = []
        self.instead: dict[tuple[str, str], ASGIApp] = {}
        self.next: list[ASGIApp] = []
        self.script: list[tuple[str, Callable[[], object]]] = []

    def serving(self, port: int = 0) -> AbstractContextManager[str]:
        """Answer on a port of 127.0.0.1, and yield the address."""
        return served.serving(self, port)

    def add(self, app: str, label: str | None = None, sha: str = SHA) -> None:
        """Have an app, and a branch of it that leads to a commit."""
        self.previews.known_apps.setdefault(app, AppRecord(app, "/srv/x", created=1.0))
        if label is not None:
            self.refs.put(app, label, sha)

    def put(
        self, state: State, sha: str = SHA, *, log: str | bytes | None = None, **fields: Any
    ) -> PreviewRecord:
        """Have a preview of hello in a state, under the label main unless `fields` say more."""
        task = f"task-of-{sha}"
        if log is not None:
            self.sandboxes.output[task] = log.encode() if isinstance(log, str) else log
        known: dict[str, Any] = {"labels": ("main",), "task_id": task, "created": 1.0}
        return self.previews.put("hello", sha, state, **known | {"changed": 2.0} | fields)

    def fail(self, sha: str = SHA, **fields: Any) -> PreviewRecord:
        """Have a preview of hello that failed."""
        failure = Failure(Cause.APP_EXITED, "The app exited.", 3)
        known: dict[str, Any] = {"failure": failure, "log": "oh no\n"}
        return self.put(State.FAILED, sha, **known | fields)

    def cut(self) -> None:
        """End the connection of the stream, in the middle of it. For `script` only."""
        raise _Cut

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        call = (scope["method"], scope["path"])
        self.asked.append(call)
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
                self._go_on(message["body"].decode())

        try:
            await answer(scope, receive_noting, send_noting)
        except _Cut:
            return  # with less than it began to say: the server ends the connection

    def _go_on(self, sent: str) -> None:
        if self.script and self.script[0][0] in sent:
            _, act = self.script.pop(0)
            act()


class _Cut(BaseException):
    """The connection ends here. No Exception: nothing is to log it, or to make an answer of it."""
