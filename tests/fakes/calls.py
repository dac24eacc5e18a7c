"""Every call of the API, and who may make it. Tests hold the routes and the description to it."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import httpx

from framework.access import Scope
from tests.fakes.asgi import OF_PROXIES, ApiInProcess

LIMIT = 64 * 1024


class Needed(NamedTuple):
    """The scope that a call needs, who else may make it, and its own statuses.

    `more` is "path" if a token for one app may make it for the app in its path, "share" if such a
    token gets the share of its app; it ends in "+proxy" if a proxy may make it. `action` and
    `target` are those of a write in the audit log, `body_limit` is in bytes, `takes_key` is whether
    it reads an Idempotency-Key, `is_noted` whether the audit log notes it for a valid token.
    """

    scope: str
    more: str
    statuses: set[int]
    action: str = ""
    target: str = ""
    body_limit: int = LIMIT
    takes_key: bool = False
    is_noted: bool = True

    def is_for(self, scope: Scope) -> bool:
        if scope is Scope.PROXY and self.more.endswith("+proxy"):
            return True
        return scope.includes(Scope(self.scope))


CALLS: Mapping[str, Needed] = {
    "GET /v1/apps": Needed("read", "share", {200, 404}),
    "POST /v1/apps": Needed("admin", "", {200, 201, 400, 409, 413}, "add app", takes_key=True),
    "GET /v1/apps/{app}": Needed("read", "path+proxy", {200, 304, 404}),
    "PATCH /v1/apps/{app}": Needed("admin", "", {200, 400, 404, 412, 413}, "change app", "{app}"),
    "DELETE /v1/apps/{app}": Needed("admin", "", {204, 404, 409, 412}, "remove app", "{app}"),
    "GET /v1/apps/{app}/belongings": Needed("admin", "", {200, 404}),
    "GET /v1/apps/{app}/labels/{label}": Needed("read", "path+proxy", {200, 404, 409, 502}),
    "GET /v1/apps/{app}/refs": Needed("read", "path", {200, 404, 502}),
    "GET /v1/apps/{app}/pulls": Needed("read", "path", {200, 404}),
    "POST /v1/apps/{app}/pulls/{number}/approval": Needed(
        "admin", "", {200, 400, 404, 409, 413}, "approve commit", "{app}/pulls/{number}"
    ),
    "GET /v1/apps/{app}/commits": Needed("read", "path", {200, 404, 409, 502}),
    "GET /v1/previews": Needed("read", "share", {200, 404}),
    "POST /v1/previews": Needed(
        "use", "share+proxy", {202, 400, 404, 409, 413, 502}, "start preview", takes_key=True
    ),
    "GET /v1/previews/{app}/{sha}": Needed("read", "path+proxy", {200, 304, 404}),
    "DELETE /v1/previews/{app}/{sha}": Needed(
        "use", "path", {202, 404}, "stop preview", "{app}/{sha}"
    ),
    "POST /v1/previews/{app}/{sha}/retry": Needed(
        "use",
        "path+proxy",
        {202, 400, 404, 409, 413},
        "retry preview",
        "{app}/{sha}",
        takes_key=True,
    ),
    "GET /v1/previews/{app}/{sha}/attempts": Needed("read", "path", {200, 404}),
    "GET /v1/previews/{app}/{sha}/log": Needed("read", "path+proxy", {200, 404}),
    "PUT /v1/previews/{app}/{sha}/pin": Needed(
        "use", "path", {200, 404, 409}, "pin preview", "{app}/{sha}"
    ),
    "DELETE /v1/previews/{app}/{sha}/pin": Needed(
        "use", "path", {200, 404, 409}, "unpin preview", "{app}/{sha}"
    ),
    "GET /v1/jobs": Needed("read", "share", {200, 404}),
    "POST /v1/apps/{app}/jobs": Needed(
        "use",
        "path",
        {200, 202, 400, 404, 409, 413, 502},
        "request jobs",
        "{app}",
        body_limit=64 * LIMIT,
        takes_key=True,
    ),
    "DELETE /v1/apps/{app}/jobs": Needed("use", "path", {202, 404}, "cancel jobs", "{app}"),
    "GET /v1/apps/{app}/jobs/{id}": Needed("read", "path", {200, 304, 404}),
    "DELETE /v1/apps/{app}/jobs/{id}": Needed(
        "use", "path", {202, 404, 409}, "cancel job", "{app}/jobs/{id}"
    ),
    "POST /v1/apps/{app}/jobs/{id}/retry": Needed(
        "use",
        "path",
        {202, 400, 404, 409, 413},
        "retry job",
        "{app}/jobs/{id}",
        takes_key=True,
    ),
    "GET /v1/apps/{app}/jobs/{id}/result": Needed("read", "path", {200, 404, 409}),
    "GET /v1/apps/{app}/jobs/{id}/log": Needed("read", "path", {200, 404}),
    "GET /v1/apps/{app}/jobs/{id}/artifacts": Needed("read", "path", {200, 404, 409}),
    "GET /v1/apps/{app}/jobs/{id}/artifacts/{path}": Needed("read", "path", {200, 404, 409}),
    "GET /v1/apps/{app}/schedules": Needed("read", "path", {200, 404}),
    "POST /v1/apps/{app}/schedule-times": Needed(
        "use", "path", {200, 400, 404, 413}, "try schedule", "{app}"
    ),
    "GET /v1/apps/{app}/schedules/{name}": Needed("read", "path", {200, 404}),
    "PUT /v1/apps/{app}/schedules/{name}": Needed(
        "use",
        "path",
        {200, 201, 400, 404, 409, 413, 502},
        "write schedule",
        "{app}/schedules/{name}",
    ),
    "DELETE /v1/apps/{app}/schedules/{name}": Needed(
        "use", "path", {204, 404, 409}, "remove schedule", "{app}/schedules/{name}"
    ),
    "GET /v1/apps/{app}/schedules/{name}/times": Needed("read", "path", {200, 404}),
    "PUT /v1/apps/{app}/schedules/{name}/pause": Needed(
        "use", "path", {200, 404}, "pause schedule", "{app}/schedules/{name}"
    ),
    "DELETE /v1/apps/{app}/schedules/{name}/pause": Needed(
        "use", "path", {200, 404}, "resume schedule", "{app}/schedules/{name}"
    ),
    "POST /v1/apps/{app}/schedules/{name}/run": Needed(
        "use",
        "path",
        {202, 400, 404, 409, 413, 502},
        "run schedule",
        "{app}/schedules/{name}",
        takes_key=True,
    ),
    "GET /v1/gates": Needed("read", "share", {200, 404}),
    "GET /v1/gates/{name}": Needed("read", "share", {200, 404, 409}),
    "PUT /v1/gates/{name}": Needed(
        "admin", "", {200, 201, 202, 400, 404, 409, 412, 413, 502}, "write gate", "{name}"
    ),
    "DELETE /v1/gates/{name}": Needed("admin", "", {204, 404, 409}, "remove gate", "{name}"),
    "POST /v1/gates/{name}/switch": Needed(
        "admin", "", {200, 202, 400, 404, 409, 412, 413, 502}, "switch gate", "{name}"
    ),
    "POST /v1/gates/{name}/rollback": Needed(
        "admin", "", {200, 202, 400, 404, 409, 412, 413, 502}, "roll back gate", "{name}"
    ),
    "POST /v1/gates/{name}/try": Needed(
        "use", "share", {200, 400, 404, 409, 413}, "try gate", "{name}"
    ),
    "GET /v1/stacks": Needed("read", "share", {200, 404}),
    "GET /v1/stacks/{name}": Needed("read", "share", {200, 404, 409}),
    "PUT /v1/stacks/{name}": Needed(
        "admin", "", {200, 201, 400, 404, 409, 413, 502}, "write stack", "{name}"
    ),
    "DELETE /v1/stacks/{name}": Needed("admin", "", {204, 404}, "remove stack", "{name}"),
    "POST /v1/stacks/{name}/variants": Needed(
        "use", "share", {200, 201, 400, 404, 409, 413, 502}, "open variant", "{name}"
    ),
    "GET /v1/stacks/{name}/variants/{variant}": Needed("read", "share", {200, 404, 409}),
    "DELETE /v1/stacks/{name}/variants/{variant}": Needed(
        "use", "share", {204, 404, 409}, "close variant", "{name}/variants/{variant}"
    ),
    "POST /v1/stacks/{name}/variants/{variant}/stop": Needed(
        "use", "share", {200, 404, 409}, "stop variant", "{name}/variants/{variant}"
    ),
    "PUT /v1/stacks/{name}/variants/{variant}/pin": Needed(
        "use", "share", {200, 404, 409}, "pin variant", "{name}/variants/{variant}"
    ),
    "DELETE /v1/stacks/{name}/variants/{variant}/pin": Needed(
        "use", "share", {200, 404, 409}, "unpin variant", "{name}/variants/{variant}"
    ),
    "GET /v1/queue": Needed("read", "share", {200, 404}),
    "GET /v1/agents": Needed("read", "", {200, 404}),
    "GET /v1/events": Needed("read", "share", {200, 404}),
    "POST /v1/uses": Needed("proxy", "", {204, 400, 413}, "report uses", body_limit=16 * LIMIT),
    "POST /v1/refusals": Needed("proxy", "", {204, 400, 413}, "report refusals"),
    "GET /v1/apps/{app}/environment": Needed("read", "path", {200, 304, 404, 409}),
    "DELETE /v1/apps/{app}/environment": Needed(
        "admin", "", {204, 404}, "unset variables", "{app}"
    ),
    "PUT /v1/apps/{app}/environment/{name}": Needed(
        "admin", "", {200, 400, 404, 409, 412, 413}, "set variable", "{app}/environment/{name}"
    ),
    "DELETE /v1/apps/{app}/environment/{name}": Needed(
        "admin", "", {204, 404, 409, 412}, "unset variable", "{app}/environment/{name}"
    ),
    "GET /v1/apps/{app}/credential": Needed("read", "path", {200, 304, 404, 409}),
    "PUT /v1/apps/{app}/credential": Needed(
        "admin", "", {200, 400, 404, 409, 412, 413}, "set credential", "{app}"
    ),
    "DELETE /v1/apps/{app}/credential": Needed(
        "admin", "", {204, 404, 409, 412}, "unset credential", "{app}"
    ),
    "GET /v1/apps/{app}/hooks": Needed("read", "path", {200, 404, 409}),
    "POST /v1/apps/{app}/hooks": Needed(
        "proxy", "", {202, 413}, "pass on a hook", "{app}", body_limit=16 * LIMIT, is_noted=False
    ),
    "POST /v1/apps/{app}/hook-secret": Needed(
        "admin", "", {201, 400, 404, 409, 413}, "set hook secret", "{app}"
    ),
    "DELETE /v1/apps/{app}/hook-secret": Needed(
        "admin", "", {204, 404, 409}, "unset hook secret", "{app}"
    ),
    "GET /v1/apps/{app}/notifications": Needed("admin", "", {200, 404, 409}),
    "POST /v1/apps/{app}/notifications": Needed(
        "admin", "", {201, 400, 404, 409, 413}, "add receiver", "{app}"
    ),
    "DELETE /v1/apps/{app}/notifications/{name}": Needed(
        "admin", "", {204, 404, 409}, "remove receiver", "{app}/notifications/{name}"
    ),
    "POST /v1/apps/{app}/notifications/{name}/test": Needed(
        "admin", "", {200, 404, 409}, "test receiver", "{app}/notifications/{name}"
    ),
    "GET /v1/apps/{app}/access": Needed("read", "path", {200, 404}),
    "PUT /v1/apps/{app}/access": Needed(
        "admin", "", {200, 400, 404, 409, 413}, "change access", "{app}"
    ),
    "POST /v1/apps/{app}/access/end": Needed("admin", "", {200, 404, 409}, "end access", "{app}"),
    "POST /v1/apps/{app}/passes": Needed(
        "use", "path", {201, 400, 404, 409, 413}, "issue pass", "{app}"
    ),
    "DELETE /v1/apps/{app}/passes/{id}": Needed(
        "use", "path", {204, 404, 409}, "revoke pass", "{app}/passes/{id}"
    ),
    "POST /v1/apps/{app}/entries": Needed("proxy", "", {204, 400, 404, 409, 413}, "enter", "{app}"),
    "GET /v1/apps/{app}/landing": Needed("proxy", "", {200, 404}),
    "POST /v1/sign-ins": Needed("proxy", "", {200, 400, 409, 413}, "begin sign-in"),
    "POST /v1/sign-ins/finish": Needed("proxy", "", {200, 400, 409, 413}, "sign in"),
    "PUT /v1/apps/{app}/forge-token": Needed(
        "admin", "", {200, 400, 404, 409, 413}, "set forge token", "{app}"
    ),
    "DELETE /v1/apps/{app}/forge-token": Needed(
        "admin", "", {204, 404, 409}, "unset forge token", "{app}"
    ),
    "POST /v1/apps/{app}/forge-hook": Needed("admin", "", {200, 404, 409}, "enter hook", "{app}"),
    "POST /v1/apps/{app}/forge-check": Needed("admin", "", {200, 404, 409}, "check forge", "{app}"),
    "GET /v1/roles": Needed("admin", "", {200, 404}),
    "POST /v1/roles": Needed("admin", "", {200, 400, 404, 413}, "add role"),
    "DELETE /v1/roles/{id}": Needed("admin", "", {204, 404}, "remove role", "{id}"),
    "GET /v1/signatures": Needed("read", "share", {200, 404}),
    "GET /v1/tokens": Needed("admin", "", {200, 404}),
    "POST /v1/tokens": Needed("admin", "", {201, 400, 404, 409, 413}, "add token"),
    "DELETE /v1/tokens/{name}": Needed("admin", "", {204, 404}, "remove token", "{name}"),
    "GET /v1/audit": Needed("admin", "", {200, 404}),
}
"""Every call, with its statuses except those that all calls have."""
UNSORTED = ("GET /v1", "GET /v1/nowhere", "PUT /v1/nothing-yet", "FOO /v1/apps", "PUT /v1/queue")
"""Undeclared calls are for admins of all apps."""
NEEDED = {**CALLS, **dict.fromkeys(UNSORTED, Needed("admin", "", set()))}


def send(api: ApiInProcess, call: str, app: str = "hello", **request: Any) -> httpx.Response:
    method, path = call.split()
    named = dict.fromkeys(("sha", "label", "id", "path", "variant"), "x")
    filled = path.format(app=app, name="X", number="7", **named)
    return api.send(method, filled, **request)


def bearer(api: ApiInProcess, scope: Scope, app: str = "") -> dict[str, str]:
    """Return the header with a token of a scope."""
    token = OF_PROXIES
    if scope is not Scope.PROXY:
        _, token = api.tokens.add_token("mine", scope, app)
    return {"Authorization": f"Bearer {token}"}
