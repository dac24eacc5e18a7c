"""The calls about variants: opened, shown, stopped, pinned and closed; their instances started."""

from typing import Any

import pytest

from framework.access import Scope
from framework.errors import AmbiguousLabel
from framework.people import seals
from framework.ports.identity import Person
from prevs import names
from prevs.roles import TOKEN_PREFIX, RoleRecord
from prevs.states import State
from tests.fakes.apis import OF_STACKS, StacksApi, stack
from tests.fakes.asgi import problems, refusal

ONE = "/shop/variants/feature-x"
IN_CART = names.instance_id(OF_STACKS["cart"]["feature-x"], "feature-x--cart-shop")


@pytest.fixture(autouse=True)
def _written(api: StacksApi) -> None:
    assert api.write().status_code == 201


def at(shown: dict[str, Any]) -> dict[str, tuple[str, bool]]:
    """Return the label of each member in a variant, and whether it is apart."""
    return {one["member"]: (one["label"], one["apart"]) for one in shown["members"]}


def test_a_branch_opens_where_repositories_have_it(api: StacksApi) -> None:
    answer = api.open()
    assert answer.status_code == 201, answer.text
    assert answer.headers["Location"] == f"/v1/stacks{ONE}"
    shown = answer.json()
    assert shown == api.ask("GET", ONE, Scope.READ).json()
    assert (shown["name"], shown["ref"], shown["by"]) == ("feature-x", "feature-x", "a-use")
    assert shown["url"] == "http://feature-x--shop.localhost:8080/"
    assert at(shown) == {"web": ("main", False), "cart": ("feature-x", True)}
    assert shown["members"][1]["url"] == "http://feature-x--cart-shop.localhost:8080/"
    assert {one["state"] for one in shown["members"]} == {None}, "nothing starts"
    assert api.notes()[-1] == ("a-use", "open variant", "shop/variants/feature-x", 201)
    leads = {
        name: api.call("GET", f"/v1/gates/{name}").json()["variants"]
        for name in ("shop", "cart-shop")
    }
    assert leads == {
        "shop": {"feature-x": "main"},
        "cart-shop": {"feature-x": "feature-x--cart-shop"},
    }


def test_opening_again_writes_it_anew(api: StacksApi) -> None:
    first = api.open().json()
    again = api.open(labels={"web": "v1"}, own=["cart"])
    assert again.status_code == 200
    assert at(again.json()) == {"web": ("v1", True), "cart": ("feature-x", True)}
    assert (again.json()["labels"], again.json()["own"]) == ({"web": "v1"}, ["cart"])
    assert again.json()["opened"] == first["opened"]
    assert len(api.ask("GET", "/shop").json()["variants"]) == 1


def test_labels_and_own_instances_need_no_branch(api: StacksApi) -> None:
    labels = api.open("try-it", labels={"web": "v1"}).json()
    assert (labels["ref"], at(labels)) == ("", {"web": ("v1", True), "cart": ("main", False)})
    own = api.open("mine", own=["web"]).json()
    assert at(own) == {"web": ("main", True), "cart": ("main", False)}
    everything = api.open("ours", own=["all"]).json()
    assert at(everything) == {"web": ("main", True), "cart": ("main", True)}
    assert everything["own"] == ["web", "cart"]


def test_a_branch_that_is_no_label_gives_the_name_that_its_previews_have(api: StacksApi) -> None:
    label = names.slug("Fix/Größe")
    api.refs.put("web", label, "b" * 40)
    shown = api.open("Fix/Größe").json()
    assert (shown["name"], shown["ref"]) == (label, "Fix/Größe")
    assert at(shown)["web"] == (label, True)


def test_a_commit_or_pull_request_is_no_branch(api: StacksApi) -> None:
    api.refs.put("cart", "pr-7", "d" * 40, kind="pull")
    assert refusal(api.open("pr-7")) == (409, "nothing-to-open")
    shown = api.open("pr-7", labels={"cart": "pr-7"}).json()
    assert (shown["ref"], at(shown)["cart"]) == ("", ("pr-7", True))


def test_a_variant_that_would_be_the_stack_is_refused_with_the_next_step(api: StacksApi) -> None:
    for ref in ("main", "nowhere"):
        answer = api.open(ref)
        assert refusal(answer) == (409, "nothing-to-open")
        assert f"`prevs stack open shop {ref} --at MEMBER=LABEL`" in answer.json()["detail"]
    assert api.ask("GET", "/shop").json()["variants"] == []


def test_all_mistakes_are_told_at_once_with_their_places(api: StacksApi) -> None:
    wrong = problems(
        api.open("", labels={"web": "gone", "cart": "No Label", "mail": "master"}, own=["mail"])
    )
    assert set(wrong) == {"ref", "labels.web", "labels.cart", "labels.mail", "own"}
    assert "no branch or tag of that name" in wrong["labels.web"]
    assert "The members are web, cart." in wrong["labels.mail"]
    assert api.ask("GET", "/shop").json()["variants"] == []


