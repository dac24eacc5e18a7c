"""Counts what the API is asked, and logs what failed, was refused or took long.

Writes are in the audit log, done or refused. A request is logged under its id, with its path alone:
a query may hold what is no log's business. Who asks too often is only counted, or anybody could
fill the log.
"""

import time
from collections.abc import Callable, Mapping
from typing import Any

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from framework.metrics import ApiMetrics

SLOW_SECONDS = 1.0
_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"})
_READS = frozenset({"GET", "HEAD", "OPTIONS"})
_REFUSED = frozenset({401, 403})

log = structlog.get_logger(__name__)


class AccessLog:
    """Passes requests on, and looks at how they end. `clock` is in monotonic seconds."""

    def __init__(
        self, app: ASGIApp, metrics: ApiMetrics, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._app = app
        self._metrics = metrics
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = self._clock()
        told: dict[str, Any] = {"status": 499, "stream": False}  # the client went before an answer

        async def send_noting(message: Message) -> None:
            if message["type"] == "http.response.start":
                kind = dict(message.get("headers", ())).get(b"content-type", b"")
                told.update(status=message["status"], stream=kind.startswith(b"text/event-stream"))
            await send(message)

        try:
            await self._app(scope, receive, send_noting)
        finally:
            self._note(scope, told, self._clock() - began)

    def _note(self, scope: Scope, told: Mapping[str, Any], seconds: float) -> None:
        method = scope["method"] if scope["method"] in _METHODS else "other"
        route = _read_route(scope)
        self._metrics.requests.labels(method, route, str(told["status"])).inc()
        if not told["stream"]:
            self._metrics.seconds.labels(route).observe(seconds)
        refused = method in _READS and told["status"] in _REFUSED
        failed = told["status"] >= 500
        slow = seconds > SLOW_SECONDS and not told["stream"]
        if refused or failed or slow:
            identity = scope.get("state", {}).get("identity")
            log.info(
                "request",
                method=scope["method"],
                path=scope["path"],
                status=told["status"],
                seconds=round(seconds, 3),
                who=identity.name if identity else None,
            )


def _read_route(scope: Scope) -> str:
    """Return the pattern that a path matched: one name for all apps and commits."""
    path = getattr(scope.get("route"), "path", None)
    return path if isinstance(path, str) else "none"
