"""The stand-by: it answers at the API's address while another framework leads."""

from collections.abc import Callable

import httpx
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from framework.http_api.admission.client_signature import ClientSignature
from framework.http_api.forwarding import Forwarding
from framework.http_api.probes import ANSWERS, answer_probe
from program.http.health import Check


class Standby:
    """An ASGI application that answers probes itself, and forwards the rest to the leader.

    `leader` returns the URL of the leader's API, None if nobody else leads. `own` returns the
    checks of whether this framework could take over. Neither may block. `signature` signs the
    client's address for the leader. Without a `transport` it connects over the network.
    """

    def __init__(
        self,
        leader: Callable[[], str | None],
        own: Callable[[], tuple[Check, ...]],
        *,
        signature: ClientSignature,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._leader = leader
        self._own = own
        self._forwarding = Forwarding(leader, signature, transport)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer or forward a request."""
        match scope["path"], scope["method"]:
            case "/healthz", "GET":
                shown = answer_probe(scope, (ANSWERS,), "standby", self._leader())
                await shown(scope, receive, send)
            case "/readyz", "GET":
                await (await self._show_readiness(scope))(scope, receive, send)
            case _:
                await self._forwarding(scope, receive, send)

    async def _show_readiness(self, scope: Scope) -> Response:
        leader = self._leader()
        found = await self._find(leader)
        return answer_probe(scope, (*self._own(), found), "standby", leader)

    async def _find(self, leader: str | None) -> Check:
        """Probe the leader: ZooKeeper still names it for some seconds after it has died."""
        if leader is None:
            return Check("leader", False, "No framework leads yet.")
        trouble = await self._forwarding.find_trouble(leader)
        if trouble is not None:
            return Check("leader", False, f"The framework that leads ({leader}) {trouble}.")
        return Check("leader", True, f"{leader} leads, and answers.")


class Switch:
    """An ASGI application that passes requests to `app`, which any thread may replace."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request to the current application."""
        await self.app(scope, receive, send)
