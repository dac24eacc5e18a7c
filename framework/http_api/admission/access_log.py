"""Counts requests, and logs those that failed, were refused or took long.

The audit log has the writes, done or refused. A line has the request's id and its path, but not its
query, which may hold secrets. Requests over the rate limit are only counted, or anybody could fill
the log.
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
_STREAMS = (b"text/event-stream", b"application/octet-stream")
"""The types of answers that take as long as their reader wants."""

log = structlog.get_logger(__name__)


class AccessLog:
    """Passes requests on, and notes how they end. `clock` is in monotonic seconds."""

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
        # The status of a client that left before there was an answer.
        result: dict[str, Any] = {"status": 499, "stream": False}

        async def send_noting(message: Message) -> None:
            if message["type"] == "http.response.start":
                kind = dict(message.get("headers", ())).get(b"content-type", b"")
                is_stream = kind.startswith(_STREAMS)
                result.update(status=message["status"], stream=is_stream)
            await send(message)

        try:
            await self._app(scope, receive, send_noting)
        finally:
            self._note(scope, result, self._clock() - began)

    def _note(self, scope: Scope, result: Mapping[str, Any], seconds: float) -> None:
        method = scope["method"] if scope["method"] in _METHODS else "other"
        route = _read_route(scope)
        self._metrics.requests.labels(method, route, str(result["status"])).inc()
        if not result["stream"]:
            self._metrics.seconds.labels(route).observe(seconds)
        refused = method in _READS and result["status"] in _REFUSED
        failed = result["status"] >= 500
        slow = seconds > SLOW_SECONDS and not result["stream"]
        if refused or failed or slow:
            identity = scope.get("state", {}).get("identity")
            log.info(
                "request",
                method=scope["method"],
                path=scope["path"],
                status=result["status"],
                seconds=round(seconds, 3),
                who=identity.name if identity else None,
            )


def _read_route(scope: Scope) -> str:
    """Return the route's pattern, which is the same for all apps and commits."""
    path = getattr(scope.get("route"), "path", None)
    return path if isinstance(path, str) else "none"
