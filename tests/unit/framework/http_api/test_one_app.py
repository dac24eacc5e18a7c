"""A token for one app: which calls it may make, and that their answers have no other app."""

import pytest

from framework.access import Scope
from framework.http_api.admission.operations import Reach
from prevs.records import AppRecord
from prevs.states import State
from tests.fakes.answers import SHA
from tests.fakes.asgi import ApiInProcess, refusal
from tests.fakes.calls import NEEDED, is_for, send


@pytest.mark.parametrize("call", NEEDED)
def test_a_token_of_one_app_reaches_nothing_else(api: ApiInProcess, call: str) -> None:
    headers = api.bearer(Scope.USE, "hello")
    own = send(api, call, headers=headers, content="{")
    needed = NEEDED[call]
    if not is_for(Scope.USE, needed):
        assert refusal(own) == (403, "forbidden")
    elif needed.reach is Reach.NOTHING:
        assert refusal(own) == (403, "not-of-app")
    else:
        assert own.status_code not in (401, 403)
    if "{app}" not in call:
        return
    # The answer is the same if there is no such app.
    others = [send(api, call, app, headers=headers, content="{") for app in ("shop", "nope", "")]
    assert {answer.status_code for answer in others} == {403}
    assert len({answer.json()["detail"] for answer in others[:2]}) == 1
    assert "'shop'" not in others[0].text


def of_two_apps(api: ApiInProcess) -> dict[str, str]:
    """Queue previews of `hello` and `shop`; return the headers with a token for shop."""
    api.previews.add_app(AppRecord("shop", "/srv/shop"))
    api.refs.put("shop", "main", SHA)
    api.previews.look()
    for place, app in enumerate(("hello", "shop"), 1):
        api.previews.put(app, SHA, State.QUEUED, labels=("main",))
        api.previews.queue_places[app, SHA] = place
    return api.bearer(Scope.USE, "shop")


@pytest.mark.parametrize("what", ["apps", "previews", "queue", "events"])
def test_a_list_shows_only_the_tokens_app(api: ApiInProcess, what: str) -> None:
    headers = of_two_apps(api)
    answer = api.send("GET", f"/v1/{what}", headers=headers)
    assert {one.get("app", one.get("name")) for one in answer.json()[what]} == {"shop"}
    assert "hello" not in answer.text
    assert api.call("GET", f"/v1/{what}").text.count("hello") > 0
    page = api.send("GET", f"/v1/{what}?limit=1", headers=headers).json()
    while page["next"] is not None:
        page = api.send("GET", f"/v1/{what}?limit=1&after={page['next']}", headers=headers).json()
        assert "hello" not in str(page)


@pytest.mark.parametrize("path", ["/v1/previews?app=", "/v1/events?app="])
def test_a_list_of_another_app_is_refused(api: ApiInProcess, path: str) -> None:
    headers = of_two_apps(api)
    answers = [api.send("GET", path + app, headers=headers) for app in ("hello", "nope")]
    assert [refusal(answer) for answer in answers] == [(403, "not-of-app")] * 2
    assert answers[0].json() == answers[1].json()
    assert api.send("GET", f"{path}shop", headers=headers).status_code == 200


def test_a_token_of_one_app_starts_only_that_app(api: ApiInProcess) -> None:
    headers = of_two_apps(api)
    for app, status in (("shop", 202), ("hello", 403), ("nope", 403)):
        order = {"app": app, "label": "main"}
        answer = api.send("POST", "/v1/previews", headers=headers, json=order)
        assert answer.status_code == status, answer.text
    assert refusal(answer) == (403, "not-of-app")
