"""Probes of a framework: /healthz for its supervisor, /readyz for a load balancer.

/healthz fails if the program cannot do its work, and a restart helps. /readyz fails if a request
cannot be done now. Without a token, their answers have no addresses.
"""

import importlib.metadata
import json
from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field
from starlette.types import Scope

from framework.http_api.admission.metrics_access import reads_addresses
from framework.http_api.http import problems
from framework.http_api.http.examples import example
from program.http import health
from program.http.health import Check

VERSION = importlib.metadata.version("prevs")
ANSWERS = Check("api", True, "It answers.")
"""Any answer shows this: the API's event loop runs."""


class Probes(NamedTuple):
    """The checks of each probe. Neither may block."""

    healthy: Callable[[], Sequence[Check]]
    ready: Callable[[], Sequence[Check]]


_CHECK: dict[str, Any] = {
    "name": "mesos",
    "ok": True,
    "detail": "The master has accepted this framework.",
    "needed": True,
}


class CheckModel(BaseModel):
    """One thing that was checked."""

    model_config = example(_CHECK)

    name: str
    ok: bool
    detail: str
    needed: bool


class Probe(BaseModel):
    """What a probe found. If it fails, a problem has the same fields."""

    model_config = example(
        {
            "status": "ok",
            "version": VERSION,
            "role": "leader",
            "leader": None,
            "checks": [_CHECK],
        }
    )

    status: Literal["ok"]
    version: str = Field(description="The framework's version: the command line compares it.")
    role: Literal["leader", "standby"]
    leader: str | None = Field(
        default=None, description="Where the leader is; only for requests with a token."
    )
    checks: list[CheckModel]


def answer_probe(
    scope: Scope, checks: Sequence[Check], role: str, leader: str | None = None
) -> Response:
    """Return the answer to a probe: 200, or 503 with what fails."""
    if not reads_addresses(scope):
        checks, leader = health.without_addresses(checks), None
    fields: dict[str, Any] = {
        "version": VERSION,
        "role": role,
        "leader": leader,
        "checks": health.as_json(checks),
    }
    if why := health.why_not(checks):
        return problems.answer_problem(problems.UNAVAILABLE, why, fields)
    return Response(json.dumps({"status": "ok", **fields}), media_type="application/json")


def make_router(probes: Probes) -> APIRouter:
    """Return the probes' routes of a framework that leads."""
    router = APIRouter(tags=["operation"])
    failing: dict[int | str, dict[str, Any]] = {503: problems.document(503)[503]}

    @router.get("/healthz", response_model=Probe, responses=failing)
    async def show_health(request: Request) -> Response:
        """Show whether the framework works at all. If it does not, restart it."""
        return answer_probe(request.scope, (ANSWERS, *probes.healthy()), "leader")

    @router.get("/readyz", response_model=Probe, responses=failing)
    async def show_readiness(request: Request) -> Response:
        """Show whether the framework can do now what it is requested to do."""
        return answer_probe(request.scope, probes.ready(), "leader")

    return router
