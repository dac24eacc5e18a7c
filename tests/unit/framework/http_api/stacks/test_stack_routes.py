"""The calls about stacks: written, shown, listed and removed, and what follows from them."""

from collections.abc import Callable
from typing import Any

import pytest

from framework.access import Scope
from framework.errors import AmbiguousLabel, BeingFetched, RepositoryUnreachable
from framework.gates.errors import NameOfGate
from framework.service.commands import Commands
from framework.stacks.errors import AppOfStack
from framework.state.snapshot import Behind
from prevs.records import AppRecord
from tests.fakes.apis import MEMBERS, StacksApi, stack
from tests.fakes.asgi import problems, refusal


def test_a_written_stack_has_a_gate_for_each_member(api: StacksApi) -> None:
    answer = api.write()
    assert answer.status_code == 201, answer.text
    shown = answer.json()
    assert (shown["name"], shown["entry"], shown["by"]) == ("shop", "web", "a-admin")
    assert (shown["url"], shown["variants"]) == ("http://shop.localhost:8080/", [])
    assert [one["gate"] for one in shown["members"]] == ["shop", "cart-shop"]
    assert shown["members"][1] == {
        "member": "cart",
        "app": "cart",
        "label": "main",
        "gate": "cart-shop",
        "url": "http://cart-shop.localhost:8080/",
        "variable": "CART_URL",
    }
    assert api.notes()[-1] == ("a-admin", "write stack", "shop", 201)
    gate = api.call("GET", "/v1/gates/cart-shop").json()
    assert (gate["stack"], gate["app"], gate["variants"]) == ("shop", "cart", {})
    assert gate["rules"][0]["to"][0]["label"] == "main"
    assert api.previews.known == {}, "nothing starts"


def test_what_is_shown_may_be_written_again(api: StacksApi) -> None:
    shown = api.write(stack(web={"app": "web", "label": "v1"}, mail={"app": "mail"})).json()
    members = {one["member"]: one for one in shown["members"]}
    assert members["web"]["label"] == "v1"
    assert members["mail"]["label"] == "master", "that of the main branch"
    api.open()
    order = stack(
        **{key: {"app": one["app"], "label": one["label"]} for key, one in members.items()}
    )
    again = api.write(order)
    assert again.status_code == 200
    assert again.json()["members"] == shown["members"]
    assert [one["name"] for one in again.json()["variants"]] == ["feature-x"]


def test_members_are_shown_in_one_order(api: StacksApi) -> None:
    members = {name: {"app": name} for name in ("mail", "web", "cart")}
    written = api.write({"entry": "web", "members": members}).json()
    assert [one["member"] for one in written["members"]] == ["web", "cart", "mail"]
    opened = api.open().json()
    assert [one["member"] for one in opened["members"]] == ["web", "cart", "mail"]


def test_a_member_that_is_gone_takes_its_gate_with_it(api: StacksApi) -> None:
    api.write()
    api.write(stack(web={"app": "web"}, mail={"app": "mail"}))
    listed = api.call("GET", "/v1/gates").json()["gates"]
    assert [one["name"] for one in listed] == ["mail-shop", "shop"]


def test_a_dry_run_changes_nothing(api: StacksApi) -> None:
    answer = api.write(query="?dry_run=true")
    assert (answer.status_code, answer.json()["members"][0]["label"]) == (200, "main")
    assert api.notes()[-1] == ("a-admin", "write stack", "shop (dry run)", 200)
    assert refusal(api.ask("GET", "/shop")) == (404, "unknown-stack")
    assert api.call("GET", "/v1/gates").json()["gates"] == []
    assert "members.web.label" in problems(api.write(stack(web={"app": "web", "label": "gone"})))


def test_all_mistakes_are_told_at_once_with_their_places(api: StacksApi) -> None:
    api.refs.leads["cart", "v2"] = AmbiguousLabel("cart", "v2", [])
    api.previews.add_app(AppRecord("empty", "/srv/git/empty"))
    order = {
        "entry": "shop",
        "members": {
            "web": {"app": "web", "label": "gone"},
            "cart": {"app": "cart", "label": "v2"},
            "none": {"app": "nope"},
            "label": {"app": "mail", "label": "No Label"},
            "new": {"app": "empty"},
            "No": {"app": "mail", "label": "master"},
        },
    }
    wrong = problems(api.write(order))
    assert set(wrong) == {
        "entry",
        "members.web.label",
        "members.cart.label",
        "members.none.app",
        "members.label.label",
        "members.new.label",
        "members.No",
    }
    assert "no branch or tag of that name" in wrong["members.web.label"]
    assert "`prevs app ls`" in wrong["members.none.app"]
    assert "no branches yet" in wrong["members.new.label"]
    assert api.ask("GET", "/shop").status_code == 404


@pytest.mark.parametrize(
    ("name", "member", "field"),
    [
        ("sign-in", "web", "name"),
        ("mail", "web", "name"),
        ("Shop", "web", "name"),
        ("a" * 21, "web", "name"),
        ("the", "web-store", "members.web-store"),
    ],
)
def test_no_gate_of_a_stack_has_the_address_of_anything_else(
    api: StacksApi, name: str, member: str, field: str
) -> None:
    api.previews.add_app(AppRecord("web-store-the", "/srv/git/store"))
    order = stack(cart={"app": "cart"}) if field != "name" else stack(web={"app": "web"})
    order["members"][member] = {"app": "web"}
    assert list(problems(api.ask("PUT", f"/{name}", json=order))) == [field]


