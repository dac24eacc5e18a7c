"""What HAProxy asks of its own accord, over a socket that nobody else reaches.

/where: requests at a HAProxy that was replaced, for where a host leads at this moment. /metrics:
what the proxy counts. /healthz: whether it can do its work at all; /readyz: whether visitors are
served as they should be.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route as Path

from program import health
from program.health import Check
from proxy.model import problems
from proxy.room import answers
from proxy.room.parts import Parts

NOWHERE = 404


class Probes(NamedTuple):
    """What is looked at; neither may block."""

    healthy: Callable[[], Sequence[Check]]
    ready: Callable[[], Sequence[Check]]


def make_app(parts: Parts, probes: Probes) -> Starlette:
    """Return the application behind the wake socket."""

    async def where(request: Request) -> Response:
        """Answer where a host leads now; starts nothing.

        The HAProxy that asks was replaced by one that has, or is about to have, what is coming.
        """
        route = parts.table.get_next(request.headers.get("x-prevs-host", ""))
        return PlainTextResponse(str(route)) if route else Response(status_code=NOWHERE)

    async def metrics(_: Request) -> Response:
        """Show what is counted, in Prometheus' text format."""
        return Response(generate_latest(parts.metrics.registry), media_type=CONTENT_TYPE_LATEST)

    async def healthz(_: Request) -> Response:
        """Tell whether the proxy can do its work at all; where not, start it again."""
        return _answer(probes.healthy())

    async def readyz(_: Request) -> Response:
        """Tell whether visitors are served as they should be."""
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
    told = {"checks": health.as_json(checks)}
    if why := health.why_not(checks):
        return answers.plain(problems.unavailable(why, checks=told["checks"]))
    return JSONResponse({"status": "ok", **told}, headers={"Cache-Control": "no-store"})
