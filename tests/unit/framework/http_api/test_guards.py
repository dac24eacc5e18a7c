import json
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

import pytest
from fastapi.responses import StreamingResponse
from structlog.testing import capture_logs

from framework.access import Scope
from framework.errors import Superseded
from framework.http_api.admission.operations import Operation, Reach
from tests.fakes.asgi import TOKEN, ApiInProcess, refusal
from tests.fakes.calls import CALLS, NEEDED, is_for, send

JSON = {"Content-Type": "application/json"}
OF_ALL_CALLS = {401, 403, 422, 429, 500, 503}
OPEN = {"GET /healthz": {200, 503}, "GET /readyz": {200, 503}}


@pytest.mark.parametrize("call", NEEDED)
def test_a_call_without_a_token_is_refused_before_it_is_read(api: ApiInProcess, call: str) -> None:
    answer = send(api, call, content="{")
    assert refusal(answer) == (401, "unauthorized")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert api.previews.snapshot.app("hello")


@pytest.mark.parametrize(
    "value",
    [
        b"Bearer wrong",
        b"Bearer " + TOKEN.encode() + b"x",
        b"Bearer",
        TOKEN.encode(),
        b"Basic " + TOKEN.encode(),
        b"Bearer \xff\xfe",
        b"Bearer \xc3\xa9",
        b"Bearer \x00",
        b"Bearer \x7f\x1b[2J",
        b"Bearer " + b"x" * 60_000,
        b"Bearer prevs_admin_",
        b"Bearer " + TOKEN.encode() + b"\xc2\xa0x",
        b"\xff",
        b"",
    ],
)
def test_an_invalid_authorization_header_is_refused(api: ApiInProcess, value: bytes) -> None:
    answer = api.send("DELETE", "/v1/apps/hello", headers=[(b"Authorization", value)])
    assert refusal(answer) == (401, "unauthorized")
    assert api.previews.snapshot.app("hello")


def test_the_scheme_is_case_insensitive(api: ApiInProcess) -> None:
    headers = {"Authorization": f"bearer {TOKEN}"}
    assert api.send("GET", "/v1/apps", headers=headers).status_code == 200


@pytest.mark.parametrize("scope", Scope)
def test_a_call_needs_its_scope_and_the_refusal_names_it(api: ApiInProcess, scope: Scope) -> None:
    headers = api.bearer(scope)
    for call, needed in NEEDED.items():
        before = dict(api.previews.known_apps)
        answer = send(api, call, headers=headers, content="{")
        if is_for(scope, needed):
            # A webhook without a signature is refused, though the call is allowed.
            is_forged = "urn:prevs:problem:hook-refused" in answer.text
            assert is_forged or answer.status_code not in (401, 403), call
            continue
        assert api.previews.known_apps == before
        assert refusal(answer) == (403, "forbidden"), call
        assert answer.headers["WWW-Authenticate"].endswith(f'scope="{needed.scope}"')
        problem = answer.json()
        assert (problem["needed"], problem["scope"]) == (needed.scope, scope.value)
        assert f"`{needed.scope}`" in problem["detail"]


@pytest.mark.parametrize("call", ["POST /v1/uses", "POST /v1/refusals"])
def test_reports_are_accepted_from_proxies_and_the_operator_only(
    api: ApiInProcess, call: str
) -> None:
    report = {"proxy": "p", "uses": [], "tasks": ["t"]}
    report.pop("tasks" if call.endswith("uses") else "uses")
    for headers in (api.bearer(Scope.PROXY), {"Authorization": f"Bearer {TOKEN}"}):
        assert send(api, call, headers=headers, json=report).status_code == 204
    answer = send(api, call, headers=api.bearer(Scope.ADMIN), json=report)
    assert refusal(answer) == (403, "forbidden")
    assert "PREVS_PROXY_TOKEN_FILE" in answer.json()["detail"]


@pytest.mark.parametrize("path", ["/v1/tokens%0A", "/v1/audit%0A", "/v1/audit%0A/", "/v1%0A"])
def test_a_line_end_in_a_path_avoids_no_scope(api: ApiInProcess, path: str) -> None:
    answer = api.ask("GET", path, Scope.READ)
    assert refusal(answer) == (404, "not-found")
    assert "a-read" not in answer.text


