import json
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

import pytest
from fastapi import Request
from fastapi.responses import StreamingResponse
from prometheus_client import Counter
from structlog.testing import capture_logs

from framework.access import Identity, Scope
from framework.errors import Superseded
from prevs.records import AppRecord
from tests.fakes.asgi import TOKEN, ApiInProcess

JSON = {"Content-Type": "application/json"}
EVERY_CALL = [
    ("GET", "/v1/apps"),
    ("POST", "/v1/apps"),
    ("GET", "/v1/apps/hello"),
    ("PATCH", "/v1/apps/hello"),
    ("DELETE", "/v1/apps/hello"),
    ("GET", "/v1/apps/hello/labels/main"),
    ("GET", "/v1/previews"),
    ("POST", "/v1/previews"),
    ("GET", "/v1/previews/hello/x"),
    ("DELETE", "/v1/previews/hello/x"),
    ("POST", "/v1/previews/hello/x/retry"),
    ("GET", "/v1/previews/hello/x/log"),
    ("PUT", "/v1/previews/hello/x/pin"),
    ("DELETE", "/v1/previews/hello/x/pin"),
    ("GET", "/v1/queue"),
    ("POST", "/v1/uses"),
    ("POST", "/v1/refusals"),
    ("GET", "/v1"),
    ("GET", "/v1/nowhere"),
]


@pytest.fixture
def api() -> ApiInProcess:
    api = ApiInProcess()
    api.previews.add_app(AppRecord("hello", "/srv/git/hello"))
    return api


@pytest.mark.parametrize(("method", "path"), EVERY_CALL)
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer wrong"},
        {"Authorization": f"Bearer {TOKEN}x"},
        {"Authorization": "Bearer"},
        {"Authorization": TOKEN},
        {"Authorization": f"Basic {TOKEN}"},
        {"Authorization": "Bearer \u00e9"},
    ],
)
def test_a_call_without_the_token_is_refused_before_it_is_read(
    api: ApiInProcess, method: str, path: str, headers: Mapping[str, str]
) -> None:
    encoded = [(name.encode(), value.encode()) for name, value in headers.items()]
    answer = api.send(method, path, headers=encoded, content="{")
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["type"] == "urn:prevs:problem:unauthorized"
    assert api.previews.app("hello")


def test_the_name_of_the_scheme_has_no_case(api: ApiInProcess) -> None:
    headers = {"Authorization": f"bearer {TOKEN}"}
    assert api.send("GET", "/v1/apps", headers=headers).status_code == 200


NEEDED = {
    "read": {("GET", path) for method, path in EVERY_CALL if method == "GET"},
    "use": {
        ("POST", "/v1/previews"),
        ("DELETE", "/v1/previews/hello/x"),
        ("POST", "/v1/previews/hello/x/retry"),
        ("PUT", "/v1/previews/hello/x/pin"),
        ("DELETE", "/v1/previews/hello/x/pin"),
        ("POST", "/v1/uses"),
        ("POST", "/v1/refusals"),
    },
    "admin": {
        ("POST", "/v1/apps"),
        ("PATCH", "/v1/apps/hello"),
        ("DELETE", "/v1/apps/hello"),
        ("GET", "/v1/tokens"),
        ("POST", "/v1/tokens"),
        ("DELETE", "/v1/tokens/deploys"),
        ("GET", "/v1/audit"),
        ("PUT", "/v1/nothing-yet"),
    },
}


@pytest.mark.parametrize("scope", Scope)
def test_a_call_needs_its_scope_and_is_told_which(api: ApiInProcess, scope: Scope) -> None:
    _, token = api.tokens.add_token("mine", scope)
    headers = {"Authorization": f"Bearer {token}"}
    for needed, calls in NEEDED.items():
        for method, path in sorted(calls):
            known = len(api.previews.apps())
            answer = api.send(method, path, headers=headers, content="{")
            if scope.includes(Scope(needed)):
                assert answer.status_code not in (401, 403)
                continue
            assert len(api.previews.apps()) == known
            assert answer.status_code == 403
            assert answer.headers["WWW-Authenticate"].endswith(f'scope="{needed}"')
            assert answer.headers["Content-Type"] == "application/problem+json"
            problem = answer.json()
            assert problem["type"] == "urn:prevs:problem:forbidden"
            assert (problem["needed"], problem["scope"]) == (needed, scope.value)
            assert f"`{needed}`" in problem["detail"]


