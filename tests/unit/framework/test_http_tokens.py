from typing import Any

import pytest
from structlog.testing import capture_logs

from framework.errors import Unavailable
from tests.fakes.asgi import TOKEN, ApiInProcess


@pytest.fixture
def api() -> ApiInProcess:
    return ApiInProcess()


def test_a_token_is_answered_once_and_opens_what_it_is_good_for(api: ApiInProcess) -> None:
    with capture_logs() as logs:
        answer = api.call("POST", "/v1/tokens", json={"name": "deploys", "scope": "use"})
    assert answer.status_code == 201
    assert answer.headers["Location"] == "/v1/tokens/deploys"
    assert answer.headers["Cache-Control"] == "no-store"
    made = answer.json()
    assert (made["name"], made["scope"]) == ("deploys", "use")
    token = made["token"]
    assert api.send("GET", "/v1/apps", headers={"Authorization": f"Bearer {token}"}).is_success
    told = [
        api.call("GET", "/v1/tokens").text,
        api.call("GET", "/v1/audit").text,
        api.call("POST", "/v1/tokens", json={"name": "deploys", "scope": "use"}).text,
        str(logs),
    ]
    for text in told:
        assert "deploys" in text
        assert token not in text
        assert api.tokens.known["deploys"].digest not in text


def test_tokens_are_listed_by_name_and_the_operators_is_none_of_them(api: ApiInProcess) -> None:
    for name, scope in (("b", "read"), ("a", "admin"), ("c", "use")):
        api.call("POST", "/v1/tokens", json={"name": name, "scope": scope})
    listed = api.call("GET", "/v1/tokens?limit=2").json()
    assert [(one["name"], one["scope"]) for one in listed["tokens"]] == [
        ("a", "admin"),
        ("b", "read"),
    ]
    rest = api.call("GET", "/v1/tokens", params={"after": listed["next"]}).json()
    assert ([one["name"] for one in rest["tokens"]], rest["next"]) == (["c"], None)


def test_a_token_that_is_removed_opens_nothing(api: ApiInProcess) -> None:
    made = api.call("POST", "/v1/tokens", json={"name": "deploys", "scope": "admin"}).json()
    assert api.call("DELETE", "/v1/tokens/deploys").status_code == 204
    headers = {"Authorization": f"Bearer {made['token']}"}
    assert api.send("GET", "/v1/apps", headers=headers).status_code == 401
    answer = api.call("DELETE", "/v1/tokens/deploys")
    assert (answer.status_code, answer.json()["type"]) == (404, "urn:prevs:problem:unknown-token")


def test_an_admin_may_remove_the_very_token_that_asks(api: ApiInProcess) -> None:
    made = api.call("POST", "/v1/tokens", json={"name": "me", "scope": "admin"}).json()
    headers = {"Authorization": f"Bearer {made['token']}"}
    assert api.send("DELETE", "/v1/tokens/me", headers=headers).status_code == 204
    assert api.send("DELETE", "/v1/tokens/me", headers=headers).status_code == 401


@pytest.mark.parametrize("name", ["deploys", "operator"])
def test_a_name_that_is_taken_is_refused(api: ApiInProcess, name: str) -> None:
    api.call("POST", "/v1/tokens", json={"name": "deploys", "scope": "use"})
    answer = api.call("POST", "/v1/tokens", json={"name": name, "scope": "use"})
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:prevs:problem:token-exists")
    assert answer.json()["name"] == name


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
def test_what_cannot_be_a_token_is_told_by_field(
    api: ApiInProcess, body: dict[str, Any], fields: set[str]
) -> None:
    answer = api.call("POST", "/v1/tokens", json=body)
    assert answer.status_code == 422
    assert {one["field"] for one in answer.json()["problems"]} == fields
    assert api.tokens.known == {}


@pytest.mark.parametrize(
    "body",
    [
        b'{"name": "\\ud800", "scope": "use"}',
        b'{"name": "a\\u0000b", "scope": "use"}',
        b'{"name": "\xed\xa0\x80", "scope": "use"}',
        b'{"name": "a", "scope": "use", "name": "A"}',
        b'{"name": ' + b"[" * 30_000 + b"]" * 30_000 + b', "scope": "use"}',
        b'{"name": ' + b'{"a":' * 10_000 + b"1" + b"}" * 10_000 + b', "scope": "use"}',
        b'{"name": "a", "scope": ' + b"9" * 60_000 + b"}",
    ],
)
def test_no_body_breaks_the_reading(api: ApiInProcess, body: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    answer = api.call("POST", "/v1/tokens", content=body, headers=headers)
    assert answer.status_code in (400, 422)
    assert answer.json()["type"] == "urn:prevs:problem:invalid-request"
    assert api.tokens.known == {}


def test_a_token_that_could_not_be_stored_is_not_answered(api: ApiInProcess) -> None:
    api.tokens.error = Unavailable("ZooKeeper")
    answer = api.call("POST", "/v1/tokens", json={"name": "a", "scope": "use"})
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert "prevs_" not in answer.text


@pytest.mark.parametrize(
    "value",
    [
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
def test_no_header_breaks_the_guard(api: ApiInProcess, value: bytes) -> None:
    answer = api.send("GET", "/v1/apps", headers=[(b"Authorization", value)])
    assert (answer.status_code, answer.json()["type"]) == (401, "urn:prevs:problem:unauthorized")