def test_a_stream_ends_with_its_token_before_the_next_event(api: ApiInProcess) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield b"one "
        yield b"two "
        api.tokens.remove_token("a-admin")
        yield b"three "

    @api.app.get("/v1/stream")
    async def stream() -> StreamingResponse:
        return StreamingResponse(chunks())

    with capture_logs() as logs:
        answer = api.ask("GET", "/v1/stream")
    assert (answer.status_code, answer.text) == (200, "one two ")
    assert [entry["event"] for entry in logs if entry["log_level"] == "error"] == []


def test_an_unknown_path_shows_nothing(api: ApiInProcess) -> None:
    for path in ("/", "/nowhere", "/v1x", "//v1/apps", "/V1/apps"):
        answer = api.send("GET", path)
        assert refusal(answer) == (404, "not-found")
        assert "hello" not in answer.text


def test_the_description_needs_a_token(api: ApiInProcess) -> None:
    assert refusal(api.send("GET", "/openapi.json")) == (401, "unauthorized")
    of_one = api.bearer(Scope.READ, "hello")
    shown = api.send("GET", "/openapi.json", headers=of_one).json()
    assert shown["paths"]
    assert api.call("GET", "/openapi.json").json() == shown, "it is the same each time"
    assert api.send("GET", "/docs").status_code == 404, "the dashboard has it"


def test_probes_show_each_check_and_need_no_token(api: ApiInProcess) -> None:
    names = {
        path: [check["name"] for check in api.send("GET", path).json()["checks"]]
        for path in ("/healthz", "/readyz")
    }
    assert names == {"/healthz": ["api", "service"], "/readyz": ["zookeeper", "service"]}
    api.trouble = "ZooKeeper does not answer."
    answer = api.send("GET", "/readyz")
    assert (answer.status_code, answer.json()["detail"]) == (503, "ZooKeeper does not answer.")
    assert [check["ok"] for check in answer.json()["checks"]] == [False, True]
    # A restart of the program would not help.
    assert api.send("GET", "/healthz").json()["status"] == "ok"
    api.stuck = True
    assert api.send("GET", "/healthz").status_code == 503


@pytest.mark.parametrize(
    ("method", "path", "status", "slug"),
    [
        ("GET", "/v1/nothing", 404, "not-found"),
        ("GET", "/", 404, "not-found"),
        ("PUT", "/v1/apps", 405, "method-not-allowed"),
        ("DELETE", "/v1/previews", 405, "method-not-allowed"),
    ],
)
def test_an_unknown_path_is_a_problem(
    api: ApiInProcess, method: str, path: str, status: int, slug: str
) -> None:
    answer = api.call(method, path)
    assert refusal(answer) == (status, slug)
    assert path in answer.json()["detail"]
    allowed = {"/v1/apps": "GET, POST", "/v1/previews": "GET, POST"}
    assert answer.headers.get("Allow") == (allowed[path] if status == 405 else None)


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"",
        b"nothing",
        b"\x00",
        b"[" * 10_000,
        b'{"name": "\\ud800", "scope": "use"}',
        b'{"name": "\xed\xa0\x80", "scope": "use"}',
        b'{"name": "a", "scope": "use", "name": "A"}',
        b'{"name": ' + b"[" * 30_000 + b"]" * 30_000 + b', "scope": "use"}',
        b'{"name": ' + b'{"a":' * 10_000 + b"1" + b"}" * 10_000 + b', "scope": "use"}',
        b'{"name": "a", "scope": ' + b"9" * 60_000 + b"}",
    ],
)
@pytest.mark.parametrize("headers", [{}, JSON])
def test_no_body_breaks_the_parser(
    api: ApiInProcess, body: bytes, headers: Mapping[str, str]
) -> None:
    answer = api.call("POST", "/v1/tokens", content=body, headers=headers)
    assert refusal(answer) in [(400, "invalid-request"), (422, "invalid-request")]
    assert api.tokens.known == {}


@pytest.mark.parametrize("with_length", [True, False])
def test_a_body_that_is_too_large_is_refused(api: ApiInProcess, with_length: bool) -> None:
    body = json.dumps({"app": "hello", "label": "x" * 70_000}).encode()

    async def pieces() -> Any:
        for begin in range(0, len(body), 1000):
            yield body[begin : begin + 1000]

    answer = api.call(
        "POST", "/v1/previews", content=body if with_length else pieces(), headers=JSON
    )
    assert refusal(answer) == (413, "body-too-large")