@pytest.mark.parametrize("path", ["/v1/tokens%0A", "/v1/audit%0A", "/v1/audit%0A/", "/v1%0A"])
def test_a_line_end_in_a_path_leads_around_no_scope(api: ApiInProcess, path: str) -> None:
    _, token = api.tokens.add_token("mine", Scope.READ)
    answer = api.send("GET", path, headers={"Authorization": f"Bearer {token}"})
    assert (answer.status_code, answer.json()["type"]) == (404, "urn:prevs:problem:not-found")
    assert "mine" not in answer.text


def test_a_token_that_is_removed_is_good_for_nothing_at_once(api: ApiInProcess) -> None:
    _, token = api.tokens.add_token("mine", Scope.READ)
    headers = {"Authorization": f"Bearer {token}"}
    assert api.send("GET", "/v1/apps", headers=headers).status_code == 200
    api.tokens.remove_token("mine")
    assert api.send("GET", "/v1/apps", headers=headers).status_code == 401


def test_a_stream_ends_with_its_token_before_it_says_more(api: ApiInProcess) -> None:
    _, token = api.tokens.add_token("mine", Scope.READ)

    async def tell() -> AsyncIterator[bytes]:
        yield b"one "
        yield b"two "
        api.tokens.remove_token("mine")
        yield b"three "

    @api.app.get("/v1/stream")
    async def stream() -> StreamingResponse:
        return StreamingResponse(tell())

    with capture_logs() as logs:
        answer = api.send("GET", "/v1/stream", headers={"Authorization": f"Bearer {token}"})
    assert (answer.status_code, answer.text) == (200, "one two ")
    assert [entry["event"] for entry in logs if entry["log_level"] == "error"] == []


def test_a_route_finds_who_asks(api: ApiInProcess) -> None:
    found = []

    @api.app.get("/v1/me")
    async def show_me(request: Request) -> None:
        found.append(request.state.identity)

    api.call("GET", "/v1/me")
    assert found == [Identity("operator", Scope.ADMIN)]


def test_what_is_nowhere_tells_nothing(api: ApiInProcess) -> None:
    for path in ("/", "/nowhere", "/v1x", "//v1/apps", "/V1/apps"):
        answer = api.send("GET", path)
        assert (answer.status_code, answer.json()["type"]) == (404, "urn:prevs:problem:not-found")
        assert "hello" not in answer.text


def test_health_and_numbers_and_docs_need_no_token(api: ApiInProcess) -> None:
    Counter("prevs_things", "Things", registry=api.registry).inc()
    assert "prevs_things_total 1.0" in api.send("GET", "/metrics").text
    assert api.send("GET", "/docs").status_code == 200


def test_probes_tell_each_check_and_need_no_token(api: ApiInProcess) -> None:
    names = {
        path: [check["name"] for check in api.send("GET", path).json()["checks"]]
        for path in ("/healthz", "/readyz")
    }
    assert names == {"/healthz": ["api", "service"], "/readyz": ["zookeeper", "service"]}
    api.trouble = "ZooKeeper does not answer."
    answer = api.send("GET", "/readyz")
    assert (answer.status_code, answer.json()["detail"]) == (503, "ZooKeeper does not answer.")
    assert [check["ok"] for check in answer.json()["checks"]] == [False, True]
    # Starting the program again would help nobody.
    assert api.send("GET", "/healthz").json()["status"] == "ok"
    api.stuck = True
    assert api.send("GET", "/healthz").status_code == 503


def test_docs_need_nothing_from_anywhere_else(api: ApiInProcess) -> None:
    page = api.send("GET", "/docs").text
    assert re.findall(r"(?:https?:)?//[a-z]", page) == []
    files = re.findall(r'(?:href|src)="([^"]+)"', page)
    assert len(files) == 3
    assert [api.send("GET", file).status_code for file in files] == [200, 200, 200]