def test_a_branch_that_could_mean_several_commits_is_chosen_by_hand(api: StacksApi) -> None:
    api.refs.leads["cart", "feature-x"] = AmbiguousLabel("cart", "feature-x", [])
    api.refs.put("web", "feature-x", "b" * 40)
    assert refusal(api.open()) == (409, "ambiguous-label")
    shown = api.open(labels={"cart": "main"}).json()
    assert at(shown) == {"web": ("feature-x", True), "cart": ("main", False)}


def test_a_cut_label_is_refused_with_the_whole_one(api: StacksApi) -> None:
    long = "b" * 63
    api.refs.put("web", long, "b" * 40)
    cut = names.flat_label(long, "web")
    assert cut != long
    assert f"Write the whole label: {long}" in problems(api.open(labels={"web": cut}))["labels.web"]


def test_an_instance_starts_by_its_label_in_both_forms(api: StacksApi) -> None:
    api.open()
    lead = api.call("GET", "/v1/apps/cart/labels/feature-x--cart-shop").json()
    assert (lead["sha"], lead["commit"]) == (IN_CART, OF_STACKS["cart"]["feature-x"])
    assert lead["url"] == "http://feature-x--cart-shop.localhost:8080/"
    preview = api.start("cart", "feature-x--cart-shop")
    assert (preview.sha, preview.commit) == (IN_CART, OF_STACKS["cart"]["feature-x"])
    assert preview.instance == "feature-x--cart-shop"
    own = api.start("cart", "feature-x")
    assert own.sha == OF_STACKS["cart"]["feature-x"], "the branch has a preview beside it"
    refused = api.call("GET", "/v1/apps/web/labels/feature-x--cart-shop")
    assert refusal(refused) == (404, "unknown-label"), "it is of another app"


def test_the_label_of_an_instance_may_be_cut_as_in_an_address_of_one_level(api: StacksApi) -> None:
    name = api.open("f" * 60, own=["cart"]).json()["name"]
    label = names.instance_label(name, "cart-shop")
    cut = names.flat_label(label, "cart")
    assert cut != label
    assert api.start("cart", cut).labels == (label,)


def test_the_preview_of_an_instance_shows_its_place(api: StacksApi) -> None:
    api.open()
    api.start("web", "main")
    api.start("cart", "feature-x--cart-shop", State.QUEUED)
    api.previews.queue_places["cart", IN_CART] = 1
    shown = api.call("GET", f"/v1/previews/cart/{IN_CART}").json()
    assert shown["url"] == "http://feature-x--cart-shop.localhost:8080/"
    assert shown["urls"] == [shown["url"]]
    place = shown["place"]
    assert (place["stack"], place["variant"]) == ("shop", "feature-x")
    web, cart = place["members"]
    assert (web["state"], web["apart"], web["commit"]) == (
        "running",
        False,
        OF_STACKS["web"]["main"],
    )
    assert (cart["state"], cart["apart"], cart["queue_place"]) == ("queued", True, 1)
    assert (cart["sha"], cart["commit"]) == (IN_CART, OF_STACKS["cart"]["feature-x"])
    assert place["members"] == api.ask("GET", ONE).json()["members"]
    of_web = api.call("GET", f"/v1/previews/web/{OF_STACKS['web']['main']}").json()
    assert of_web["place"] is None, "it is everybody's"


def test_a_token_for_one_app_sees_nothing_of_the_others_in_a_place(api: StacksApi) -> None:
    api.open()
    api.start("web", "main", State.FAILED)
    preview = api.start("cart", "feature-x--cart-shop")
    headers = api.bearer(Scope.USE, "cart")
    one = f"/v1/previews/cart/{preview.sha}"
    for path in ("/v1/previews", one):
        answer = api.send("GET", path, headers=headers)
        assert answer.status_code == 200
        assert '"member":"cart"' in answer.text
        assert "web" not in answer.text, path
    refused = api.send("PUT", f"{one}/pin", headers=headers)
    assert refused.json()["type"] == "urn:prevs:problem:instance-of-variant"
    assert (refused.status_code, "web" in refused.text) == (409, False)
    api.previews.change("cart", preview.sha, state=State.STOPPED)
    events = api.send("GET", f"{one}/log", headers={**headers, "Accept": "text/event-stream"})
    assert '"cart"' in events.text
    assert '"web"' not in events.text


