"""Every operation of the API: its action in the audit log, its largest body, and its key.

Who may make it is in test_guards.py and test_one_app.py. The table is tests/fakes/calls.py.
"""

import asyncio
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from fastapi.routing import APIRoute
from hypothesis import example, given, settings
from hypothesis import strategies as st
from starlette.types import Receive, Send
from starlette.types import Scope as AsgiScope

from framework.access import Scope
from framework.http_api.admission.calls import Call, Operations, read_call
from framework.http_api.admission.guards import Authentication
from framework.http_api.admission.limits import FailedAuthLimit
from framework.http_api.admission.operations import Operation, OperationRouter, Routes, operation
from prevs.records import AppRecord
from tests.fakes.asgi import TOKEN, ApiInProcess, AsgiClient, refusal, send_raw
from tests.fakes.calls import CALLS, LIMIT, Needed, bearer, send
from tests.fakes.dashboard import Dashboard

FILLED = {"app": "hello", "name": "X", "number": "7"} | dict.fromkeys(
    ("sha", "label", "id", "path", "variant"), "x"
)
WRITES = {call: needed for call, needed in CALLS.items() if not call.startswith("GET ")}
BELOW_NONE = (
    "GET /v1/apps/",
    "GET /v1//apps",
    "GET /v1/apps/hello/",
    "GET /v1/apps//refs",
    "GET /v1/apps/hello/labels",
    "GET /v1/apps/hello/refs/",
    "GET /v1/apps/hello/refs/x",
    "GET /v1/apps/hello/../hello/refs",
    "GET /v1/previews/hello",
    "GET /v1/previews/hello/x/log/x",
    "GET /v1/Apps",
    "GET /v1/apps ",
    "GET /v1/apps;x",
    "GET /v1/apps%0A",
    "GET /v1/\xe4pps",
    "get /v1/apps",
    "PUT /v1/apps/hello",
    "POST /v1/previews/",
    "POST /v1/previews/hello/x",
    "POST /v1/uses/",
    "TRACE /v1/queue",
)


def list_routes(routes: Iterable[Any]) -> Iterator[str]:
    for route in routes:
        router = getattr(route, "original_router", None)
        if router is not None:
            yield from list_routes(router.routes)
            continue
        for method in getattr(route, "methods", None) or ["any"]:
            yield f"{method} {route.path}"


def test_the_table_has_every_route_below_v1_and_no_other() -> None:
    found = set(list_routes(Dashboard().app.routes))
    of_api = {route.replace(":path}", "}") for route in found if " /v1" in route}
    assert of_api == set(CALLS)
    assert {"GET /openapi.json", "GET /healthz", "POST /sign-in"} <= found


def test_a_write_has_its_action_in_the_audit_log(api: ApiInProcess) -> None:
    headers = bearer(api, Scope.READ)
    for call in CALLS:
        send(api, call, headers=headers)
    noted = [one for one in WRITES.values() if one.is_noted]
    expected = [("mine", one.action, one.target.format(**FILLED), 403) for one in noted]
    assert api.notes() == expected


def test_a_body_has_its_limit(api: ApiInProcess) -> None:
    for call in (*CALLS, "GET /v1/apps/", "PUT /v1/apps/hello", "GET /", "POST /sign-in"):
        method, path = call.split()
        path = path.format(**FILLED)
        limit = CALLS[call].body_limit if call in CALLS else LIMIT
        for size in (limit + 1, 10**12):
            answer = api.call(method, path, headers={"Content-Length": str(size)})
            assert refusal(answer) == (413, "body-too-large"), call
            assert answer.json()["detail"] == f"A body may have at most {limit} bytes here."
        answer = api.call(method, path, headers={"Content-Length": str(limit)})
        assert answer.status_code != 413, call


def test_an_idempotency_key_is_read_where_the_operation_has_one(api: ApiInProcess) -> None:
    for call, needed in CALLS.items():
        method, path = call.split()
        answer = api.call(method, path.format(**FILLED), headers={"Idempotency-Key": '""'})
        was_read = answer.status_code == 400 and "Idempotency-Key" in answer.text
        assert was_read == needed.takes_key, call


@pytest.mark.parametrize("scope", [Scope.READ, Scope.USE, Scope.PROXY])
def test_an_unknown_route_needs_admin(api: ApiInProcess, scope: Scope) -> None:
    token = bearer(api, scope)["Authorization"].encode()
    for call in BELOW_NONE:
        method, path = call.split(" ", 1)
        headers = [(b"authorization", token)]
        client = send_raw(api.app, method=method, path=path.encode("latin-1"), headers=headers)
        assert (client.status, client.problem.get("needed")) == (403, "admin"), call


def test_a_safe_method_needs_the_scope_of_reading(api: ApiInProcess) -> None:
    headers = bearer(api, Scope.READ)
    for call, needed in CALLS.items():
        verb, path = call.split()
        for method in ("HEAD", "OPTIONS") if verb == "GET" else ():
            answer = send(api, f"{method} {path}", headers=headers)
            assert answer.status_code == (405 if needed.scope == "read" else 403), call


def test_an_unknown_route_is_noted_by_its_method_and_path(api: ApiInProcess) -> None:
    for method, path in (("PUT", "/v1/apps/hello"), ("DELETE", "/v1"), ("BREW", "/v1/apps")):
        api.call(method, path)
    assert [(action, target) for _, action, target, _ in api.notes()] == [
        ("PUT", "/v1/apps/hello"),
        ("DELETE", "/v1"),
        ("BREW", "/v1/apps"),
    ]


