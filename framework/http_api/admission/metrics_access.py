"""Access to /metrics, and to the addresses in the answers of probes.

The operator's token gives it, and the tokens of PREVS_METRICS_TOKEN_FILE, which give nothing else.
Tokens of the API do not count: a stand-by does not know them, and leader and stand-by behave alike.
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
    "Metrics need a token of PREVS_METRICS_TOKEN_FILE, or the operator's, in the header "
    "`Authorization: Bearer TOKEN`. Prometheus has `credentials_file` for it."
)
_STATE = "reads_addresses"


class MetricsAccess:
    """An ASGI application that answers /metrics from `registry`, and passes the rest to `app`.

    `tokens` are those that give access. `clock` gives monotonic seconds.
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
        self._failed_auth = limits.FailedAuthLimit(clock)

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
            detail = "Metrics can only be read."
            headers = {"Allow": "GET, HEAD"}
            return problems.answer_problem(problems.METHOD_NOT_ALLOWED, detail, headers=headers)
        if self._knows(scope):
            shown = await anyio.to_thread.run_sync(generate_latest, self._registry)
            return Response(shown, media_type=CONTENT_TYPE_LATEST)
        client = Client(find_neighbour(scope))
        return guards.refuse_unauthenticated(self._failed_auth, client, _NEEDED)

    def _knows(self, scope: Scope) -> bool:
        given = access.digest(guards.read_token(scope)).encode()
        # It compares with all of them, so that the duration shows nothing.
        found = [hmac.compare_digest(given, known) for known in self._digests]
        return any(found)


def reads_addresses(scope: Scope) -> bool:
    """Return whether the sender of a request may read addresses; false without MetricsAccess."""
    return bool(scope.get("state", {}).get(_STATE))
