"""Stacks from their writing to what runs in their variants, in a service over fakes."""

import pytest

from framework.service.stacks.stack_commands import STOPPED
from framework.service.stacks.stack_upkeep import CLOSED, MOVED_ON
from framework.stacks.errors import UnknownStack, UnknownVariant
from prevs import names
from prevs.states import Phase, State
from tests.fakes.stack_story import AUTH, CART, FEATURE, MAIN, NEXT, WEB, StackStory


def test_each_member_has_a_gate_that_leads_to_its_usual_label(stacks: StackStory) -> None:
    assert {name: one.app for name, one in stacks.gates().items()} == {
        "shop": WEB,
        "cart-shop": CART,
    }
    for gate in stacks.gates().values():
        (rule,) = gate.revision.rules
        assert (rule.path, rule.to[0].label, gate.revision.variants) == ("/", "main", {})
        assert (gate.revision.number, gate.stack) == (1, "shop")
    assert stacks.told() == ["stack shop was written by ada: web, cart"]
    assert stacks.find_wrong() == []


def test_opening_a_variant_starts_nothing(stacks: StackStory) -> None:
    assert stacks.open("feature") == "feature"
    assert {name: one.revision.variants for name, one in stacks.gates().items()} == {
        "shop": {"feature": "main"},
        "cart-shop": {"feature": "feature--cart-shop"},
    }
    assert stacks.previews() == []
    assert stacks.told()[1:] == ["stack shop has opened feature by ada: cart at feature"]
    count = stacks.driven.registry.get_sample_value("prevs_stack_variants")
    assert count == 1
    stacks.close("feature")
    assert stacks.told()[2:] == ["stack shop has closed feature"]
    assert stacks.driven.count("prevs_stack_variants") == 0


def test_what_is_apart_starts_with_its_first_visit_and_all_else_is_shared(
    stacks: StackStory,
) -> None:
    stacks.open("feature")
    web, cart = stacks.run("web", "feature"), stacks.run("cart", "feature")
    assert (web.instance, web.labels) == ("", ("main",))
    assert (cart.instance, cart.labels) == ("feature--cart-shop", ("feature--cart-shop",))
    assert (cart.commit, cart.sha) == (FEATURE, names.instance_id(FEATURE, cart.instance))
    assert stacks.driven.placements(CART) == {cart.sha: ("feature--cart-shop",)}
    assert stacks.run("cart").sha == MAIN
    assert set(stacks.driven.placements(CART)) == {cart.sha, MAIN}


def test_what_runs_in_a_variant_calls_its_addresses_and_all_else_the_stacks_own(
    stacks: StackStory,
) -> None:
    stacks.open("feature")
    orders = [stacks.order(stacks.run(*where)) for where in (("cart", "feature"), ("cart",))]
    assert [(one.environment["WEB_URL"], one.environment["CART_URL"]) for one in orders] == [
        ("http://feature--shop.localhost:8080", "http://feature--cart-shop.localhost:8080"),
        ("http://shop.localhost:8080", "http://cart-shop.localhost:8080"),
    ]
    assert [(one.variant, one.sha, bool(one.instance)) for one in orders] == [
        ("feature", FEATURE, True),
        ("", MAIN, False),
    ]
    assert orders[0].url == "http://feature--cart-shop.localhost:8080/"
    # An app of no stack gets nothing.
    stacks.driven.commands.start(AUTH, MAIN, "main")
    auth = stacks.place(stacks.driven.preview(MAIN, AUTH))
    assert stacks.order(auth).environment == {}


def test_two_variants_of_one_commit_read_its_settings_once(stacks: StackStory) -> None:
    stacks.open("feature")
    stacks.open("other", cart="feature")
    stacks.driven.manifests.silent = True
    first, second = stacks.visit("cart", "feature"), stacks.visit("cart", "other")
    assert first.sha != second.sha
    assert [sha for _, sha in stacks.driven.manifests.requested] == [FEATURE]
    stacks.driven.manifests.silent = False
    stacks.driven.step()
    for one in (first, second):
        assert stacks.now(one).settings is not None


def test_a_moved_branch_is_served_by_the_old_instance_until_the_new_one_runs(
    stacks: StackStory,
) -> None:
    stacks.open("feature")
    old = stacks.run("cart", "feature")
    stacks.push(CART, feature=NEXT)
    new = stacks.instances()["feature--cart-shop"]
    assert (new.commit, new.state) == (NEXT, State.QUEUED)
    assert stacks.driven.placements(CART) == {old.sha: ("feature--cart-shop",)}
    stacks.driven.tick(6)
    assert stacks.now(old).state is State.RUNNING
    new = stacks.runs(stacks.place(new))
    # Nothing leads to the old one any more: it has no address of its own.
    stacks.driven.tick(6)
    assert stacks.driven.placements(CART) == {new.sha: ("feature--cart-shop",)}
    old = stacks.now(old)
    assert (old.state, old.reason) == (State.DRAINING, MOVED_ON.text)
    assert stacks.ended(old) is None
    assert stacks.find_wrong() == []