def test_the_label_of_an_instance_is_no_label_of_a_member_or_gate(api: StacksApi) -> None:
    """It comes and goes with its variant."""
    api.write()
    api.open()
    order = stack(web={"app": "web"}, cart={"app": "cart", "label": "feature-x--cart-shop"})
    assert "of a variant of a stack" in problems(api.write(order))["members.cart.label"]
    rule = {"path": "/", "to": [{"label": "feature-x--cart-shop"}]}
    gate = api.call("PUT", "/v1/gates/api", json={"app": "cart", "rules": [rule]})
    assert "of a variant of a stack" in problems(gate)["rules[0].to[0].label"]


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (RepositoryUnreachable("web", "/srv/git/web", "away"), (502, "repository-unreachable")),
        (BeingFetched("web"), (503, "reading-repository")),
    ],
)
def test_a_repository_that_cannot_be_read_is_told(
    api: StacksApi, error: Exception, expected: tuple[int, str]
) -> None:
    api.refs.listings["web"] = error
    assert refusal(api.write()) == expected
    assert api.ask("GET", "/shop").status_code == 404


def test_nobody_else_changes_the_gates_of_a_stack(api: StacksApi) -> None:
    api.write()
    rules = [{"path": "/", "to": [{"label": "main"}]}]
    calls: list[tuple[str, str, Any]] = [
        ("PUT", "", {"app": "cart", "rules": rules}),
        ("POST", "/switch", {"path": "/", "label": "feature-x"}),
        ("POST", "/rollback", {}),
        ("DELETE", "", None),
    ]
    for method, path, body in calls:
        answer = api.call(method, f"/v1/gates/cart-shop{path}", json=body)
        assert refusal(answer) == (409, "gate-of-stack"), method + path
        assert "the stack 'shop'" in answer.json()["detail"]
        assert answer.json()["stack"] == "shop"
    assert api.call("GET", "/v1/gates/cart-shop").status_code == 200


def test_apps_and_stacks_hold_each_other(api: StacksApi) -> None:
    api.write()
    commands = Commands(api.jobs.records, api.jobs.clock.clock)
    with pytest.raises(AppOfStack, match="a member of the stack 'shop'"):
        commands.remove_app("cart")
    with pytest.raises(NameOfGate, match="is that of a gate"):
        commands.add_app(AppRecord("cart-shop", "/srv/git/other"))
    api.ask("DELETE", "/shop")
    commands.add_app(AppRecord("cart-shop", "/srv/git/other"))
    commands.remove_app("cart")


def test_a_removed_stack_is_gone_with_its_gates(api: StacksApi) -> None:
    api.write()
    api.open()
    assert api.ask("DELETE", "/shop").status_code == 204
    assert api.notes()[-1] == ("a-admin", "remove stack", "shop", 204)
    assert api.call("GET", "/v1/gates").json()["gates"] == []
    for method, path in (("GET", ""), ("DELETE", ""), ("GET", "/variants/feature-x")):
        assert refusal(api.ask(method, f"/shop{path}")) == (404, "unknown-stack")


def test_what_happens_to_a_stack_is_an_event_of_its_entry(api: StacksApi) -> None:
    steps: list[Callable[[], object]] = [
        api.write,
        api.open,
        lambda: api.ask("DELETE", "/shop/variants/feature-x"),
        lambda: api.ask("DELETE", "/shop"),
    ]
    api.previews.look()
    for step in steps:
        step()
        api.previews.look()
    events = api.call("GET", "/v1/events?app=web&limit=4").json()["events"]
    assert [one["sentence"] for one in reversed(events)] == [
        "stack shop was written by a-admin: web, cart",
        "stack shop has opened feature-x by a-use: cart at feature-x",
        "stack shop has closed feature-x",
        "stack shop was removed",
    ]
    assert {(one["type"], one["stack"], one["gate"]) for one in events} == {("stack", "shop", None)}


def test_the_stacks_of_an_app_are_those_with_a_member_of_it(api: StacksApi) -> None:
    for name, members in (("shop", MEMBERS), ("blog", {"web": {"app": "mail"}}), ("all", MEMBERS)):
        assert api.ask("PUT", f"/{name}", json=stack(**members)).status_code == 201
    listed = api.ask("GET", "?app=cart", Scope.READ).json()["stacks"]
    assert [one["name"] for one in listed] == ["all", "shop"]


def test_how_many_proxies_are_behind_is_known_once_all_gates_were_asked(api: StacksApi) -> None:
    api.write()
    api.open()
    counts = []
    for behind in ({}, {"shop": Behind(2, 3)}, {"shop": Behind(0, 3), "cart-shop": Behind(1, 3)}):
        api.stacks.behind = behind
        counts.append(api.ask("GET", "/shop").json()["variants"][0]["behind"])
    assert counts == [None, None, 1]