@pytest.mark.parametrize(
    ("method", "path", "status", "slug"),
    [
        ("GET", "/v1/nothing", 404, "not-found"),
        ("GET", "/", 404, "not-found"),
        ("PUT", "/v1/apps", 405, "method-not-allowed"),
        ("DELETE", "/v1/previews", 405, "method-not-allowed"),
    ],
)
def test_what_is_not_there_is_a_problem_too(
    api: ApiInProcess, method: str, path: str, status: int, slug: str
) -> None:
    answer = api.call(method, path)
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["type"] == f"urn:prevs:problem:{slug}"
    assert answer.json()["status"] == status
    assert path in answer.json()["detail"]
    allowed = {"/v1/apps": "GET, POST", "/v1/previews": "GET, POST"}
    assert answer.headers.get("Allow") == (allowed[path] if status == 405 else None)


@pytest.mark.parametrize("body", ["{", "", "nothing", "\x00", "[" * 10_000])
@pytest.mark.parametrize("headers", [{}, JSON])
def test_a_body_that_is_not_json_is_told_so(
    api: ApiInProcess, body: str, headers: Mapping[str, str]
) -> None:
    answer = api.call("POST", "/v1/previews", content=body, headers=headers)
    assert answer.status_code in (400, 422)
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["type"] == "urn:prevs:problem:invalid-request"


def test_what_utf_8_cannot_hold_is_told_so(api: ApiInProcess) -> None:
    body = b'{"app": "hello", "label": "\\ud800"}'
    answer = api.call("POST", "/v1/previews", content=body, headers=JSON)
    assert answer.status_code in (404, 422)


@pytest.mark.parametrize("told", [True, False])
def test_a_body_that_is_too_large_is_refused(api: ApiInProcess, told: bool) -> None:
    body = json.dumps({"app": "hello", "label": "x" * 70_000}).encode()

    async def pieces() -> Any:
        for begin in range(0, len(body), 1000):
            yield body[begin : begin + 1000]

    answer = api.call("POST", "/v1/previews", content=body if told else pieces(), headers=JSON)
    assert answer.status_code == 413
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["type"] == "urn:prevs:problem:body-too-large"


def test_an_unexpected_error_is_logged_under_an_id_and_tells_no_more(api: ApiInProcess) -> None:
    api.refs.leads["hello", "main"] = RuntimeError("the secret of the house")
    with capture_logs() as logs:
        answer = api.call("GET", "/v1/apps/hello/labels/main")
    assert answer.status_code == 500
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["type"] == "urn:prevs:problem:internal-error"
    assert "secret" not in answer.text
    assert "Traceback" not in answer.text
    faults = [entry for entry in logs if entry["event"] == "unexpected error"]
    assert [entry["id"] for entry in faults] == [answer.json()["id"]]
    assert faults[0]["exc_info"]


def test_an_error_that_no_caller_causes_is_a_fault_too(api: ApiInProcess) -> None:
    api.previews.error = Superseded("/prevs/apps/hello")
    with capture_logs() as logs:
        answer = api.call("DELETE", "/v1/apps/hello")
    assert answer.status_code == 500
    assert [entry["event"] for entry in logs] == ["audit", "unexpected error", "request"]


