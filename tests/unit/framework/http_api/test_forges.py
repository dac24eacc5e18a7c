from structlog.testing import capture_logs

from framework.ports import EnteredHook, Polling
from framework.ports.forges import Finding, Webhook
from tests.fakes.asgi import ApiInProcess, refusal

APP = "/v1/apps/hello"
TOKEN, CHECK, ENTER = (f"{APP}/forge-{one}" for one in ("token", "check", "hook"))


def test_a_forge_token_goes_in_and_never_comes_out(api: ApiInProcess) -> None:
    assert api.call("GET", APP).json()["forge_token_set"] is None
    with capture_logs() as logs:
        answer = api.call("PUT", TOKEN, json={"token": "glpat-hunter2"})
    assert answer.json() == {"changed": 1000.0}
    assert api.previews.snapshot.forge_token("hello") == "glpat-hunter2"
    shown = api.call("GET", APP)
    assert (shown.json()["forge_token_set"], shown.json()["pulls_followed"]) == (1000.0, "branches")
    wrong = api.call("PUT", TOKEN, json={"token": "glpat hunter2"})
    assert refusal(wrong) == (422, "invalid-settings")
    texts = [shown.text, answer.text, wrong.text, api.call("GET", "/v1/audit").text, str(logs)]
    assert not any("hunter2" in text for text in texts)
    assert api.notes()[0][1:3] == ("set forge token", "hello")
    assert api.call("DELETE", TOKEN).status_code == 204
    assert refusal(api.call("DELETE", TOKEN)) == (404, "unknown-forge-token")
    assert api.call("GET", APP).json()["pulls_followed"] == "off"


def test_settings_of_the_forge_are_changed_and_explained(api: ApiInProcess) -> None:
    changes = {"forge": "gitea", "pulls": "all", "forks": "members", "tell": ["status"]}
    shown = api.call("PATCH", APP, json=changes).json()
    assert {name: shown[name] for name in changes} == changes
    assert (shown["forge_kind"], shown["pulls_followed"]) == ("gitea", "all")
    assert api.call("PATCH", APP, json={"forge": "sourceforge"}).status_code == 422
    assert api.call("PATCH", APP, json={"tell": []}).json()["tell"] == []
    assert api.call("PATCH", APP, json={"tell": ["mail"]}).status_code == 422


def test_a_webhook_is_entered_with_the_token_and_the_secret_and_shows_neither(
    api: ApiInProcess,
) -> None:
    api.call("PUT", TOKEN, json={"token": "glpat-hunter2"})
    api.polling = Polling(10.0, 30.0)
    with capture_logs() as logs:
        answer = api.call("POST", ENTER)
    secret = api.previews.given["hello"].hook_secret
    assert answer.json() == {"outcome": "made", "why": "", "advice": "", "secret": None}
    url = "http://localhost:8080/_prevs/hooks/hello"
    assert api.webhooks == [("hello", "glpat-hunter2", Webhook(url, secret, 30.0))]
    assert ("operator", "enter hook", "hello", 200) in api.notes()
    texts = [answer.text, api.call("GET", "/v1/audit").text, str(logs), str(api.webhooks)]
    assert not any("hunter2" in text or secret in text for text in texts[:3])
    assert secret not in texts[3]


def test_a_secret_is_shown_once_if_it_was_made_and_the_forge_lacks_it(api: ApiInProcess) -> None:
    api.entered = EnteredHook("refused", "It may not.", "Change that.")
    first, second = (api.call("POST", ENTER).json() for _ in range(2))
    assert (first["secret"], second["secret"]) == (api.previews.given["hello"].hook_secret, None)
    assert (second["why"], second["advice"]) == ("It may not.", "Change that.")
    assert api.webhooks[0][2].secret == api.webhooks[1][2].secret


def test_what_is_built_ahead_is_changed(api: ApiInProcess) -> None:
    assert api.call("PATCH", APP, json={"warm": "pulls"}).json()["warm"] == "pulls"
    assert api.call("PATCH", APP, json={"warm": "tags"}).status_code == 422


def test_a_check_shows_what_was_found(api: ApiInProcess) -> None:
    found = Finding("token", False, "It has ended.", "Make a new one.")
    api.findings = (found,)
    answer = api.call("POST", CHECK)
    assert answer.json() == {"app": "hello", "findings": [found._asdict()]}