def test_a_variant_is_stopped_as_one(api: StacksApi) -> None:
    api.open(own=["all"])
    kept = api.start("web", "main")
    for app, label in (("web", "feature-x--shop"), ("cart", "feature-x--cart-shop")):
        api.start(app, label, State.QUEUED)
    answer = api.ask("POST", f"{ONE}/stop", Scope.USE)
    assert answer.status_code == 200, answer.text
    assert {one["state"] for one in answer.json()["members"]} == {"stopped"}
    assert "an address of that starts it again" in answer.json()["members"][0]["reason"]
    assert api.previews.known["web", kept.sha].state is State.RUNNING
    assert api.notes()[-1] == ("a-use", "stop variant", "shop/variants/feature-x", 200)


def test_a_variant_is_pinned_with_what_runs_in_it(api: StacksApi) -> None:
    api.open()
    sha = api.start("cart", "feature-x--cart-shop").sha
    for method, action in (("PUT", "pin variant"), ("DELETE", "unpin variant")):
        answer = api.ask(method, f"{ONE}/pin", Scope.USE)
        assert (answer.status_code, answer.json()["pinned"]) == (200, method == "PUT")
        assert api.previews.known["cart", sha].pinned is (method == "PUT")
        assert api.notes()[-1][1:3] == (action, "shop/variants/feature-x")


def test_a_closed_variant_is_gone_with_what_was_apart_in_it(api: StacksApi) -> None:
    api.open()
    sha = api.start("cart", "feature-x--cart-shop", State.STOPPED).sha
    assert api.ask("DELETE", ONE, Scope.USE).status_code == 204
    assert api.notes()[-1] == ("a-use", "close variant", "shop/variants/feature-x", 204)
    assert refusal(api.call("GET", f"/v1/previews/cart/{sha}")) == (404, "unknown-preview")
    assert refusal(api.call("GET", "/v1/apps/cart/labels/feature-x--cart-shop"))[0] == 404
    api.open("v1")
    for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/stop"), ("PUT", "/pin")):
        answer = api.ask(method, f"{ONE}{path}")
        assert refusal(answer) == (404, "unknown-variant")
        assert "It has v1." in answer.json()["detail"]


def test_an_address_of_a_variant_that_is_not_open_names_those_that_are(api: StacksApi) -> None:
    """A proxy asks for what is neither at a gate nor at an app."""
    api.open("v1")
    for gate in ("shop", "cart-shop"):
        answer = api.call("POST", "/v1/previews", json={"app": gate, "label": "nope"})
        assert refusal(answer) == (404, "unknown-variant")
        assert "no open variant 'nope'. It has v1." in answer.json()["detail"]
    behind = api.call("POST", "/v1/previews", json={"app": "shop", "label": "v1"})
    assert refusal(behind) == (503, "unavailable")
    assert "proxies do not know it yet" in behind.json()["detail"]
    assert behind.headers["Retry-After"]


def headers_of(api: StacksApi, **apps: Scope) -> dict[str, str]:
    """Return the headers of a person with a role in each of some apps."""
    for app, scope in apps.items():
        role = RoleRecord(scope=scope.value, person="ada", app=app)
        api.previews.roles[role.id] = role
    ada = Person("1", "ada", frozenset())
    token = api.tokens.seal_person(seals.TOKEN, ada, api.tokens.now() + 60)
    return {"Authorization": f"Bearer {TOKEN_PREFIX}{token}"}


def test_who_uses_all_apps_of_a_stack_uses_its_variants(api: StacksApi) -> None:
    headers = headers_of(api, web=Scope.READ, cart=Scope.USE)
    assert api.send("GET", "/v1/stacks/shop", headers=headers).status_code == 200
    path, order = "/v1/stacks/shop/variants", {"ref": "feature-x"}
    assert refusal(api.send("POST", path, headers=headers, json=order))[0] == 403
    api.open()
    for method, last in (("POST", "/stop"), ("PUT", "/pin"), ("DELETE", "/pin"), ("DELETE", "")):
        assert refusal(api.send(method, f"/v1/stacks{ONE}{last}", headers=headers))[0] == 403
    headers = headers_of(api, web=Scope.USE, cart=Scope.USE)
    assert api.send("POST", path, headers=headers, json=order).status_code == 200
    assert api.send("DELETE", f"/v1/stacks{ONE}", headers=headers).status_code == 204
    assert refusal(api.send("DELETE", "/v1/stacks/shop", headers=headers))[0] == 403


def test_who_does_not_see_all_apps_of_a_stack_does_not_see_it(api: StacksApi) -> None:
    api.ask("PUT", "/post", json=stack(mail={"app": "mail"}))
    listed = api.ask("GET", "", Scope.USE, "mail")
    assert [one["name"] for one in listed.json()["stacks"]] == ["post"]
    assert "cart" not in listed.text
    for path in ("", "/variants/feature-x"):
        assert refusal(api.ask("GET", f"/shop{path}", Scope.USE, "mail"))[0] == 403
    assert api.ask("GET", "/post", Scope.USE, "mail").status_code == 200