def test_a_branch_that_moves_twice_leaves_one_instance(stacks: StackStory) -> None:
    stacks.open("feature")
    first = stacks.run("cart", "feature")
    stacks.push(CART, feature=NEXT)
    second = stacks.place(stacks.instances()["feature--cart-shop"])
    stacks.push(CART, feature=FEATURE)
    stacks.driven.tick(6)
    assert stacks.now(first).labels == ("feature--cart-shop",)
    stacks.push(CART, feature="d" * 40)
    third = stacks.instances()["feature--cart-shop"]
    assert third.commit == "d" * 40
    stacks.driven.tick(6)
    assert stacks.now(second).state is State.DRAINING
    stacks.ended(second)
    stacks.runs(stacks.place(third))
    stacks.driven.tick(6)
    stacks.ended(first)
    assert [one.commit for one in stacks.previews()] == ["d" * 40]
    assert stacks.find_wrong() == []


@pytest.mark.parametrize("state", [State.QUEUED, State.PLACED, State.RUNNING, State.DRAINING])
def test_a_variant_that_is_closed_leaves_nothing(stacks: StackStory, state: State) -> None:
    shared = stacks.run("web")
    stacks.open("feature")
    cart = stacks.visit("cart", "feature")
    if state is not State.QUEUED:
        cart = stacks.place(cart)
    if state in (State.RUNNING, State.DRAINING):
        cart = stacks.runs(cart)
    if state is State.DRAINING:
        stacks.driven.stop(cart.sha, CART)
    assert stacks.now(cart).state is state
    stacks.close("feature")
    if state is State.QUEUED:
        stacks.driven.tick(6)
    else:
        assert (stacks.now(cart).state, stacks.now(cart).reason) == (State.DRAINING, CLOSED.text)
        assert stacks.ended(cart) is None
    assert stacks.previews() == [stacks.now(shared)]
    assert stacks.now(shared).state is State.RUNNING
    assert stacks.find_wrong() == []
    with pytest.raises(UnknownVariant, match="no open variant 'feature'"):
        stacks.close("feature")


def test_a_variant_that_is_opened_again_at_once_has_its_instance_again(stacks: StackStory) -> None:
    stacks.open("feature")
    cart = stacks.run("cart", "feature")
    stacks.close("feature")
    stacks.open("feature")
    assert stacks.visit("cart", "feature").starts_again
    stacks.ended(cart)
    assert stacks.now(cart).state is State.QUEUED
    assert stacks.runs(stacks.place(cart)).state is State.RUNNING
    assert stacks.find_wrong() == []


def test_a_failed_instance_goes_with_its_variant(stacks: StackStory) -> None:
    stacks.open("feature")
    cart = stacks.place(stacks.visit("cart", "feature"))
    stacks.driven.report("TASK_FAILED", Phase.BUILDING, task=cart.task_id)
    for _ in range(5):
        cart = stacks.now(cart)
        if cart.state is State.QUEUED:
            stacks.driven.tick(61)
            again = stacks.place(cart)
            stacks.driven.report("TASK_FAILED", Phase.BUILDING, task=again.task_id)
    assert stacks.now(cart).state is State.FAILED
    stacks.close("feature")
    assert stacks.previews() == []


def test_a_request_for_a_variant_that_was_closed_meanwhile_starts_nothing(
    stacks: StackStory,
) -> None:
    stacks.open("feature")
    stacks.close("feature")
    commands = stacks.driven.commands
    for app in (CART, WEB):
        with pytest.raises(UnknownVariant, match="stack 'shop' has no open variant 'feature'"):
            stacks.driven.call(
                lambda app=app: commands.start(  # type: ignore[misc] # the app of this turn
                    app, FEATURE, "feature--cart-shop", instance="feature--cart-shop"
                )
            )
    assert stacks.previews() == []


def test_an_instance_whose_member_gets_another_label_is_let_go_at_once(stacks: StackStory) -> None:
    stacks.heads[CART]["dev"] = NEXT
    stacks.open("mine", cart="feature")
    before = stacks.run("cart", "mine")
    # A commit's own label is in no fetch: nothing else would tell that the old one is over.
    stacks.open("mine", cart=NEXT[:7])
    assert stacks.now(before).state is State.DRAINING
    assert stacks.driven.placements(CART) == {}
    stacks.heads[CART][NEXT[:7]] = NEXT
    after = stacks.run("cart", "mine")
    assert after.commit == NEXT
    assert stacks.ended(before) is None
    # The same again changes nothing.
    stacks.open("mine", cart=NEXT[:7])
    assert stacks.now(after).state is State.RUNNING


def test_members_that_get_the_branch_later_move_to_it_without_a_pause(stacks: StackStory) -> None:
    stacks.open("feature", "web")
    web = stacks.run("web", "feature")
    assert web.commit == MAIN
    stacks.push(WEB, main=MAIN, feature=FEATURE)
    assert stacks.now(web).state is State.RUNNING
    new = stacks.instances()["feature--shop"]
    assert (new.commit, new.state) == (FEATURE, State.QUEUED)
    assert stacks.stack().variants["feature"].found == ("web", "cart")


