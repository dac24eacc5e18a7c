"""The receivers of an app at the API: their address and secret go in, and never come out."""

import base64

import httpx
import pytest

from framework.apps import receivers
from framework.ports.notifications import LastTry, Standing
from tests.fakes.asgi import NOW, ApiInProcess, refusal

CALL = "/v1/apps/hello/notifications"
URL = "https://hooks.slack.com/services/T000/B000/hunter2"


def add(api: ApiInProcess, **order: object) -> httpx.Response:
    return api.call("POST", CALL, json={"url": URL, **order})


def test_a_receiver_is_added_with_a_secret_that_is_shown_once(api: ApiInProcess) -> None:
    made = add(api, events=["failed", "running", "failed"], format="slack")
    assert (made.status_code, made.headers["Cache-Control"]) == (201, "no-store")
    shown = made.json()
    secret = shown.pop("secret")
    assert len(base64.b64decode(secret.removeprefix("whsec_"))) == 32
    assert shown == {
        "name": "hooks.slack.com",
        "host": "hooks.slack.com",
        "events": ["failed", "running"],
        "format": "slack",
        "created": shown["created"],
        "last": None,
        "waiting": 0,
        "dropped": 0,
    }
    [stored] = api.previews.given["hello"].receivers
    assert (stored.url, stored.secret) == (URL, secret)
    listed = api.call("GET", CALL)
    assert listed.json() == {"receivers": [shown]}
    assert "hunter2" not in made.text + listed.text + repr(stored) + str(api.notes())
    assert api.notes() == [("operator", "add receiver", "hello", 201)]


def test_the_last_answer_is_shown_with_what_waits(api: ApiInProcess) -> None:
    add(api)
    api.standing["hooks.slack.com"] = Standing(LastTry(5.0, 500, "It is broken."), 3, 2)
    [shown] = api.call("GET", CALL).json()["receivers"]
    assert shown["last"] == {"at": 5.0, "status": 500, "problem": "It is broken."}
    assert (shown["waiting"], shown["dropped"]) == (3, 2)
    assert shown["events"] is None


def test_a_removed_receiver_is_gone(api: ApiInProcess) -> None:
    add(api)
    assert api.call("DELETE", f"{CALL}/hooks.slack.com").status_code == 204
    assert api.call("GET", CALL).json() == {"receivers": []}
    gone = api.call("DELETE", f"{CALL}/hooks.slack.com")
    assert refusal(gone) == (404, "unknown-receiver")
    assert "`prevs notify ls hello`" in gone.text
    assert refusal(api.call("POST", f"{CALL}/hooks.slack.com/test")) == (404, "unknown-receiver")


def test_a_test_is_sent_to_that_receiver(api: ApiInProcess) -> None:
    add(api, name="other")
    add(api)
    api.last_try = LastTry(NOW, None, "hooks.slack.com has not answered within 10 s.")
    answer = api.call("POST", f"{CALL}/hooks.slack.com/test")
    assert (answer.status_code, answer.json()["status"]) == (200, None)
    assert "not answered" in answer.json()["problem"]
    [(app, receiver)] = api.tested
    assert (app, receiver.name, receiver.url) == ("hello", "hooks.slack.com", URL)


@pytest.mark.parametrize(
    ("order", "field", "why"),
    [
        ({"url": "https://u:hunter2@hooks.slack.com/"}, "url", "without a user"),
        ({"name": "a/b"}, "name", "letters, digits"),
        ({"events": ["exploded"]}, "events", "'exploded' is none of queued"),
    ],
)
def test_what_is_wrong_with_a_receiver_is_told(
    api: ApiInProcess, order: dict[str, object], field: str, why: str
) -> None:
    answer = add(api, **order)
    assert refusal(answer) == (422, "invalid-settings")
    [problem] = answer.json()["problems"]
    assert problem["field"] == field
    assert why in problem["message"]
    assert "hunter2" not in answer.text


@pytest.mark.parametrize("host", ["evil.example", "10.0.0.1", "slack.com", "[::1]"])
def test_a_host_that_the_operator_does_not_allow_is_refused(api: ApiInProcess, host: str) -> None:
    answer = add(api, url=f"https://{host}/hunter2")
    assert refusal(answer) == (409, "host-not-allowed")
    why = answer.json()["detail"]
    assert host.strip("[]") in why
    assert "hooks.slack.com, *.example.org" in why
    assert "PREVS_NOTIFY_HOSTS" in why
    assert "hunter2" not in why


def test_two_receivers_have_two_names_and_an_app_has_ten_at_most(api: ApiInProcess) -> None:
    add(api)
    assert refusal(add(api)) == (409, "receiver-exists")
    names = [f"receiver-{number}" for number in range(receivers.MOST)]
    statuses = [add(api, name=name).status_code for name in names]
    assert statuses == [*[201] * (receivers.MOST - 1), 422]