def operations(schema: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


OF_ALL_CALLS = {401, 403, 422, 429, 500, 503}


def own_statuses(operation: Mapping[str, Any]) -> set[int]:
    """Return the statuses of a call but for those that every call below /v1 may have."""
    found = {int(status) for status in operation["responses"]}
    assert "security" not in operation or found >= OF_ALL_CALLS
    return found - OF_ALL_CALLS if "security" in operation else found


def test_the_description_knows_every_call_its_problems_and_the_token(api: ApiInProcess) -> None:
    schema = api.send("GET", "/openapi.json").json()
    found = dict(operations(schema))
    assert {name: own_statuses(operation) for name, operation in found.items()} == {
        "GET /v1/apps": {200, 404},
        "POST /v1/apps": {200, 201, 400, 409, 413},
        "GET /v1/apps/{app}": {200, 304, 404},
        "PATCH /v1/apps/{app}": {200, 400, 404, 412, 413},
        "DELETE /v1/apps/{app}": {204, 404, 412},
        "GET /v1/apps/{app}/labels/{label}": {200, 404, 409, 502},
        "GET /v1/apps/{app}/refs": {200, 404, 502},
        "GET /v1/apps/{app}/commits": {200, 404, 409, 502},
        "GET /v1/previews": {200, 404},
        "POST /v1/previews": {202, 400, 404, 409, 413, 502},
        "GET /v1/previews/{app}/{sha}": {200, 304, 404},
        "DELETE /v1/previews/{app}/{sha}": {202, 404},
        "POST /v1/previews/{app}/{sha}/retry": {202, 400, 404, 409, 413},
        "GET /v1/previews/{app}/{sha}/log": {200, 404},
        "PUT /v1/previews/{app}/{sha}/pin": {200, 404},
        "DELETE /v1/previews/{app}/{sha}/pin": {200, 404},
        "GET /v1/queue": {200, 404},
        "GET /v1/agents": {200, 404},
        "GET /v1/events": {200, 404},
        "POST /v1/uses": {204, 400, 413},
        "POST /v1/refusals": {204, 400, 413},
        "GET /v1/apps/{app}/environment": {200, 304, 404, 409},
        "DELETE /v1/apps/{app}/environment": {204, 404},
        "PUT /v1/apps/{app}/environment/{name}": {200, 400, 404, 409, 412, 413},
        "DELETE /v1/apps/{app}/environment/{name}": {204, 404, 409, 412},
        "GET /v1/apps/{app}/credential": {200, 304, 404, 409},
        "PUT /v1/apps/{app}/credential": {200, 400, 404, 409, 412, 413},
        "DELETE /v1/apps/{app}/credential": {204, 404, 409, 412},
        "GET /v1/tokens": {200, 404},
        "POST /v1/tokens": {201, 400, 409, 413},
        "DELETE /v1/tokens/{name}": {204, 404},
        "GET /v1/audit": {200, 404},
        "GET /healthz": {200, 503},
        "GET /readyz": {200, 503},
        "GET /metrics": {200},
    }
    for name, operation in found.items():
        assert ("security" in operation) == ("/v1/" in name)
        for status, answer in operation["responses"].items():
            if int(status) >= 400:
                assert list(answer["content"]) == ["application/problem+json"]
    assert not {"HTTPValidationError", "ValidationError"} & set(schema["components"]["schemas"])


def test_every_model_and_parameter_says_what_it_is_with_an_example(api: ApiInProcess) -> None:
    schema = api.send("GET", "/openapi.json").json()
    models = schema["components"]["schemas"].items()
    assert [name for name, m in models if m["type"] == "object" and not m.get("examples")] == []
    parameters = [
        (name, one) for name, call in operations(schema) for one in call.get("parameters", ())
    ]
    assert [name for name, one in parameters if not one.get("description")] == []
    shown = ("examples", "default", "enum")
    assert [name for name, one in parameters if not one["schema"].keys() & {*shown}] == []


def test_every_call_says_which_scope_it_needs(api: ApiInProcess) -> None:
    api.send("GET", "/openapi.json")
    schema = api.send("GET", "/openapi.json").json()
    said = {
        name: call["description"].rpartition("\n\n")[2]
        for name, call in operations(schema)
        if "security" in call
    }
    expected = {"GET /v1/queue": "read", "POST /v1/uses": "use", "GET /v1/audit": "admin"}
    for name, scope in expected.items():
        assert said[name] == f"Needs the scope `{scope}`."
    assert set(said.values()) == {f"Needs the scope `{scope.value}`." for scope in Scope}
    assert schema["paths"]["/v1/apps"]["post"]["security"] == [{"HTTPBearer": ["admin"]}]


def test_every_call_has_a_name_of_its_own_that_reads_well(api: ApiInProcess) -> None:
    calls = [call for _, call in operations(api.send("GET", "/openapi.json").json())]
    names = [call["operationId"] for call in calls]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch("[a-z]+(_[a-z]+)+", name) for name in names)
    assert all(call["summary"] and call["description"] and call["tags"] for call in calls)


def test_the_description_of_a_change_requires_nothing_and_allows_nothing_else(
    api: ApiInProcess,
) -> None:
    schemas = api.send("GET", "/openapi.json").json()["components"]["schemas"]
    changes = schemas["AppChanges"]
    assert "required" not in changes
    assert changes["additionalProperties"] is False
    assert changes["properties"]["port"]["maximum"] == 65535
    assert "default" not in changes["properties"]["port"]
    assert "log_tail" not in schemas["PreviewDetail"]["required"]
