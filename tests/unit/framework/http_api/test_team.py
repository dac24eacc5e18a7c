"""How visitors sign in and enter an app for its team, over the API."""

from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs

from framework.access import Scope
from framework.http_api.routes.entry_routes import PEOPLE, SIGN_INS
from framework.ports.identity import Person
from prevs.access import Access
from prevs.records import AppRecord
from prevs.roles import RoleRecord
from tests.fakes.asgi import ApiInProcess, problems, refusal

PATH = "/v1/apps/hello"
ADA = Person("1", "ada", frozenset({"devs"}))
CLIENT = "203.0.113.7"


@pytest.fixture
def closed(api: ApiInProcess) -> ApiInProcess:
    """An API with an app for its team: those in the group devs."""
    for name in ("hello", "other"):
        api.previews.known_apps[name] = AppRecord(name, "/srv/hello")
    api.previews.has_sign_in = True
    assert api.call("PUT", f"{PATH}/access", json={"access": "team"}).status_code == 200
    give(api, RoleRecord("read", group="devs", app="hello"))
    return api


def give(api: ApiInProcess, *roles: RoleRecord) -> None:
    api.previews.roles = {role.id: role for role in roles}


def send(api: ApiInProcess, path: str, **order: Any) -> httpx.Response:
    given = {"client": CLIENT, **order}
    return api.send("POST", path, json=given, headers=api.bearer(Scope.PROXY))


def sign_in(api: ApiInProcess, person: Person = ADA) -> str:
    begun = send(api, "/v1/sign-ins").json()
    code = api.provider.sign_in(begun.pop("address"), person)
    ended = send(api, "/v1/sign-ins/finish", code=code, **begun).json()
    assert ended["login"] == person.login
    return str(ended["session"])


def enter(api: ApiInProcess, session: str, app: str = "hello", **more: Any) -> httpx.Response:
    return send(api, f"/v1/apps/{app}/entries", session=session, **more)


def test_an_app_is_for_its_team_once_people_can_sign_in(api: ApiInProcess) -> None:
    api.previews.known_apps["hello"] = AppRecord("hello", "/srv/hello")
    answer = api.call("PUT", f"{PATH}/access", json={"access": "team"})
    assert refusal(answer) == (409, "no-sign-in")
    assert "PREVS_SIGN_IN" in answer.json()["detail"]
    assert api.previews.access == {}
    api.previews.has_sign_in = True
    shown = api.call("PUT", f"{PATH}/access", json={"access": "team", "preflight": True}).json()
    assert (shown["access"], shown["preflight"]) == ("team", True)
    assert api.previews.access["hello"].access is Access.TEAM
    order = {"access": "team", "password": "correct horse"}
    answer = api.call("PUT", f"{PATH}/access", json=order)
    assert refusal(answer) == (422, "invalid-settings")
    assert list(problems(answer)) == ["password"]


def test_somebody_of_the_team_signs_in_once_and_enters(closed: ApiInProcess) -> None:
    with capture_logs() as logs:
        session = sign_in(closed)
        entered = [enter(closed, session) for _ in range(2)]
    assert [answer.status_code for answer in entered] == [204, 204]
    assert closed.provider.codes == {}
    assert {(one["event"], one.get("person")) for one in logs if "person" in one} == {
        ("a visitor has signed in", "ada"),
        ("somebody of the team enters", "ada"),
    }
    assert session not in str(logs)
    assert [note for note in closed.notes() if note[0] == "proxy"] == []


def test_a_role_counts_at_each_entry(closed: ApiInProcess) -> None:
    session = sign_in(closed)
    for role, status in (
        (RoleRecord("read", person="ada", app="hello"), 204),
        (RoleRecord("admin", group="devs"), 204),
        (RoleRecord("use", group="devs", app="other"), 403),
        (RoleRecord("use", person="bob", app="hello"), 403),
    ):
        give(closed, role)
        assert enter(closed, session).status_code == status, role


def test_nobody_learns_which_apps_there_are(closed: ApiInProcess) -> None:
    session = sign_in(closed)
    give(closed, RoleRecord("use", person="bob", app="hello"))
    answers = [enter(closed, session, app) for app in ("hello", "other", "nope")]
    assert {refusal(answer) for answer in answers} == {(403, "not-in-team")}
    assert len({answer.text for answer in answers}) == 1
    assert "ada" in answers[0].json()["detail"]
    noted = [note for note in closed.notes() if note[0] == "proxy"]
    assert noted == [("proxy", "enter", app, 403) for app in ("hello", "other", "nope")]
    # A password opens no app for a team, and a session none with a password.
    assert refusal(send(closed, f"{PATH}/entries", password="x")) == (403, "wrong-password")
    order = {"access": "password", "password": "correct horse"}
    assert closed.call("PUT", f"{PATH}/access", json=order).status_code == 200
    give(closed, RoleRecord("admin", group="devs"))
    assert refusal(enter(closed, session)) == (403, "not-in-team")


def test_who_has_not_signed_in_is_told_so(closed: ApiInProcess) -> None:
    for session in ("", "nonsense"):
        # Without PREVS_SIGN_IN=proxy, nobody believes what a proxy in front says.
        answer = enter(closed, session, user="ada", groups=["devs"])
        assert refusal(answer) == (403, "sign-in-needed")
    begun = send(closed, "/v1/sign-ins").json()
    del begun["address"]
    wrong = send(closed, "/v1/sign-ins/finish", code="c1", **{**begun, "state": "another"})
    assert refusal(wrong) == (403, "sign-in-ended")


def test_sign_ins_and_refusals_of_a_client_are_limited(closed: ApiInProcess) -> None:
    session = sign_in(closed)
    for _ in range(SIGN_INS.quota - 2):
        assert send(closed, "/v1/sign-ins").status_code == 200
    for path, more in (("", {}), ("/finish", {"attempt": "x", "state": "x", "code": "x"})):
        answer = send(closed, f"/v1/sign-ins{path}", **more)
        assert refusal(answer) == (429, "too-many-requests")
        assert int(answer.headers["Retry-After"]) > 0
    assert send(closed, "/v1/sign-ins", client="198.51.100.1").status_code == 200
    for _ in range(PEOPLE.quota):
        assert enter(closed, session, "nope").status_code == 403
    assert enter(closed, session, "nope").status_code == 429
    assert enter(closed, session).status_code == 204
