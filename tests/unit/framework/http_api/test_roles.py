from typing import Any

import pytest

from framework.errors import Unavailable
from prevs.roles import find_role_id
from tests.fakes.asgi import ApiInProcess, problems, refusal


def test_a_role_is_given_listed_changed_and_taken_away(api: ApiInProcess) -> None:
    order = {"group": "shop-devs", "scope": "use", "app": "hello"}
    given = api.call("POST", "/v1/roles", json=order)
    assert given.status_code == 200
    role = given.json()
    assert role == {
        "id": find_role_id(group="shop-devs", app="hello"),
        "group": "shop-devs",
        "person": None,
        "scope": "use",
        "app": "hello",
        "created": 1000.0,
    }
    api.call("POST", "/v1/roles", json={"person": "ada", "scope": "admin"})
    api.call("POST", "/v1/roles", json={**order, "scope": "read"})
    listed = api.call("GET", "/v1/roles").json()["roles"]
    assert [(one["group"] or one["person"], one["scope"], one["app"]) for one in listed] == [
        ("ada", "admin", None),
        ("shop-devs", "read", "hello"),
    ]
    assert api.call("DELETE", f"/v1/roles/{role['id']}").status_code == 204
    assert refusal(api.call("DELETE", f"/v1/roles/{role['id']}")) == (404, "unknown-role")
    assert ("operator", "remove role", role["id"], 204) in api.notes()


@pytest.mark.parametrize(
    ("order", "fields"),
    [
        ({}, {"scope"}),
        ({"scope": "use"}, {"group"}),
        ({"scope": "use", "group": "a", "person": "b"}, {"group"}),
        ({"scope": "admin", "group": "a", "app": "hello"}, {"scope"}),
        ({"scope": "proxy", "group": "a"}, {"scope"}),
        ({"scope": "use", "group": "a\n"}, {"group"}),
        ({"scope": "use", "group": ""}, {"group"}),
        ({"scope": "use", "group": 7}, {"group"}),
        ({"scope": "use", "group": "a", "app": "Hello"}, {"app"}),
        ({"scope": "use", "group": "a", "name": "x"}, {"name"}),
    ],
)
def test_an_invalid_order_is_reported_by_field(
    api: ApiInProcess, order: dict[str, Any], fields: set[str]
) -> None:
    answer = api.call("POST", "/v1/roles", json=order)
    assert set(problems(answer)) == fields
    assert api.previews.roles == {}


def test_a_role_for_an_app_that_is_not_there_is_refused(api: ApiInProcess) -> None:
    order = {"person": "ada", "scope": "use", "app": "nope"}
    assert refusal(api.call("POST", "/v1/roles", json=order)) == (404, "unknown-app")


def test_a_role_that_could_not_be_stored_is_told(api: ApiInProcess) -> None:
    api.previews.error = Unavailable("ZooKeeper")
    answer = api.call("POST", "/v1/roles", json={"person": "ada", "scope": "use"})
    assert refusal(answer) == (503, "unavailable")
