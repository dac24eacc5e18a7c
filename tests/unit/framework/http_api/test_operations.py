"""Every operation of the API: its words in the audit log, its largest body, whether it has a key.

Who may make it is in test_guards.py and test_one_app.py. The table is tests/fakes/calls.py.
"""

import asyncio
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from starlette.types import Receive, Send
from starlette.types import Scope as AsgiScope

from framework.access import Scope
from prevs.records import AppRecord
from tests.fakes.asgi import ApiInProcess, Asker, ask_raw, refusal
from tests.fakes.calls import CALLS, LIMIT, bearer, send
from tests.fakes.dashboard import Dashboard

FILLED = {"app": "hello", "sha": "x", "label": "x", "name": "X"}
WRITES = {call: told for call, told in CALLS.items() if not call.startswith("GET ")}
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


def test_a_write_has_its_words_in_the_audit_log(api: ApiInProcess) -> None:
    headers = bearer(api, Scope.READ)
    for call in CALLS:
        send(api, call, headers=headers)
    told = [("mine", one.action, one.target.format(**FILLED), 403) for one in WRITES.values()]
    assert api.notes() == told


def test_a_body_has_its_limit(api: ApiInProcess) -> None:
    for call in (*CALLS, "GET /v1/apps/", "PUT /v1/apps/hello", "GET /", "POST /sign-in"):
        method, path = call.split()
        path = path.format(**FILLED)
        limit = CALLS[call].body_limit if call in CALLS else LIMIT
        for size in (limit + 1, 10**12):
            answer = api.call(method, path, headers={"Content-Length": str(size)})
            assert refusal(answer) == (413, "body-too-large"), call
            assert answer.json()["detail"] == f"A body may have {limit} bytes here."
        answer = api.call(method, path, headers={"Content-Length": str(limit)})
        assert answer.status_code != 413, call


def test_an_idempotency_key_is_read_where_the_operation_has_one(api: ApiInProcess) -> None:
    for call, told in CALLS.items():
        method, path = call.split()
        answer = api.call(method, path.format(**FILLED), headers={"Idempotency-Key": '""'})
        was_read = answer.status_code == 400 and "Idempotency-Key" in answer.text
        assert was_read == told.takes_key, call


@pytest.mark.parametrize("scope", [Scope.READ, Scope.USE, Scope.PROXY])
def test_what_no_route_takes_is_for_admins(api: ApiInProcess, scope: Scope) -> None:
    token = bearer(api, scope)["Authorization"].encode()
    for call in BELOW_NONE:
        method, path = call.split(" ", 1)
        headers = [(b"authorization", token)]
        asker = ask_raw(api.app, method=method, path=path.encode("latin-1"), headers=headers)
        assert (asker.status, asker.problem.get("needed")) == (403, "admin"), call


def test_what_only_looks_needs_what_reading_needs(api: ApiInProcess) -> None:
    headers = bearer(api, Scope.READ)
    for call, told in CALLS.items():
        verb, path = call.split()
        for method in ("HEAD", "OPTIONS") if verb == "GET" else ():
            answer = send(api, f"{method} {path}", headers=headers)
            assert answer.status_code == (403 if told.scope == "admin" else 405), call


def test_what_no_route_takes_is_noted_by_its_method_and_path(api: ApiInProcess) -> None:
    for method, path in (("PUT", "/v1/apps/hello"), ("DELETE", "/v1"), ("BREW", "/v1/apps")):
        api.call(method, path)
    assert [(action, target) for _, action, target, _ in api.notes()] == [
        ("PUT", "/v1/apps/hello"),
        ("DELETE", "/v1"),
        ("BREW", "/v1/apps"),
    ]


PIECES = (
    *("", "apps", "previews", "tokens", "audit", "queue", "events", "agents", "uses", "refusals"),
    *("hello", "shop", "x", "labels", "refs", "commits", "environment", "credential", "log"),
    *("retry", "pin", "..", "a b", "%2F", "hello\n", "apps\r", "\xe4"),
)


def test_no_path_leads_a_token_of_one_app_to_more_than_the_table_says(api: ApiInProcess) -> None:
    api.previews.add_app(AppRecord("shop", "/srv/shop"))
    token = bearer(api, Scope.USE, "hello")["Authorization"].encode()
    reached: dict[str, Any] = {}

    async def ask(method: str, path: str) -> int:
        asker = Asker(b"{}")

        async def app(scope: AsgiScope, receive: Receive, send: Send) -> None:
            reached.clear()
            await api.app(scope, receive, send)
            reached.update(scope)

        headers = [(b"authorization", token), (b"content-type", b"application/json")]
        await asker.ask(app, method, path.encode("latin-1"), headers=headers)
        return asker.status

    @settings(max_examples=400, deadline=None)
    @given(
        st.sampled_from(["GET", "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]),
        st.lists(st.sampled_from(PIECES), max_size=5).map(lambda parts: "/v1/" + "/".join(parts)),
    )
    @example("GET", "/v1/apps/hello")
    @example("GET", "/v1/apps/shop")
    @example("GET", "/v1/apps/hello/labels/x/y")
    @example("GET", "/v1/apps/shop/labels/../hello")
    def check(method: str, path: str) -> None:
        status = asyncio.run(ask(method, path))
        if status in (403, 405) or "endpoint" not in reached:
            return
        told = CALLS[f"{method} {reached['route'].path.replace(':path}', '}')}"]
        assert told.is_for(Scope.USE)
        assert told.more
        if told.more.startswith("path"):
            assert reached["path_params"]["app"] == "hello"

    check()
