"""The OpenAPI description of the API as a whole."""

from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.routing import Route

from framework.access import Scope
from framework.http_api.admission.calls import DESCRIPTION as PATH
from framework.http_api.admission.calls import Operations
from framework.http_api.admission.operations import Declared, Operation, Reach, declare

FILES = "/docs-files"
"""The path of the files with which a browser shows the description."""

DESCRIPTION = """\
Register a repository, start previews of its commits, and watch them.

**Tokens.** Every call below `/v1`, and who reads this as `/openapi.json`, brings one:
`Authorization: Bearer TOKEN`. A token has a scope:
`read` is for every GET but those of tokens and the audit log; `use` is also for starting, stopping,
retrying and pinning previews; `admin` is also for apps, tokens and the audit log; `proxy` is for
what proxies ask and report, and no more. Too little is answered 403, with the scope that is
`needed`. A token may be for one app: it sees, starts and stops nothing of others.

**Problems.** Every "no" is `application/problem+json` (RFC 9457). Its `type` never changes its
meaning, its `detail` says what to do.

**Lists** come in pages: `limit` entries, and `next`, which goes into `after` to see what follows.

**ETags.** One app, its variables, its credential and one preview have one: `If-None-Match` saves an
answer that is known already, `If-Match` keeps a change from undoing another one.

**Orders.** To register an app, to start and to retry a preview take an `Idempotency-Key`: the same
order with the same key is done once, however often it is sent within an hour.

**Limits.** A named token may ask 600 times a minute; `RateLimit` says what is left of that. It may
have 200 requests open, streams too. Beyond either comes 429, with `Retry-After`. The operator's
token and those of proxies have no limit.
"""
TAGS: list[dict[str, Any]] = [
    {"name": "apps", "description": "Registered repositories with their settings."},
    {
        "name": "secrets",
        "description": "What apps are given: variables, secrets, credentials. Secret values go in, "
        "and never out.",
    },
    {"name": "repositories", "description": "What the repositories have: branches, tags, commits."},
    {"name": "previews", "description": "Apps at a commit: start, watch and stop them."},
    {"name": "use", "description": "The queue, the agents, and what proxies report."},
    {"name": "events", "description": "What has happened, as a list or as it happens."},
    {"name": "tokens", "description": "Who may do what, and who did."},
    {
        "name": "operation",
        "description": "Probes. They need no token; who brings the operator's, or one for numbers, "
        "reads addresses, too.",
    },
]
BEARER = (
    "A token of the API: the operator's, one of proxies, or one that POST /v1/tokens has made. The "
    "last have the scope `read`, `use` or `admin`, of which each has what those before it have; "
    "each call says which it needs, and what a token for one app gets of it."
)


def declare_description(app: FastAPI) -> Declared:
    """Return the operation of the description's own route, which FastAPI makes."""
    route = next(one for one in app.routes if isinstance(one, Route) and one.path == PATH)
    return declare("GET", route, Operation(Scope.READ, Reach.ITS_SHARE))


def describe_access(app: FastAPI, operations: Operations) -> None:
    """Add to the description of each call which scope it needs."""
    describe = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            _add_scopes(describe(), operations)
        return describe()

    app.openapi = openapi  # type: ignore[method-assign] # the documented way


def _add_scopes(schema: dict[str, Any], operations: Operations) -> None:
    for path, methods in schema["paths"].items():
        for method, described in methods.items():
            # The pattern of a route matches the path in the description, too.
            if call := operations.find(method.upper(), path):
                described["description"] += f"\n\n{_describe_access(call.operation)}"
                # OpenAPI 3.1 allows roles here for schemes without scopes of their own.
                scope = call.operation.scope.value
                described["security"] = [
                    {name: [scope] for name in one} for one in described["security"]
                ]


def _describe_access(operation: Operation) -> str:
    """Return who may make a call, in a sentence or two."""
    needed = f"Needs the scope `{operation.scope.value}`"
    needed += ", or `proxy`." if operation.for_proxies else "."
    share = {
        Reach.ITS_PATH: " With a token for one app: for that app.",
        Reach.ITS_SHARE: " With a token for one app: what is of that app.",
    }
    return needed + share.get(operation.reach, "")


def name_operation(route: APIRoute) -> str:
    """Return the id of a call: the name of the function that answers it."""
    return route.name
