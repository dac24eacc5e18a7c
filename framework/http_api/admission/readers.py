"""Who reads more of a framework than a stranger: its numbers, and addresses in what probes tell.

It is the same whether the framework leads or stands by, which knows no tokens that somebody made:
the operator's token is good for it, and those of PREVS_METRICS_TOKEN_FILE, which are good for
nothing else.
"""

import hmac
from collections.abc import Callable, Iterable

import anyio.to_thread
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from framework import access
from framework.http_api.admission import guards, limits
from framework.http_api.admission.clients import Client, find_neighbour
from framework.http_api.http import problems

METRICS = "/metrics"
PROBES = ("/healthz", "/readyz")
_NEEDED = (
    "The numbers need a token of PREVS_METRICS_TOKEN_FILE, or the operator's: the header "
    "`Authorization: Bearer TOKEN`, for which Prometheus has `credentials_file`."
)
_STATE = "reads_addresses"


class Readers:
    """An ASGI application that answers /metrics by `registry`, and has `app` answer all else.

    `tokens` are those that are good for it, `clock` gives monotonic seconds.
    """

    def __init__(
        self,
        app: ASGIApp,
        registry: CollectorRegistry,
        tokens: Iterable[str],
        clock: Callable[[], float],
    ) -> None:
        self._app = app
        self._registry = registry
        self._digests = tuple(access.digest(token).encode() for token in tokens)
        self._strangers = limits.Strangers(clock)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        path = scope["path"] if scope["type"] == "http" else ""
        if path == METRICS:
            await (await self._answer(scope))(scope, receive, send)
            return
        if path in PROBES:
            scope.setdefault("state", {})[_STATE] = self._knows(scope)
        await self._app(scope, receive, send)

    async def _answer(self, scope: Scope) -> Response:
        if scope["method"] not in {"GET", "HEAD"}:
            detail = "The numbers can only be read."
            headers = {"Allow": "GET, HEAD"}
            return problems.answer_problem(problems.METHOD_NOT_ALLOWED, detail, headers=headers)
        if self._knows(scope):
            shown = await anyio.to_thread.run_sync(generate_latest, self._registry)
            return Response(shown, media_type=CONTENT_TYPE_LATEST)
        client = Client(find_neighbour(scope))
        return guards.refuse_stranger(self._strangers, client, _NEEDED)

    def _knows(self, scope: Scope) -> bool:
        given = access.digest(guards.read_token(scope)).encode()
        # All of them are compared, so that the time tells nothing.
        found = [hmac.compare_digest(given, known) for known in self._digests]
        return any(found)


def reads_addresses(scope: Scope) -> bool:
    """Tell whether who sent a request may read addresses; nobody where Readers has not said so."""
    return bool(scope.get("state", {}).get(_STATE))