def test_an_unexpected_error_is_logged_under_an_id_and_shows_no_more(api: ApiInProcess) -> None:
    api.refs.leads["hello", "main"] = RuntimeError("the secret of the house")
    with capture_logs() as logs:
        answer = api.call("GET", "/v1/apps/hello/labels/main")
    assert refusal(answer) == (500, "internal-error")
    assert "secret" not in answer.text
    assert "Traceback" not in answer.text
    faults = [entry for entry in logs if entry["event"] == "unexpected error"]
    assert [entry["id"] for entry in faults] == [answer.json()["id"]]
    assert faults[0]["exc_info"]


def test_an_internal_error_is_a_fault_too(api: ApiInProcess) -> None:
    api.previews.error = Superseded("/prevs/apps/hello")
    with capture_logs() as logs:
        answer = api.call("DELETE", "/v1/apps/hello")
    assert refusal(answer) == (500, "internal-error")
    assert [entry["event"] for entry in logs] == ["audit", "unexpected error", "request"]
    assert [one.outcome for one in api.audit.latest()] == [500]


@pytest.fixture(scope="module")
def description() -> Mapping[str, Any]:
    """The description of the API, which takes 0.4 s to make."""
    found: Mapping[str, Any] = ApiInProcess().call("GET", "/openapi.json").json()
    return found


def operations(schema: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def find_statuses(needed: Operation, described: Mapping[str, Any]) -> set[int]:
    """Return the statuses that an operation may have, by its declaration and its body."""
    has_key = needed.takes_key or needed.keeps_key
    of_body = {400, 413} if has_key or "requestBody" in described else set()
    of_key = {409} if has_key else set()
    answered = {needed.status_code or 200, *map(int, needed.answers)}
    unchanged = {304} if needed.with_etag else set()
    return {*OF_ALL_CALLS, *answered, *unchanged, *needed.refuses, *of_body, *of_key}


def test_the_description_has_every_call_its_problems_and_the_token(
    description: Mapping[str, Any],
) -> None:
    found = dict(operations(description))
    statuses = {name: {int(status) for status in call["responses"]} for name, call in found.items()}
    own = {name: find_statuses(needed, found[name]) for name, needed in CALLS.items()}
    assert statuses == {**own, **OPEN}
    for name, needed in CALLS.items():
        assert found[name]["security"] == [{"HTTPBearer": [needed.scope]}]
        who = found[name]["description"].rpartition("\n\n")[2]
        assert who.startswith(f"Needs the scope `{needed.scope}`")
        assert ("or `proxy`." in who) == needed.for_proxies
        assert ("may call it for that app." in who) == (needed.reach is Reach.ITS_PATH)
        assert ("what belongs to that app." in who) == (needed.reach is Reach.ITS_SHARE)
    for name, operation in found.items():
        assert ("security" in operation) == (name not in OPEN)
        for status, answer in operation["responses"].items():
            if int(status) >= 400:
                assert list(answer["content"]) == ["application/problem+json"]
    assert not {"HTTPValidationError", "ValidationError"} & set(
        description["components"]["schemas"]
    )


def test_every_model_and_parameter_has_a_description_and_an_example(
    description: Mapping[str, Any],
) -> None:
    models = description["components"]["schemas"].items()
    assert [name for name, m in models if m["type"] == "object" and not m.get("examples")] == []
    parameters = [
        (name, one) for name, call in operations(description) for one in call.get("parameters", ())
    ]
    assert [name for name, one in parameters if not one.get("description")] == []
    shown = ("examples", "default", "enum")
    assert [name for name, one in parameters if not one["schema"].keys() & {*shown}] == []


def test_every_call_has_a_readable_name_of_its_own(description: Mapping[str, Any]) -> None:
    calls = [call for _, call in operations(description)]
    names = [call["operationId"] for call in calls]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch("[a-z]+(_[a-z]+)+", name) for name in names)
    assert all(call["summary"] and call["description"] and call["tags"] for call in calls)


def test_the_schema_of_a_change_requires_nothing_and_allows_nothing_else(
    description: Mapping[str, Any],
) -> None:
    schemas = description["components"]["schemas"]
    changes = schemas["AppChanges"]
    assert "required" not in changes
    assert changes["additionalProperties"] is False
    assert changes["properties"]["port"]["maximum"] == 65535
    assert "default" not in changes["properties"]["port"]
    assert "log_tail" not in schemas["PreviewDetail"]["required"]
