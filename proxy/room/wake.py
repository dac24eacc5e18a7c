"""What requests ask inside HAProxy, over a socket that nobody else reaches.

/wake: held requests, for where their preview answers, as soon as it does. /where: requests at a
HAProxy that was replaced, for where a host leads at this moment.
"""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route as Path

from proxy.routes import Route
from proxy.table import Table
from proxy.waiting import Waiting

_ASK_AGAIN_SECONDS = 20.0
NOT_YET, NOWHERE, REFUSED = 204, 404, 409


def make_app(waiting: Waiting, table: Table) -> Starlette:
    """Return the application behind the wake socket."""

    async def wake(request: Request) -> Response:
        """Start the preview of a host; answer as soon as it is known how that ended."""
        host = request.headers.get("x-prevs-host", "")
        seconds = float(request.headers["x-prevs-seconds"])
        outcome = await waiting.outcome(host, min(seconds, _ASK_AGAIN_SECONDS))
        if outcome is None:
            return Response(status_code=NOT_YET)
        if isinstance(outcome, Route):
            return PlainTextResponse(str(outcome))
        return PlainTextResponse(outcome.detail, status_code=REFUSED)

    async def where(request: Request) -> Response:
        """Answer where a host leads now; starts nothing."""
        route = table.get(request.headers.get("x-prevs-host", ""))
        return PlainTextResponse(str(route)) if route else Response(status_code=NOWHERE)

    return Starlette(routes=[Path("/wake", wake), Path("/where", where)])
