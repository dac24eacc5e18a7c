"""What requests ask inside HAProxy, over a socket that nobody else reaches.

/wake: held requests, for where their preview answers, as soon as it does. /where: requests at a
HAProxy that was replaced, for where a host leads at this moment. /metrics: what the proxy counts.
"""

import asyncio
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route as Path

from prevs import names
from proxy.departures import read_peer
from proxy.problems import Problem
from proxy.room.parts import Parts
from proxy.routes import Route

_ASK_AGAIN_SECONDS = 20.0
_Outcome = Route | Problem | None
NOT_YET, NOWHERE, REFUSED, GONE, TOO_MANY = 204, 404, 409, 410, 429


def make_app(parts: Parts) -> Starlette:
    """Return the application behind the wake socket."""

    async def wake(request: Request) -> Response:
        """Start the preview of a host; answer as soon as it is known how that ended."""
        host = request.headers.get("x-prevs-host", "")
        seconds = float(request.headers["x-prevs-seconds"])
        client = request.headers.get("x-prevs-client", "")
        refused = request.headers.get("x-prevs-refused", "")
        is_address = names.split_host(host, parts.domain) is not None
        if is_address and (later := parts.cap.take(client, host)):
            return PlainTextResponse(str(later), status_code=TOO_MANY)
        with parts.metrics.held.track_inprogress():
            waits = asyncio.ensure_future(
                parts.waiting.outcome(host, min(seconds, _ASK_AGAIN_SECONDS), refused)
            )
            if await _left_first(parts, request.headers["x-prevs-peer"], waits):
                return Response(status_code=GONE)
        outcome = waits.result()
        if outcome is None:
            return Response(status_code=NOT_YET)
        if isinstance(outcome, Route):
            return PlainTextResponse(str(outcome))
        return PlainTextResponse(outcome.detail, status_code=REFUSED)

    async def where(request: Request) -> Response:
        """Answer where a host leads now; starts nothing.

        The HAProxy that asks was replaced by one that has, or is about to have, what is coming.
        """
        route = parts.table.coming(request.headers.get("x-prevs-host", ""))
        return PlainTextResponse(str(route)) if route else Response(status_code=NOWHERE)

    async def metrics(_: Request) -> Response:
        """Show what is counted, in Prometheus' text format."""
        return Response(generate_latest(parts.metrics.registry), media_type=CONTENT_TYPE_LATEST)

    return Starlette(routes=[Path("/wake", wake), Path("/where", where), Path("/metrics", metrics)])


async def _left_first(parts: Parts, peer: str, waits: asyncio.Future[_Outcome]) -> bool:
    """Wait for `waits`, or until the client has gone, and tell whether that came first."""
    ip, _, port = peer.partition(" ")
    try:
        with parts.departures.awaited(read_peer(ip, int(port))) as gone:
            either: list[asyncio.Future[Any]] = [waits, gone]
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            return not waits.done()
    finally:
        waits.cancel()
