from typing import Any

import pytest
from structlog.testing import capture_logs

from framework.errors import Unavailable
from tests.fakes.asgi import ApiInProcess, problems, refusal


def test_a_token_is_shown_once_and_opens_the_calls_of_its_scope(api: ApiInProcess) -> None:
    with capture_logs() as logs:
        answer = api.call("POST", "/v1/tokens", json={"name": "deploys", "scope": "use"})
    assert answer.status_code == 201
    assert answer.headers["Location"] == "/v1/tokens/deploys"
    assert answer.headers["Cache-Control"] == "no-store"
    made = answer.json()
    assert (made["name"], made["scope"]) == ("deploys", "use")
    token = made["token"]
    assert api.send("GET", "/v1/apps", headers={"Authorization": f"Bearer {token}"}).is_success
    again = api.call("POST", "/v1/tokens", json={"name": "deploys", "scope": "use"})
    assert (*refusal(again), again.json()["name"]) == (409, "token-exists", "deploys")
    listed, audit = (api.call("GET", path).text for path in ("/v1/tokens", "/v1/audit"))
    for text in (listed, audit, again.text, str(logs)):
        assert "deploys" in text
        assert token not in text
        assert api.tokens.known["deploys"].digest not in text


def test_tokens_are_listed_without_the_operators(api: ApiInProcess) -> None:
    api.call("POST", "/v1/tokens", json={"name": "b", "scope": "read"})
    listed = api.call("GET", "/v1/tokens").json()["tokens"]
    assert [(one["name"], one["scope"]) for one in listed] == [("b", "read")]


def test_a_token_may_remove_itself_and_opens_nothing_afterwards(api: ApiInProcess) -> None:
    made = api.call("POST", "/v1/tokens", json={"name": "me", "scope": "admin"}).json()
    headers = {"Authorization": f"Bearer {made['token']}"}
    assert api.send("DELETE", "/v1/tokens/me", headers=headers).status_code == 204
    assert refusal(api.send("GET", "/v1/apps", headers=headers)) == (401, "unauthorized")
    assert refusal(api.call("DELETE", "/v1/tokens/me")) == (404, "unknown-token")


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, {"name", "scope"}),
        ({"name": "Deploys", "scope": "use"}, {"name"}),
        ({"name": "gr\u00f6\u00dfe", "scope": "use"}, {"name"}),
        ({"name": "a/b", "scope": "use"}, {"name"}),
        ({"name": "a" * 41, "scope": "use"}, {"name"}),
        ({"name": "a\u0000", "scope": "use"}, {"name"}),
        ({"name": "a", "scope": "everything"}, {"scope"}),
        ({"name": "a", "scope": 1}, {"scope"}),
        ({"name": "a", "scope": "use", "token": "x"}, {"token"}),
    ],
)
def test_an_invalid_token_order_is_reported_by_field(
    api: ApiInProcess, body: dict[str, Any], fields: set[str]
) -> None:
    answer = api.call("POST", "/v1/tokens", json=body)
    assert set(problems(answer)) == fields
    assert api.tokens.known == {}


def test_a_token_that_could_not_be_stored_is_not_shown(api: ApiInProcess) -> None:
    api.tokens.error = Unavailable("ZooKeeper")
    answer = api.call("POST", "/v1/tokens", json={"name": "a", "scope": "use"})
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert "prevs_" not in answer.text


def test_a_token_may_be_limited_to_one_app(api: ApiInProcess) -> None:
    order = {"name": "ci", "scope": "use", "app": "hello"}
    made = api.call("POST", "/v1/tokens", json=order).json()
    assert made["app"] == "hello"
    api.call("POST", "/v1/tokens", json={"name": "more", "scope": "admin", "app": None})
    listed = api.call("GET", "/v1/tokens").json()["tokens"]
    assert [(one["name"], one["app"]) for one in listed] == [("ci", "hello"), ("more", None)]


@pytest.mark.parametrize(
    ("scope", "app", "field"),
    [
        ("admin", "hello", "app"),
        ("use", "Hello", "app"),
        ("use", "", "app"),
        ("proxy", None, "scope"),
    ],
)
def test_an_impossible_token_of_an_app_or_a_proxy_is_reported(
    api: ApiInProcess, scope: str, app: str | None, field: str
) -> None:
    order = {"name": "ci", "scope": scope, "app": app}
    answer = api.call("POST", "/v1/tokens", json=order)
    assert list(problems(answer)) == [field]
    assert api.tokens.known == {}


@pytest.mark.parametrize("name", ["operator", "proxy"])
def test_no_token_has_the_name_of_a_token_of_the_settings(api: ApiInProcess, name: str) -> None:
    answer = api.call("POST", "/v1/tokens", json={"name": name, "scope": "read"})
    assert refusal(answer) == (409, "token-exists")
