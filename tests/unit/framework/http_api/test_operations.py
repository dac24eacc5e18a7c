"""Every operation of the API: its scope, its action in the audit log, its largest body, its key.

That each is held to its declaration is in test_guards.py and test_one_app.py, too.
"""

import asyncio
import inspect
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
from framework.http_api.admission.operations import BODY_LIMIT, Operation, Reach, Routes, operation
from prevs.records import AppRecord
from tests.fakes.asgi import TOKEN, ApiInProcess, AsgiClient, refusal, send_raw
from tests.fakes.calls import CALLS, FILLED, is_for, list_declared, send
from tests.fakes.dashboard import Dashboard

WRITES = {call: needed for call, needed in CALLS.items() if not call.startswith("GET ")}
BY_USERS = {
    *("POST /v1/previews", "DELETE /v1/previews/{app}/{sha}"),
    *("POST /v1/apps/{app}/data/reset", "POST /v1/apps/{app}/data/copy"),
    *("POST /v1/previews/{app}/{sha}/retry", "PUT /v1/previews/{app}/{sha}/pin"),
    "POST /v1/previews/{app}/{sha}/restart",
    *("DELETE /v1/previews/{app}/{sha}/pin", "POST /v1/apps/{app}/jobs"),
    *("DELETE /v1/apps/{app}/jobs", "DELETE /v1/apps/{app}/jobs/{id}"),
    *("POST /v1/apps/{app}/jobs/{id}/retry", "POST /v1/apps/{app}/schedule-times"),
    *("PUT /v1/apps/{app}/schedules/{name}", "DELETE /v1/apps/{app}/schedules/{name}"),
    *("PUT /v1/apps/{app}/schedules/{name}/pause", "DELETE /v1/apps/{app}/schedules/{name}/pause"),
    *("POST /v1/apps/{app}/schedules/{name}/run", "POST /v1/gates/{name}/try"),
    *("POST /v1/stacks/{name}/variants", "DELETE /v1/stacks/{name}/variants/{variant}"),
    "POST /v1/stacks/{name}/variants/{variant}/stop",
    "PUT /v1/stacks/{name}/variants/{variant}/pin",
    "DELETE /v1/stacks/{name}/variants/{variant}/pin",
    *("POST /v1/apps/{app}/passes", "DELETE /v1/apps/{app}/passes/{id}"),
}
"""Writes for which the scope `use` is enough."""
READ_BY_ADMINS = {
    *("GET /v1/apps/{app}/belongings", "GET /v1/apps/{app}/notifications"),
    *("GET /v1/roles", "GET /v1/tokens", "GET /v1/audit"),
}
BY_PROXIES = {
    *("POST /v1/uses", "POST /v1/refusals", "POST /v1/apps/{app}/hooks"),
    *("POST /v1/apps/{app}/entries", "POST /v1/sign-ins", "POST /v1/sign-ins/finish"),
    "GET /v1/apps/{app}/landing",
}
BY_PROXIES_TOO = {
    *("GET /v1/apps/{app}", "GET /v1/apps/{app}/labels/{label}", "POST /v1/previews"),
    *("GET /v1/previews/{app}/{sha}", "GET /v1/previews/{app}/{sha}/log"),
    "POST /v1/previews/{app}/{sha}/retry",
}
OF_ALL_APPS = {"GET /v1/agents"}
"""Reads that a token of one app may not make, although its scope is enough."""
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


def test_every_route_below_v1_is_declared_with_its_scope() -> None:
    found = set(list_routes(Dashboard().app.routes))
    of_api = {route.replace(":path}", "}") for route in found if " /v1" in route}
    assert of_api == set(CALLS)
    assert {"GET /openapi.json", "GET /healthz", "POST /sign-in"} <= found


def test_every_function_of_routes_is_declared_and_served() -> None:
    kinds = [one for one in Routes.__subclasses__() if one.__module__.startswith("framework.")]
    public = [
        f"{kind.__name__}.{name}"
        for kind in kinds
        for name, one in vars(kind).items()
        if inspect.isfunction(one) and not name.startswith("_")
    ]
    assert len(public) == len(list_declared(ironworker=True))


