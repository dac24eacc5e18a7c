"""What HAProxy asks of its own accord, over a socket that nobody else reaches.

/where: requests at a HAProxy that was replaced, for where a host leads at this moment. /metrics:
what the proxy counts.
"""

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route as Path

from proxy.room.parts import Parts

NOWHERE = 404


def make_app(parts: Parts) -> Starlette:
    """Return the application behind the wake socket."""

    async def where(request: Request) -> Response:
        """Answer where a host leads now; starts nothing.

        The HAProxy that asks was replaced by one that has, or is about to have, what is coming.
        """
        route = parts.table.coming(request.headers.get("x-prevs-host", ""))
        return PlainTextResponse(str(route)) if route else Response(status_code=NOWHERE)

    async def metrics(_: Request) -> Response:
        """Show what is counted, in Prometheus' text format."""
        return Response(generate_latest(parts.metrics.registry), media_type=CONTENT_TYPE_LATEST)

    return Starlette(routes=[Path("/where", where), Path("/metrics", metrics)])
