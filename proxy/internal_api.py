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
    api = _InternalApi(context, probes)
    return Starlette(
        routes=[
            Path("/where", api.where),
            Path("/metrics", api.metrics),
            Path("/healthz", api.healthz),
            Path("/readyz", api.readyz),
        ]
    )


class _InternalApi:
    def __init__(self, context: RoomContext, probes: Probes) -> None:
        self._context = context
        self._probes = probes

    async def where(self, request: Request) -> Response:
        """Return the route of a host; start nothing.

        The HAProxy that calls was replaced by one that has, or is about to get, the newest routes.
        """
        route = self._context.table.get_next(request.headers.get("x-prevs-host", ""))
        return PlainTextResponse(str(route)) if route else Response(status_code=NOWHERE)

    async def metrics(self, _: Request) -> Response:
        """Return the metrics in Prometheus' text format."""
        shown = generate_latest(self._context.metrics.registry)
        return Response(shown, media_type=CONTENT_TYPE_LATEST)

    async def healthz(self, _: Request) -> Response:
        """Return whether the proxy works at all; if not, it has to be restarted."""
        return _answer(self._probes.healthy())

    async def readyz(self, _: Request) -> Response:
        """Return whether the proxy can serve visitors properly."""
        return _answer(self._probes.ready())


def _answer(checks: Sequence[Check]) -> Response:
    results = health.as_json(checks)
    if why := health.why_not(checks):
        return responses.problem_json(problems.unavailable(why, checks=results))
    return JSONResponse({"status": "ok", "checks": results}, headers={"Cache-Control": "no-store"})