def test_a_scope_or_reach_out_of_the_ordinary_is_meant() -> None:
    """Reads need `read`, writes `admin`. What is open to more has to stand in a list here."""
    for call, declared in CALLS.items():
        scope = Scope.READ if call.startswith("GET ") else Scope.ADMIN
        scope = Scope.USE if call in BY_USERS else scope
        scope = Scope.ADMIN if call in READ_BY_ADMINS else scope
        scope = Scope.PROXY if call in BY_PROXIES else scope
        assert declared.scope is scope, call
        assert declared.for_proxies == (call in BY_PROXIES_TOO), call
        reach = Reach.ITS_PATH if "{app}" in call else Reach.ITS_SHARE
        if scope in (Scope.ADMIN, Scope.PROXY) or call in OF_ALL_APPS:
            reach = Reach.NOTHING
        assert declared.reach is reach, call
    assert CALLS.keys() >= BY_USERS | READ_BY_ADMINS | BY_PROXIES | BY_PROXIES_TOO | OF_ALL_APPS


def test_a_write_has_its_action_in_the_audit_log(api: ApiInProcess) -> None:
    headers = api.bearer(Scope.READ)
    for call in CALLS:
        send(api, call, headers=headers)
    noted = [one for one in WRITES.values() if not one.is_of_strangers]
    expected = [("a-read", one.action, one.target.format(**FILLED), 403) for one in noted]
    assert api.notes() == expected


def test_a_body_has_its_limit(api: ApiInProcess) -> None:
    for call in (*CALLS, "GET /v1/apps/", "PUT /v1/apps/hello", "GET /", "POST /sign-in"):
        method, path = call.split()
        path = path.format(**FILLED)
        limit = CALLS[call].body_limit if call in CALLS else BODY_LIMIT
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
        assert was_read == (needed.takes_key or needed.keeps_key), call


@pytest.mark.parametrize("scope", [Scope.READ, Scope.USE, Scope.PROXY])
def test_an_unknown_route_needs_admin(api: ApiInProcess, scope: Scope) -> None:
    token = api.bearer(scope)["Authorization"].encode()
    for call in BELOW_NONE:
        method, path = call.split(" ", 1)
        headers = [(b"authorization", token)]
        client = send_raw(api.app, method=method, path=path.encode("latin-1"), headers=headers)
        assert (client.status, client.problem.get("needed")) == (403, "admin"), call


def test_a_safe_method_needs_the_scope_of_reading(api: ApiInProcess) -> None:
    headers = api.bearer(Scope.READ)
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


WORDS = """
apps previews tokens roles audit queue events agents uses refusals hello shop x labels refs commits
environment credential log forge-token forge-check hooks hook-secret notifications test retry pin ..
%2F \xe4
"""
PIECES = (*WORDS.split(), "", "a b", "hello\n", "apps\r")


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

    def find(self, method: str) -> Operation:
        return CALLS[f"{method} {self.scope['route'].path.replace(':path}', '}')}"]


def test_every_path_of_a_route_has_the_declaration_of_that_route(api: ApiInProcess) -> None:
    api.previews.add_app(AppRecord("shop", "/srv/shop"))
    of_one = Looking(api, api.bearer(Scope.USE, "hello"))
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
            assert call.operation == needed
            if call.is_write:
                named = operator.scope["path_params"]
                assert (call.action, call.target) == (needed.action, needed.target.format(**named))
        if of_one.is_answered(method, path):
            needed = of_one.find(method)
            assert is_for(Scope.USE, needed)
            assert needed.reach is not Reach.NOTHING
            if needed.reach is Reach.ITS_PATH:
                assert of_one.scope["path_params"]["app"] == "hello"

    check()


def test_a_route_without_a_declaration_needs_admin(api: ApiInProcess) -> None:
    @api.app.put("/v1/new")
    async def answer() -> str:
        return "new"

    for scope in (Scope.READ, Scope.USE, Scope.PROXY):
        assert refusal(send(api, "PUT /v1/new", headers=api.bearer(scope)))[0] == 403
    assert api.call("PUT", "/v1/new").status_code == 200
    assert api.notes()[-1] == ("operator", "PUT", "/v1/new", 200)


def test_every_write_has_an_action_in_the_audit_log() -> None:
    removing = Operation("DELETE", "/v1/apps/{app}/x/{name}/y", Scope.USE, action="remove x")
    operations = Operations([removing])

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
    things = Things()
    write, act = (one.operation for one in things.list_endpoints())
    assert (write.action, act.action) == ("write thing", "let act")
    statuses = {
        (route.name, route.status_code): set(route.responses) - {401, 403, 422, 429, 500, 503}
        for route in things.make_routes()
        if isinstance(route, APIRoute)
    }
    assert statuses == {("write_thing", 202): {400, 412, 413}, ("act_thing", 204): {400, 409, 413}}


def test_no_request_passes_without_call_lookup(api: ApiInProcess) -> None:
    bearer_alone = Authentication(api.app, api.tokens, FailedAuthLimit(api.clock.read))
    with pytest.raises(KeyError):
        send_raw(bearer_alone)
