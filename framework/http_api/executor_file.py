"""Serves the executor's bundle to agents, at an address with its checksum.

Each framework serves its own bundle, as leader and as stand-by, for the tasks that it started. It
needs no token: the bundle has no secrets, and Mesos's fetcher sends none.
"""

import structlog
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from framework.executor_bundle import Bundle
from framework.http_api.http import conditional
from framework.http_api.http.problems import METHOD_NOT_ALLOWED, NOT_FOUND, answer_problem

_FOLDER = "/v1/executor/"
LATEST = f"{_FOLDER}latest.pyz"
_FOR_EVER = "public, max-age=31536000, immutable"

log = structlog.get_logger(__name__)


def path(bundle: Bundle) -> str:
    """Return the path at which a bundle is served."""
    return f"{_FOLDER}{bundle.digest}.pyz"


class ExecutorFile:
    """An ASGI application that serves `bundle`, and passes the rest to `app`."""

    def __init__(self, app: ASGIApp, bundle: Bundle) -> None:
        self._app = app
        self._bundle = bundle

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http" or not scope["path"].startswith(_FOLDER):
            await self._app(scope, receive, send)
            return
        await self._answer(scope)(scope, receive, send)

    def _answer(self, scope: Scope) -> Response:
        if scope["method"] not in ("GET", "HEAD"):
            headers = {"Allow": "GET, HEAD"}
            detail = "The executor's bundle can only be read."
            return answer_problem(METHOD_NOT_ALLOWED, detail, headers=headers)
        if scope["path"] == LATEST:
            # For people, who do not know the checksum.
            where = {"Location": path(self._bundle), "Cache-Control": "no-store"}
            return Response(status_code=307, headers=where)
        if scope["path"] != path(self._bundle):
            return answer_problem(NOT_FOUND, _missing(self._bundle))
        tag = f'"{self._bundle.digest}"'
        headers = {"ETag": tag, "Cache-Control": _FOR_EVER}
        known = Headers(scope=scope).get("if-none-match")
        if known is not None and conditional.matches(known, tag, weak=True):
            return Response(status_code=304, headers=headers)
        if scope["method"] == "GET":
            log.info("an agent fetches the executor", agent=(scope.get("client") or ("",))[0])
        return Response(self._bundle.data, media_type="application/zip", headers=headers)


def _missing(bundle: Bundle) -> str:
    return (
        f"This framework's executor is {path(bundle)}. A task of another version asked for its own "
        "executor; the framework starts that task again with this executor."
    )
