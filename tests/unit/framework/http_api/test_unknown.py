"""What is not there is said to be unknown, by each call that names it."""

from collections.abc import Mapping
from typing import Any

import pytest

from tests.fakes.apis import CLEAN
from tests.fakes.asgi import ApiInProcess, refusal
from tests.fakes.calls import CALLS

GONE = {
    **dict.fromkeys(("name", "label", "variant", "path"), "gone"),
    "sha": "b" * 40,
    "id": "a" * 16,
    "number": "9",
}
ORDERS: Mapping[str, Any] = {
    "PATCH /v1/apps/{app}": {"mem": 64},
    "PUT /v1/apps/{app}/environment/{name}": {"value": "1"},
    "PATCH /v1/apps/{app}/environment": {"variables": {"A": "1"}},
    "PUT /v1/apps/{app}/credential": {"password": "1"},
    "PUT /v1/apps/{app}/access": {"access": "public"},
    "POST /v1/apps/{app}/passes": {"kind": "machine"},
    "PUT /v1/apps/{app}/forge-token": {"token": "1"},
    "POST /v1/apps/{app}/jobs": {"label": "main", "job": "report"},
    "POST /v1/apps/{app}/schedule-times": {"every": 60},
    "PUT /v1/apps/{app}/schedules/{name}": CLEAN,
    "POST /v1/apps/{app}/data/reset": {"branch": "main"},
    "POST /v1/apps/{app}/data/copy": {"source": "main", "target": "fix"},
    "POST /v1/apps/{app}/pulls/{number}/approval": {"commit": "a" * 40},
    "POST /v1/apps/{app}/notifications": {"url": "https://hooks.slack.com/x"},
    "POST /v1/gates/{name}/switch": {"label": "main"},
    "POST /v1/gates/{name}/rollback": {},
    "POST /v1/gates/{name}/try": {"path": "/"},
    "POST /v1/stacks/{name}/variants": {"ref": "main"},
}
"""What the calls need that have a body. It would be taken, were there what they name."""
QUERIES = {"DELETE /v1/apps/{app}/jobs": "?group=g", "GET /v1/apps/{app}/commits": "?ref=main"}

OF_STRANGERS = {"POST /v1/apps/{app}/hooks", "POST /v1/apps/{app}/entries"}
"""They answer alike whether there is such an app: the tests of hooks and of access hold that."""
OF_AN_APP = [call for call in CALLS if "{app}" in call and call not in OF_STRANGERS]

RESOURCES = {
    "/v1/previews/{app}/{sha}": "unknown-preview",
    "/v1/apps/{app}/labels/{label}": "unknown-label",
    "/v1/apps/{app}/environment/{name}": "unknown-variable",
    "/v1/apps/{app}/credential": "unknown-credential",
    "/v1/apps/{app}/forge-token": "unknown-forge-token",
    "/v1/apps/{app}/jobs/{id}": "unknown-job",
    "/v1/apps/{app}/schedules/{name}": "unknown-schedule",
    "/v1/apps/{app}/pulls/{number}": "unknown-pull",
    "/v1/apps/{app}/notifications/{name}": "unknown-receiver",
    "/v1/gates/{name}": "unknown-gate",
    "/v1/stacks/{name}": "unknown-stack",
    "/v1/roles/{id}": "unknown-role",
    "/v1/tokens/{name}": "unknown-token",
}
WRITTEN = {f"PUT {path}" for path in RESOURCES}
"""Such a call makes what it names."""
OF_RESOURCES = [
    (call, problem)
    for call in CALLS
    for path, problem in RESOURCES.items()
    if call.partition(" ")[2].startswith(path) and call not in WRITTEN
]


def send(api: ApiInProcess, call: str, app: str) -> tuple[int, str]:
    method, path = call.split()
    path = path.format(app=app, **GONE) + QUERIES.get(call, "")
    return refusal(api.call(method, path, json=ORDERS.get(call)))


@pytest.mark.parametrize("call", OF_AN_APP)
def test_an_app_that_is_not_there(api: ApiInProcess, call: str) -> None:
    assert send(api, call, "gone") == (404, "unknown-app")


@pytest.mark.parametrize("what", ["previews", "jobs", "gates", "stacks", "events"])
def test_a_list_of_an_app_that_is_not_there(api: ApiInProcess, what: str) -> None:
    assert refusal(api.call("GET", f"/v1/{what}?app=gone")) == (404, "unknown-app")


@pytest.mark.parametrize(("call", "problem"), OF_RESOURCES)
def test_a_resource_that_is_not_there(api: ApiInProcess, call: str, problem: str) -> None:
    assert send(api, call, "hello") == (404, problem)
