"""What answers at the API's address while another framework leads."""

import json
from collections.abc import Callable

import anyio.to_thread
from prometheus_client import CollectorRegistry
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from framework.http_api import problems
from framework.http_api.application import answer_metrics
from framework.http_api.forwarding import Forwarding


class Standby:
    """An ASGI application: probes are about this framework, all else is the leader's to answer.

    `leader` returns the URL of the leader's API, None where nobody else leads; `trouble` a sentence
    where this framework could not take over. Neither may block.
    """

    def __init__(
        self,
        leader: Callable[[], str | None],
        trouble: Callable[[], str | None],
        registry: CollectorRegistry,
    ) -> None:
        self._leader = leader
        self._trouble = trouble
        self._registry = registry
        self._forwarding = Forwarding(leader)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer or forward a request."""
        match scope["path"], scope["method"]:
            case "/healthz", "GET":
                await self._show_health()(scope, receive, send)
            case "/metrics", "GET":
                shown = await anyio.to_thread.run_sync(answer_metrics, self._registry)
                await shown(scope, receive, send)
            case _:
                await self._forwarding(scope, receive, send)

    def _show_health(self) -> Response:
        if trouble := self._trouble():
            return problems.answer_unavailable(trouble)
        leader = self._leader()
        if leader is None:
            return problems.answer_unavailable("No framework leads yet.")
        told = {"status": "ok", "role": "standby", "leader": leader}
        return Response(json.dumps(told), media_type="application/json")


class Switch:
    """An ASGI application that is one of others: `app`, which any thread may replace."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request to the one that answers now."""
        await self.app(scope, receive, send)
