"""A token for one app: which calls it may make, and that their answers have no other app."""

import pytest

from framework.access import Scope
from framework.http_api.admission.operations import Reach
from prevs.records import AppRecord
from tests.fakes.answers import SHA
from tests.fakes.apis import WholeApi
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


@pytest.mark.parametrize("what", ["apps", "previews", "jobs", "gates", "stacks", "queue", "events"])
def test_a_list_shows_only_the_tokens_app(whole: WholeApi, what: str) -> None:
    headers = whole.bearer(Scope.USE, "beta")
    answer = whole.send("GET", f"/v1/{what}", headers=headers)
    assert answer.json()[what]
    assert "hello" not in answer.text
    assert "hello" in whole.call("GET", f"/v1/{what}").text
    page = whole.send("GET", f"/v1/{what}?limit=1", headers=headers).json()
    while page["next"] is not None:
        page = whole.send("GET", f"/v1/{what}?limit=1&after={page['next']}", headers=headers).json()
        assert "hello" not in str(page)


@pytest.mark.parametrize("what", ["previews", "jobs", "gates", "stacks", "events"])
def test_a_list_of_another_app_is_refused(whole: WholeApi, what: str) -> None:
    path, headers = f"/v1/{what}?app=", whole.bearer(Scope.USE, "beta")
    answers = [whole.send("GET", path + app, headers=headers) for app in ("hello", "nope")]
    assert [refusal(answer) for answer in answers] == [(403, "not-of-app")] * 2
    assert answers[0].json() == answers[1].json()
    assert whole.send("GET", f"{path}beta", headers=headers).status_code == 200


def test_a_token_of_one_app_starts_only_that_app(api: ApiInProcess) -> None:
    api.previews.add_app(AppRecord("shop", "/srv/shop"))
    api.refs.put("shop", "main", SHA)
    headers = api.bearer(Scope.USE, "shop")
    for app, status in (("shop", 202), ("hello", 403), ("nope", 403)):
        order = {"app": app, "label": "main"}
        answer = api.send("POST", "/v1/previews", headers=headers, json=order)
        assert answer.status_code == status, answer.text
    assert refusal(answer) == (403, "not-of-app")
