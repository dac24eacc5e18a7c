"""The API for HAProxy itself, over a socket that nobody else can reach.

/where: the current route of a host, for a HAProxy that was replaced. /metrics: the proxy's metrics.
/healthz: whether the proxy works at all. /readyz: whether it can serve visitors properly.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route as Path

from program.http import health
from program.http.health import Check
from proxy.model import problems
from proxy.room import responses
from proxy.room.context import RoomContext

NOWHERE = 404


class Probes(NamedTuple):
    """The checks behind /healthz and /readyz; neither may block."""

    healthy: Callable[[], Sequence[Check]]
    ready: Callable[[], Sequence[Check]]


def make_app(context: RoomContext, probes: Probes) -> Starlette:
    """Return the application behind the socket."""

    async def where(request: Request) -> Response:
        """Return the route of a host; start nothing.

        The HAProxy that calls was replaced by one that has, or is about to get, the newest routes.
        """
        route = context.table.get_next(request.headers.get("x-prevs-host", ""))
        return PlainTextResponse(str(route)) if route else Response(status_code=NOWHERE)

    async def metrics(_: Request) -> Response:
        """Return the metrics in Prometheus' text format."""
        return Response(generate_latest(context.metrics.registry), media_type=CONTENT_TYPE_LATEST)

    async def healthz(_: Request) -> Response:
        """Return whether the proxy works at all; if not, it has to be restarted."""
        return _answer(probes.healthy())

    async def readyz(_: Request) -> Response:
        """Return whether the proxy can serve visitors properly."""
        return _answer(probes.ready())

    return Starlette(
        routes=[
            Path("/where", where),
            Path("/metrics", metrics),
            Path("/healthz", healthz),
            Path("/readyz", readyz),
        ]
    )


def _answer(checks: Sequence[Check]) -> Response:
    results = health.as_json(checks)
    if why := health.why_not(checks):
        return responses.problem_json(problems.unavailable(why, checks=results))
    return JSONResponse({"status": "ok", "checks": results}, headers={"Cache-Control": "no-store"})
