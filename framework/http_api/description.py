"""The OpenAPI description of the API as a whole."""

from typing import Any

from fastapi import FastAPI

from framework.access import Scope
from framework.http_api.admission.calls import DESCRIPTION as PATH
from framework.http_api.admission.calls import Operations
from framework.http_api.admission.operations import Operation, Reach

FILES = "/docs-files"
"""The path of the files with which a browser shows the description."""

DESCRIPTION = """\
Register a repository, start previews of its commits, and watch them.

**Tokens.** Every call below `/v1` needs a token, and so does `/openapi.json`:
`Authorization: Bearer TOKEN`. A token has a scope:
`read` allows every GET except those of tokens and the audit log; `use` also allows to start, stop,
retry and pin previews, to share them, and to run the jobs of a commit's `.prevs.toml`, now or by a
schedule; `admin` also allows any command as a job, apps, tokens and the audit log;
`proxy` allows what proxies read and report, and nothing else. A token with too small a scope gets
403, and `needed` names the scope. A token may be for one app: it sees, starts and stops nothing of
others. A person's token, from `prevs login`, allows what that person's roles allow at the moment.

**Problems.** Every "no" is `application/problem+json` (RFC 9457). Its `type` never changes its
meaning; its `detail` says what to do.

**Lists** come in pages: at most `limit` entries, and `next`. Send `next` as `after` to get what
follows.

**ETags.** One app, its variables, its credential and one preview have one: `If-None-Match` saves an
answer that the client has already, and `If-Match` keeps a change from undoing another one. That of
a gate is the number of the revision that was written last.

**Orders.** To register an app, and to start or retry a preview, send an `Idempotency-Key`: the same
order with the same key is done once, however often it is sent within an hour. For jobs that holds
as long as they are kept, whichever framework leads.

**Limits.** A named token may send 600 requests a minute; `RateLimit` says how many are left. It may
have 200 requests open, streams included. Beyond either limit, the answer is 429, with
`Retry-After`. The operator's token and those of proxies have no limit.
"""
TAGS: list[dict[str, Any]] = [
    {"name": "apps", "description": "Registered repositories with their settings."},
    {
        "name": "secrets",
        "description": "Variables, secrets and credentials of apps. Secret values go in, and "
        "never come out.",
    },
    {
        "name": "webhooks",
        "description": "A forge announces a push, and the repository is read at once.",
    },
    {
        "name": "access",
        "description": "Who may look at an app's previews: everybody, or who has its password or a "
        "pass.",
    },
    {"name": "forges", "description": "The way to apps' forges, and their pull requests."},
    {"name": "repositories", "description": "What the repositories have: branches, tags, commits."},
    {"name": "data", "description": "What branches keep from one commit to the next."},
    {"name": "previews", "description": "Apps at a commit: start, watch and stop them."},
    {
        "name": "jobs",
        "description": "Commands in an app's image at a commit: request, watch and cancel them, "
        "and read what they leave.",
    },
    {"name": "schedules", "description": "What makes jobs at times."},
    {
        "name": "gates",
        "description": "Addresses whose rules choose a label for each request: write, switch and "
        "roll them back.",
    },
    {"name": "use", "description": "The queue, the agents, and what proxies report."},
    {"name": "events", "description": "What has happened, as a list or as a stream."},
    {"name": "notifications", "description": "Where the events of an app are sent."},
    {"name": "tokens", "description": "Who may do what, and who did."},
    {
        "name": "operation",
        "description": "Probes. They need no token. With the operator's, or one for metrics, "
        "the answer has addresses, too.",
    },
]


OF_DESCRIPTION = Operation("GET", PATH, Scope.READ, Reach.ITS_SHARE)
"""The operation of the description's own route, which FastAPI makes."""


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
        Reach.ITS_PATH: " A token for one app may call it for that app.",
        Reach.ITS_SHARE: " A token for one app gets what belongs to that app.",
    }
    return needed + share.get(operation.reach, "")
