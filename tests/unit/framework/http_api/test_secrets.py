from typing import Any

import pytest
from structlog.testing import capture_logs

from framework.apps.app_secrets import AppSecrets
from framework.errors import NoKey
from tests.fakes.asgi import ApiInProcess, problems, refusal
from tests.fakes.ssh_keys import SshKey, make_ssh_key

ENVIRONMENT, CREDENTIAL = "/v1/apps/hello/environment", "/v1/apps/hello/credential"
HOSTS = "git.example.org ssh-ed25519 AAAA"


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> SshKey:
    return make_ssh_key(tmp_path_factory.mktemp("key"))


def given(api: ApiInProcess) -> AppSecrets:
    return api.previews.snapshot.given("hello")


def test_a_secret_can_be_written_and_never_read(api: ApiInProcess) -> None:
    with capture_logs() as logs:
        answer = api.call("PUT", f"{ENVIRONMENT}/API_KEY", json={"value": "hunter2"})
    assert answer.json() == {
        "name": "API_KEY",
        "secret": True,
        "value": None,
        "changed": 1000.0,
        "branches": [],
        "tags": [],
        "given_for": "both",
        "holds_for": "attempts that begin later",
    }
    assert given(api).secrets == {"API_KEY": "hunter2"}
    shown = api.call("GET", ENVIRONMENT)
    assert [one["name"] for one in shown.json()["variables"]] == ["API_KEY"]
    assert answer.headers["ETag"] == shown.headers["ETag"]
    api.call("PUT", f"{ENVIRONMENT}/9", json={"value": "hunter2"})
    api.call("PUT", f"{ENVIRONMENT}/A", json={"value": ["hunter2"], "secret": "hunter2"})
    texts = [answer.text, shown.text, api.call("GET", "/v1/audit").text, str(logs)]
    texts.append(api.call("GET", "/v1/apps/hello").text)
    assert not any("hunter2" in text for text in texts)


def test_a_plain_variable_is_shown(api: ApiInProcess) -> None:
    api.call("PUT", f"{ENVIRONMENT}/MODE", json={"value": "preview", "secret": False})
    api.call("PUT", f"{ENVIRONMENT}/A", json={"value": "1", "secret": False})
    shown = api.call("GET", ENVIRONMENT).json()["variables"]
    assert [(one["name"], one["value"]) for one in shown] == [("A", "1"), ("MODE", "preview")]
    assert api.call("DELETE", f"{ENVIRONMENT}/A").status_code == 204
    assert refusal(api.call("DELETE", f"{ENVIRONMENT}/A")) == (404, "unknown-variable")
    assert api.call("DELETE", ENVIRONMENT).status_code == 204
    assert given(api).variables == {}


def test_a_scope_is_shown_and_stays_when_only_the_value_changes(api: ApiInProcess) -> None:
    order = {"value": "hunter2", "branches": ["main", "release/*"], "given_for": "run"}
    shown = api.call("PUT", f"{ENVIRONMENT}/A", json=order).json()
    assert (shown["branches"], shown["tags"]) == (["main", "release/*"], [])
    again = api.call("PUT", f"{ENVIRONMENT}/A", json={"value": "hunter3", "tags": ["v*"]}).json()
    assert again | {"holds_for": 0} == shown | {"tags": ["v*"], "holds_for": 0}
    (listed,) = api.call("GET", ENVIRONMENT).json()["variables"]
    assert (listed["branches"], listed["given_for"]) == (["main", "release/*"], "run")
    order = {"value": "hunter3", "branches": [], "tags": []}
    assert api.call("PUT", f"{ENVIRONMENT}/A", json=order).json()["branches"] == []
    assert given(api).for_refs(()).secrets == {"A": "hunter3"}


def test_a_start_gets_the_refs_that_lead_to_the_commit(api: ApiInProcess) -> None:
    api.refs.put("hello", "main", "a" * 40)
    assert api.call("POST", "/v1/previews", json={"app": "hello", "label": "main"}).is_success
    assert api.previews.known["hello", "a" * 40].refs == ("heads/main",)


@pytest.mark.parametrize(
    ("name", "order", "field"),
    [
        ("A", {"value": "hunter2", "branches": ["a b"]}, "branches"),
        ("A", {"value": "hunter2", "tags": ["refs/tags/v1"]}, "tags"),
        ("PORT", {"value": "1"}, "name"),
        ("A", {"value": "hunter2\0"}, "value"),
        ("A", {}, "value"),
        ("A", {"value": "hunter2", "plain": True}, "plain"),
    ],
)
def test_an_invalid_value_is_reported_without_the_value(
    api: ApiInProcess, name: str, order: dict[str, Any], field: str
) -> None:
    answer = api.call("PUT", f"{ENVIRONMENT}/{name}", json=order)
    assert refusal(answer) == (422, "invalid-settings")
    assert list(problems(answer)) == [field]
    assert "hunter2" not in answer.text
    assert given(api) == AppSecrets("hello")


