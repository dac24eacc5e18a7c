"""What held requests ask, over a socket that only HAProxy reaches: where, not yet, or no."""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route as Path

from proxy.routes import Route
from proxy.waiting import Waiting

_ASK_AGAIN_SECONDS = 20.0
NOT_YET, REFUSED = 204, 409


def make_app(waiting: Waiting) -> Starlette:
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

    return Starlette(routes=[Path("/wake", wake)])
