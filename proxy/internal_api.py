"""The API for HAProxy itself, over a socket that nobody else can reach.

/where: the current route of a host and who may look, for a HAProxy that was replaced. /metrics: the
proxy's metrics. /healthz: whether the proxy works at all. /readyz: whether it can serve visitors
properly.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route as Path

from prevs import names
from program.http import health
from program.http.health import Check
from proxy.model import problems
from proxy.model.access import find_pass, opens
from proxy.model.gate_requests import choose_anew
from proxy.room import responses
from proxy.room.context import RoomContext

NOWHERE = 404
_ASKED = ("x-prevs-host", "x-prevs-site", "x-prevs-pass", "x-prevs-choice")


class Probes(NamedTuple):
    """The checks behind /healthz and /readyz; neither may block."""

    healthy: Callable[[], Sequence[Check]]
    ready: Callable[[], Sequence[Check]]


def make_app(context: RoomContext, probes: Probes) -> Starlette:
    """Return the application behind the socket."""
    api = _InternalApi(context, probes)
    return Starlette(
        routes=[
            Path("/where", api.where, methods=["GET", "POST"]),
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
        """Return the route of a host, and whether a pass lets in there; start nothing.

        The HAProxy that calls was replaced by one that has, or is about to get, the newest routes.
        X-Prevs-App in the answer is the value in the map of apps, and X-Prevs-In is there for a
        pass that counts. An older version of HAProxy's rules gives no pass, and would let in all:
        it finds only public apps. For a gate, the body is what lua.where says of
        the request, and X-Prevs-Choice is the answer by the rules of now.
        """
        host, site, text, choice = (request.headers.get(name, "") for name in _ASKED)
        table = self._context.table
        headers = {}
        if gate := table.find_gate(site):
            question = (await request.body()).decode("latin-1")
            choice = choose_anew(gate, self._context.domain, question, choice)
            headers["X-Prevs-Choice"] = choice
            host = choice.partition("|")[0]
        _, app = names.split_host(host, self._context.domain) or ("", "")
        app = app or (gate.app if gate else names.find_landing(host, self._context.domain))
        access = table.find_access(app) if app else None
        if access is not None:
            found = find_pass(access, text, self._context.pass_keys, app=app)
            # A pass may be for a gate, whose rules have led to this host.
            now = self._context.clock()
            is_in = opens(found, host, now) or opens(found, site, now)
            headers |= {"X-Prevs-App": str(access), **({"X-Prevs-In": "1"} if is_in else {})}
        route = table.get_next(host)
        if route is None or (access and "x-prevs-pass" not in request.headers):
            return Response(status_code=NOWHERE, headers=headers)
        return PlainTextResponse(str(route), headers=headers)

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