def test_a_change_is_refused_after_another_change(api: ApiInProcess) -> None:
    before = api.call("GET", ENVIRONMENT).headers["ETag"]
    one = f"{ENVIRONMENT}/A"
    after = api.call("PUT", one, json={"value": "1"}, headers={"If-Match": before}).headers["ETag"]
    refused = api.call("PUT", one, json={"value": "2"}, headers={"If-Match": before})
    assert refusal(refused) == (412, "secrets-changed")
    assert refusal(api.call("DELETE", one, headers={"If-Match": before}))[0] == 412
    api.previews.seconds += 1
    latest = api.call("PUT", one, json={"value": "2"}, headers={"If-Match": after}).headers["ETag"]
    assert latest != after  # though a secret's value is in no tag
    assert api.call("DELETE", one, headers={"If-Match": latest}).status_code == 204


def test_a_password_is_set_and_only_its_user_shown(api: ApiInProcess) -> None:
    assert refusal(api.call("GET", CREDENTIAL)) == (404, "unknown-credential")
    order = {"username": "deploy", "password": "hunter2"}
    answer = api.call("PUT", CREDENTIAL, json=order)
    shown = api.call("GET", CREDENTIAL)
    assert answer.json() == shown.json()
    assert answer.headers["ETag"] == shown.headers["ETag"]
    assert shown.json() == {
        "kind": "password",
        "username": "deploy",
        "fingerprint": None,
        "known_hosts": None,
        "changed": 1000.0,
    }
    known = api.previews.snapshot.credential("hello")
    assert known is not None
    assert known.password == "hunter2"


def test_a_key_is_set_and_its_fingerprint_shown(api: ApiInProcess, key: SshKey) -> None:
    text = key.private.replace("\n", "\r\n").rstrip()
    order = {"private_key": text, "known_hosts": HOSTS}
    assert api.call("PUT", CREDENTIAL, json=order).status_code == 200
    shown = api.call("GET", CREDENTIAL)
    assert shown.json()["kind"] == "ssh-key"
    assert shown.json()["fingerprint"] == key.fingerprint
    assert shown.json()["known_hosts"] == HOSTS
    assert "PRIVATE" not in shown.text
    known = api.previews.snapshot.credential("hello")
    assert known is not None
    assert known.private_key == key.private


def test_a_credential_is_changed_and_removed_only_in_the_version_that_was_read(
    api: ApiInProcess,
) -> None:
    answer = api.call("PUT", CREDENTIAL, json={"password": "hunter3"}, headers={"If-Match": "*"})
    assert refusal(answer) == (412, "secrets-changed")
    tag = api.call("PUT", CREDENTIAL, json={"password": "hunter3"}).headers["ETag"]
    api.previews.seconds += 1
    api.call("PUT", CREDENTIAL, json={"password": "hunter2"}, headers={"If-Match": tag})
    assert refusal(api.call("DELETE", CREDENTIAL, headers={"If-Match": tag}))[0] == 412
    assert api.call("DELETE", CREDENTIAL).status_code == 204
    assert refusal(api.call("DELETE", CREDENTIAL)) == (404, "unknown-credential")


def test_an_incomplete_credential_is_refused_without_being_shown(
    api: ApiInProcess, key: SshKey
) -> None:
    answer = api.call("PUT", CREDENTIAL, json={"private_key": key.private})
    assert refusal(answer) == (422, "invalid-settings")
    assert "known_hosts" in answer.json()["detail"]
    assert key.private.split("\n")[2] not in answer.text


def test_a_missing_or_wrong_key_is_a_problem_with_advice(api: ApiInProcess) -> None:
    api.previews.error = NoKey()
    answer = api.call("PUT", f"{ENVIRONMENT}/A", json={"value": "1"})
    assert refusal(answer) == (409, "no-key")
    assert "prevs key" in answer.json()["detail"]
    api.previews.given["hello"] = AppSecrets("hello")
    api.previews.why_unreadable = "no key fits."
    for path in (ENVIRONMENT, CREDENTIAL):
        assert refusal(api.call("GET", path)) == (409, "secrets-unreadable")