PIECES = (
    *(
        "",
        "apps",
        "previews",
        "tokens",
        "roles",
        "audit",
        "queue",
        "events",
        "agents",
        "uses",
        "refusals",
    ),
    *("hello", "shop", "x", "labels", "refs", "commits", "environment", "credential", "log"),
    *(
        "forge-token",
        "forge-check",
        "hooks",
        "hook-secret",
        "notifications",
        "test",
        "retry",
        "pin",
        "..",
        "a b",
        "%2F",
        "hello\n",
        "apps\r",
        "\xe4",
    ),
)


class Looking:
    """Sends requests to the API, and keeps the scope of the last one."""

    def __init__(self, api: ApiInProcess, headers: dict[str, str]) -> None:
        self._app = api.app
        self._headers = [
            (b"authorization", headers["Authorization"].encode()),
            (b"content-type", b"application/json"),
        ]
        self.scope: AsgiScope = {}

    def send(self, method: str, path: str) -> int:
        client = AsgiClient(b"{}")

        async def app(scope: AsgiScope, receive: Receive, send: Send) -> None:
            self.scope = scope
            await self._app(scope, receive, send)

        asyncio.run(client.send(app, method, path.encode("latin-1"), headers=self._headers))
        return client.status

    def is_answered(self, method: str, path: str) -> bool:
        """Send a request; return whether a route has answered."""
        return self.send(method, path) not in (403, 405) and "endpoint" in self.scope

    def find(self, method: str) -> Needed:
        return CALLS[f"{method} {self.scope['route'].path.replace(':path}', '}')}"]


def test_every_path_of_a_route_has_the_declaration_of_that_route(api: ApiInProcess) -> None:
    api.previews.add_app(AppRecord("shop", "/srv/shop"))
    of_one = Looking(api, bearer(api, Scope.USE, "hello"))
    operator = Looking(api, {"Authorization": f"Bearer {TOKEN}"})

    @settings(max_examples=4 * settings().max_examples)
    @given(
        st.sampled_from(["GET", "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]),
        st.lists(st.sampled_from(PIECES), max_size=5).map(lambda parts: "/v1/" + "/".join(parts)),
    )
    @example("GET", "/v1/apps/hello")
    @example("GET", "/v1/apps/shop")
    @example("GET", "/v1/apps/hello/labels/x/y")
    @example("GET", "/v1/apps/shop/labels/../hello")
    @example("PUT", "/v1/apps/{name}/environment/{app}")
    def check(method: str, path: str) -> None:
        if operator.is_answered(method, path):
            needed, call = operator.find(method), read_call(operator.scope)
            assert call
            assert (call.operation.scope, call.operation.body_limit) == (
                needed.scope,
                needed.body_limit,
            )
            assert call.operation.takes_key == needed.takes_key
            if call.is_write:
                named = operator.scope["path_params"]
                assert (call.action, call.target) == (needed.action, needed.target.format(**named))
        if of_one.is_answered(method, path):
            needed = of_one.find(method)
            assert needed.is_for(Scope.USE)
            assert needed.more
            if needed.more.startswith("path"):
                assert of_one.scope["path_params"]["app"] == "hello"

    check()


def test_a_route_without_a_declaration_needs_admin(api: ApiInProcess) -> None:
    @api.app.put("/v1/new")
    async def answer() -> str:
        return "new"

    for scope in (Scope.READ, Scope.USE, Scope.PROXY):
        assert refusal(send(api, "PUT /v1/new", headers=bearer(api, scope)))[0] == 403
        if scope is not Scope.PROXY:
            api.tokens.remove_token("mine")
    assert api.call("PUT", "/v1/new").status_code == 200
    assert api.notes()[-1] == ("operator", "PUT", "/v1/new", 200)


def test_every_write_has_an_action_in_the_audit_log() -> None:
    removing = Operation(Scope.USE, action="remove x")
    router = OperationRouter("x", prefix="/v1/apps")
    router.add("DELETE", "/{app}/x/{name}/y", lambda: None, removing)
    operations = Operations(router.declared)

    @given(st.text(), st.text(), st.text(st.characters(exclude_characters="/"), min_size=1))
    def check(method: str, rest: str, name: str) -> None:
        call = operations.find(method, f"/v1/{rest}")
        assert call
        assert (call.action, call.target) == (method, f"/v1/{rest}")
        call = operations.find("DELETE", f"/v1/apps/{name}/x/{name}/y")
        assert call == Call(removing, name, "remove x", f"{name}/x/{name}", is_write=True)

    check()
    assert operations.find("DELETE", "/apps/a/x/b/y") is None


class Things(Routes):
    tag = "things"

    @operation("PUT", "/v1/things/{name}", Scope.ADMIN, refuses=(412,), status_code=202)
    async def write_thing(self, name: str, order: list[str]) -> str:
        return name + str(order)

    @operation("POST", "/v1/things/{name}/act", Scope.USE, action="let act", takes_key=True)
    async def act_thing(self, name: str) -> None:
        del name


def test_what_is_not_said_of_an_operation_follows_from_its_function() -> None:
    router = Things().make_router()
    write, act = (one.operation for one in router.declared)
    assert (write.action, act.action) == ("write thing", "let act")
    statuses = {
        (route.name, route.status_code): set(route.responses) - {401, 403, 422, 429, 500, 503}
        for route in router.make_routes()
        if isinstance(route, APIRoute)
    }
    assert statuses == {("write_thing", 202): {400, 412, 413}, ("act_thing", 204): {400, 409, 413}}


def test_no_request_passes_without_call_lookup(api: ApiInProcess) -> None:
    bearer_alone = Authentication(api.app, api.tokens, FailedAuthLimit(api.clock.read))
    with pytest.raises(KeyError):
        send_raw(bearer_alone)