def test_a_removed_stack_takes_all_with_it_but_what_is_shared(stacks: StackStory) -> None:
    shared = stacks.run("web")
    stacks.open("feature", "web")
    cart, web = stacks.run("cart", "feature"), stacks.run("web", "feature")
    stacks.remove()
    assert stacks.gates() == {}
    stacks.ended(cart)
    assert stacks.ended(web) is None
    assert stacks.previews() == [stacks.now(shared)]
    assert stacks.now(shared).state is State.RUNNING
    assert stacks.told()[-1] == "stack shop was removed"
    with pytest.raises(UnknownStack):
        stacks.remove()


def test_the_next_leader_removes_what_a_removed_stack_has_left(stacks: StackStory) -> None:
    stacks.open("feature")
    cart = stacks.run("cart", "feature")
    stacks.remove()
    later = stacks.take_over()
    assert later.ended(cart) is None
    assert later.find_wrong() == []


def test_a_member_of_another_app_ends_the_instances_of_the_former_one(stacks: StackStory) -> None:
    stacks.heads[AUTH]["feature"] = NEXT
    stacks.open("feature")
    cart = stacks.run("cart", "feature")
    number = stacks.gates()["cart-shop"].revision.number
    stacks.write({"web": WEB, "cart": AUTH})
    gate = stacks.gates()["cart-shop"]
    assert (gate.app, gate.revision.number) == (AUTH, number + 1)
    assert stacks.now(cart).state is State.DRAINING
    assert stacks.ended(cart) is None
    auth = stacks.run("cart", "feature")
    assert (auth.app, auth.commit) == (AUTH, NEXT)
    assert stacks.find_wrong() == []


def test_another_entry_moves_the_gates(stacks: StackStory) -> None:
    stacks.open("feature")
    cart = stacks.run("cart", "feature")
    number = stacks.gates()["shop"].revision.number
    stacks.write(entry="cart")
    assert {name: one.app for name, one in stacks.gates().items()} == {
        "shop": CART,
        "web-shop": WEB,
    }
    assert stacks.gates()["shop"].revision.number == number + 1
    assert stacks.ended(cart) is None
    assert stacks.run("cart", "feature").instance == "feature--shop"
    assert stacks.find_wrong() == []


def test_a_variant_goes_with_the_only_member_that_differs(stacks: StackStory) -> None:
    stacks.open("feature")
    stacks.open("mine", "web")
    cart = stacks.run("cart", "feature")
    stacks.write({"web": WEB})
    assert list(stacks.stack().variants) == ["mine"]
    assert stacks.ended(cart) is None
    assert set(stacks.gates()) == {"shop"}
    assert stacks.find_wrong() == []


def test_a_variant_goes_when_the_stack_is_at_its_labels(stacks: StackStory) -> None:
    stacks.open("feature")
    cart = stacks.run("cart", "feature")
    stacks.write(cart="feature")
    assert stacks.stack().variants == {}
    assert stacks.ended(cart) is None
    assert stacks.find_wrong() == []


def test_names_of_variants_fit_before_a_longer_gate(stacks: StackStory) -> None:
    long = "a-branch-with-a-long-name-that-still-fits-before-shop"
    stacks.heads[CART][long] = FEATURE
    first = stacks.open(long)
    web = {"web": WEB, "cart": CART}
    stacks.write({**web, "authentication": AUTH})
    (second,) = stacks.stack().variants
    assert second != first
    for gate in stacks.gates().values():
        for variant, label in gate.revision.variants.items():
            assert names.is_label(names.instance_label(variant, gate.name))
            assert names.is_label(label)
    stacks.open(long)
    assert list(stacks.stack().variants) == [second]
    stacks.write(web)
    assert list(stacks.stack().variants) == [first]
    assert stacks.find_wrong() == []


def test_stopping_a_variant_ends_all_of_its_own(stacks: StackStory) -> None:
    shared = stacks.run("web")
    stacks.open("feature", "web")
    stacks.open("other", "cart")
    cart, other = stacks.run("cart", "feature"), stacks.run("cart", "other")
    web = stacks.visit("web", "feature")
    stacks.commands.stop("shop", "feature")
    assert (stacks.now(cart).state, stacks.now(web).state) == (State.DRAINING, State.STOPPED)
    assert stacks.now(web).reason == STOPPED.text
    assert stacks.now(other).state is stacks.now(shared).state is State.RUNNING
    assert stacks.visit("web", "feature").state is State.QUEUED


def test_a_variant_is_pinned_as_one(stacks: StackStory) -> None:
    stacks.open("feature", "web")
    cart, web = stacks.run("cart", "feature"), stacks.run("web", "feature")
    stacks.pin("feature")
    assert stacks.now(cart).pinned
    assert stacks.now(web).pinned
    stacks.pin("feature", pinned=False)
    assert not stacks.now(cart).pinned
    assert not stacks.now(web).pinned
    stacks.pin("feature")
    stacks.push(CART, feature=NEXT)
    stacks.runs(stacks.place(stacks.instances()["feature--cart-shop"]))
    stacks.driven.tick(6)
    assert stacks.ended(cart) is None
    assert stacks.find_wrong() == []
