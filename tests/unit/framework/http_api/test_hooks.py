"""Webhooks at the API: refused alike, taken at once, counted; and their secret."""

import hashlib
import hmac

import pytest

from framework.apps.app_secrets import AppSecrets, with_hook_secret
from framework.ports import Polling
from prevs.hooks import AUTHORIZATION, LONGEST
from prevs.records import AppRecord
from tests.fakes.asgi import OF_PROXIES, ApiInProcess, refusal

HOOKS, SECRET_CALL = "/v1/apps/hello/hooks", "/v1/apps/hello/hook-secret"
SECRET = "a secret with 256 bits"
BODY = b"no JSON at all: \xff\x00"
PROXY = {"Authorization": f"Bearer {OF_PROXIES}"}


@pytest.fixture
def api(api: ApiInProcess) -> ApiInProcess:
    """The API, with an app that has a secret and one that has none."""
    api.previews.add_app(AppRecord("bare", "/srv/bare"))
    api.previews.given["hello"] = with_hook_secret(AppSecrets("hello"), SECRET)
    return api


def deliver(
    api: ApiInProcess,
    secret: str = SECRET,
    *,
    app: str = "hello",
    body: bytes = BODY,
    number: str = "",
) -> tuple[int, str]:
    """Send a webhook as GitHub does, through a proxy; return the status and the whole answer."""
    digest = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    signed = {"X-Hub-Signature-256": f"sha256={digest}", "X-GitHub-Delivery": number}
    headers = {**PROXY, **signed}
    answer = api.send("POST", f"/v1/apps/{app}/hooks", content=body, headers=headers)
    return answer.status_code, answer.text


def count(api: ApiInProcess, result: str, forge: str = "github") -> float:
    labels = {"result": result, "forge": forge}
    return api.registry.get_sample_value("prevs_hooks_total", labels) or 0.0


def test_an_authentic_webhook_has_the_repository_read_and_its_body_is_not(
    api: ApiInProcess,
) -> None:
    assert deliver(api) == (202, "")
    assert deliver(api, number="1") == (202, "")
    assert deliver(api, number="1") == (202, "")
    assert api.nudged == ["hello"] * 3
    assert (count(api, "accepted"), count(api, "repeated")) == (2, 1)
    bearer = {**PROXY, AUTHORIZATION: f"Bearer {SECRET}"}
    assert api.send("POST", HOOKS, headers=bearer).status_code == 202
    assert count(api, "accepted", "bearer") == 1
    assert api.notes() == []


def test_every_other_webhook_gets_the_same_answer(api: ApiInProcess) -> None:
    api.previews.why_unreadable = ""
    answers = {
        deliver(api, "another secret of sixteen"),
        deliver(api, app="bare"),
        deliver(api, app="unknown"),
    }
    api.previews.why_unreadable = "no key fits."
    answers.add(deliver(api))
    ((status, text),) = answers
    assert (status, "hook-refused" in text) == (401, True)
    assert count(api, "refused") == 4
    assert (api.nudged, api.notes()) == ([], [])


def test_an_app_gets_ten_webhooks_a_second_and_forged_ones_count_for_none(
    api: ApiInProcess,
) -> None:
    for _ in range(60):
        deliver(api, "another secret of sixteen")
    statuses = [deliver(api)[0] for _ in range(52)]
    assert statuses == [202] * 50 + [429] * 2
    assert count(api, "limited") == 2
    api.clock.pass_seconds(1.0)
    assert [deliver(api)[0] for _ in range(11)] == [202] * 10 + [429]


def test_a_webhook_has_a_megabyte_at_most(api: ApiInProcess) -> None:
    assert deliver(api, body=b"x" * LONGEST)[0] == 202
    assert deliver(api, body=b"x" * (LONGEST + 1))[0] == 413


def test_a_new_secret_is_shown_once_and_the_former_one_stays_valid(api: ApiInProcess) -> None:
    made = api.call("POST", SECRET_CALL)
    new = made.json()["secret"]
    assert (made.status_code, len(new)) == (201, len("whsec_") + 44)
    url = "http://localhost:8080/_prevs/hooks/hello"
    assert made.json()["url"] == url
    assert (deliver(api, new)[0], deliver(api)[0]) == (202, 202)
    api.polling = Polling(600.0, 60.0)
    shown = api.call("GET", HOOKS)
    assert new not in shown.text
    assert (
        shown.json().items()
        >= {
            "url": url,
            "has_secret": True,
            "has_former_secret": True,
            "polled_every": 600.0,
        }.items()
    )
    assert api.call("DELETE", SECRET_CALL, params={"former": "true"}).status_code == 204
    assert (deliver(api, new)[0], deliver(api)[0]) == (202, 401)
    assert api.call("DELETE", SECRET_CALL).status_code == 204
    assert deliver(api, new)[0] == 401
    assert api.previews.given["hello"].is_empty


def test_a_secret_that_the_forge_has_made_is_taken(api: ApiInProcess) -> None:
    theirs = "A" * 40
    assert api.call("POST", SECRET_CALL, json={"value": theirs}).json()["secret"] == theirs
    assert deliver(api, theirs)[0] == 202
    refused = api.call("POST", SECRET_CALL, json={"value": "too short"})
    assert refusal(refused) == (422, "invalid-settings")
    assert "too short" not in refused.text


def test_secrets_are_stored_with_the_others_and_never_shown() -> None:
    given = with_hook_secret(with_hook_secret(AppSecrets("hello"), SECRET), "another one")
    assert given.hook_secrets == ("another one", SECRET)
    assert AppSecrets.decode(given.encode()) == given
    assert SECRET not in repr(given)
    assert with_hook_secret(given, "another one") == given
