"""A person's token over the API: it allows what the person's roles allow now, and no more."""

import pytest

from framework.access import Scope
from framework.http_api.admission.operations import Reach
from framework.people import seals
from framework.ports.identity import Person
from prevs.records import AppRecord
from prevs.roles import TOKEN_PREFIX, RoleRecord
from prevs.states import State
from tests.fakes.answers import SHA
from tests.fakes.asgi import ApiInProcess, refusal
from tests.fakes.calls import CALLS, NEEDED, is_for, send

ADA = Person("583231", "ada", frozenset({"shop-devs"}))
APPS = ("hello", "shop", "zebra")


@pytest.fixture
def many(api: ApiInProcess) -> ApiInProcess:
    """Three apps, each with a queued preview."""
    for app in APPS[1:]:
        api.previews.add_app(AppRecord(app, f"/srv/{app}"))
        api.refs.put(app, "main", SHA)
    api.previews.look()
    for place, app in enumerate(APPS, 1):
        api.previews.put(app, SHA, State.QUEUED, labels=("main",))
        api.previews.queue_places[app, SHA] = place
    api.previews.look()
    return api


def give(api: ApiInProcess, *roles: RoleRecord) -> None:
    api.previews.roles = {role.id: role for role in roles}


def bearer(api: ApiInProcess, person: Person = ADA) -> dict[str, str]:
    token = api.tokens.seal_person(seals.TOKEN, person, api.tokens.now() + 60)
    return {"Authorization": f"Bearer {TOKEN_PREFIX}{token}"}


def of_person(scope: str, app: str = "") -> RoleRecord:
    return RoleRecord(scope, person="ada", app=app)


def test_a_person_without_a_role_may_do_nothing(api: ApiInProcess) -> None:
    headers = bearer(api)
    for call, needed in NEEDED.items():
        answer = send(api, call, headers=headers, content="{")
        assert refusal(answer) == (403, "forbidden"), call
        assert "prevs role add" in answer.json()["detail"] or needed.scope == "proxy"


@pytest.mark.parametrize("scope", ["read", "use", "admin"])
def test_a_role_for_all_allows_what_a_token_of_the_scope_does(
    api: ApiInProcess, scope: str
) -> None:
    give(api, of_person(scope))
    headers = bearer(api)
    for call, needed in CALLS.items():
        answer = send(api, call, headers=headers, content="{")
        assert (answer.status_code == 403) == (not is_for(Scope(scope), needed)), call


def test_a_role_for_one_app_allows_what_a_token_for_it_does(api: ApiInProcess) -> None:
    give(api, of_person("use", "hello"))
    headers = bearer(api)
    for call, needed in NEEDED.items():
        answer = send(api, call, headers=headers, content="{")
        is_allowed = is_for(Scope.USE, needed) and needed.reach is not Reach.NOTHING
        assert (answer.status_code != 403) == is_allowed, call
        if "{app}" in call:
            found = [send(api, call, app, headers=headers, content="{") for app in ("shop", "no")]
            assert {one.status_code for one in found} == {403}, call
            assert len({one.json()["detail"] for one in found}) == 1


@pytest.mark.parametrize("what", ["apps", "previews", "queue", "events"])
def test_a_list_shows_the_apps_of_all_roles(many: ApiInProcess, what: str) -> None:
    give(many, of_person("use", "hello"), RoleRecord("read", group="shop-devs", app="shop"))
    answer = many.send("GET", f"/v1/{what}", headers=bearer(many))
    assert {one.get("app", one.get("name")) for one in answer.json()[what]} == {"hello", "shop"}
    assert "zebra" not in answer.text


def test_each_app_has_its_own_scope(many: ApiInProcess) -> None:
    give(many, of_person("read"), of_person("use", "shop"))
    headers = bearer(many)
    for app, expected in (("shop", 202), ("hello", 403)):
        stopped = many.send("DELETE", f"/v1/previews/{app}/{SHA}", headers=headers)
        assert stopped.status_code == expected
        order = {"app": app, "label": "main"}
        started = many.send("POST", "/v1/previews", headers=headers, json=order)
        assert started.status_code == expected
        assert many.send("GET", f"/v1/previews/{app}/{SHA}", headers=headers).status_code == 200
    refused = many.send("DELETE", f"/v1/previews/hello/{SHA}", headers=headers)
    assert refusal(refused) == (403, "not-of-app")
    assert "use of shop, read of all apps" in refused.json()["detail"]
    listed = many.send("GET", "/v1/previews?app=zebra", headers=headers)
    assert listed.status_code == 200
    noted = [(who, target, outcome) for who, _, target, outcome in many.notes()]
    assert ("@ada", f"shop/{SHA}", 202) in noted
    assert ("@ada", f"hello/{SHA}", 403) in noted


def test_a_role_counts_from_the_next_request_on(many: ApiInProcess) -> None:
    headers = bearer(many)
    role = RoleRecord("use", group="shop-devs", app="shop")
    statuses = []
    for given in ([], [role], []):
        give(many, *given)
        statuses.append(many.send("GET", "/v1/apps/shop", headers=headers).status_code)
    assert statuses == [403, 200, 403]


@pytest.mark.parametrize("login", ["operator", "proxy", "mine"])
def test_a_persons_login_is_never_a_tokens_name(api: ApiInProcess, login: str) -> None:
    api.tokens.add_token("mine", Scope.ADMIN)
    give(api, RoleRecord("read", person=login))
    headers = bearer(api, Person("7", login))
    assert refusal(api.send("POST", "/v1/uses", headers=headers, json={})) == (403, "forbidden")
    assert "RateLimit" in api.send("GET", "/v1/apps", headers=headers).headers
    assert {who for who, *_ in api.notes()} == {f"@{login}"}


def test_a_token_of_a_person_ends_and_is_no_session(api: ApiInProcess) -> None:
    give(api, of_person("admin"))
    now = api.tokens.now()
    for purpose, until in ((seals.TOKEN, now - 1), (seals.SESSION, now + 60)):
        text = api.tokens.seal_person(purpose, ADA, until)
        headers = {"Authorization": f"Bearer {TOKEN_PREFIX}{text}"}
        assert refusal(api.send("GET", "/v1/apps", headers=headers)) == (401, "unauthorized")
    for text in ("", "a.b.c", "x" * 3000):
        headers = {"Authorization": f"Bearer {TOKEN_PREFIX}{text}"}
        assert refusal(api.send("GET", "/v1/apps", headers=headers)) == (401, "unauthorized")
