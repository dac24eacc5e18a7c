"""The gates that follow from a stack: where they lead, and which of them are written anew."""

import dataclasses

from hypothesis import given
from hypothesis import strategies as st

from framework.stacks import member_gates, variants
from prevs import gate_rules
from prevs.gate_rules import Choice, Request
from prevs.gates import GateRecord, Revision, Rule, Target
from prevs.stacks import Member, StackRecord, Variant

SHOP = StackRecord(
    "shop",
    "web",
    {"web": Member("front", "main"), "cart": Member("basket", "v1")},
    {"x": Variant("x", ("cart",)), "all": Variant("", (), own=("web", "cart"))},
    by="ada",
)
members = st.sampled_from(["web", "cart", "auth"])
labels = st.sampled_from(["main", "dev"])
stacks = st.builds(
    StackRecord,
    name=st.just("shop"),
    entry=st.just("web"),
    members=st.dictionaries(members, st.builds(Member, st.just("front"), labels)).map(
        lambda some: {"web": Member("front", "main"), **some}
    ),
    variants=st.dictionaries(
        st.sampled_from(["x", "y", "z"]),
        st.builds(
            Variant,
            ref=st.just("dev"),
            found=st.lists(members, unique=True).map(tuple),
            own=st.lists(members, unique=True).map(tuple),
        ),
        max_size=3,
    ),
)


def gates_of(
    stack: StackRecord, known: dict[str, GateRecord] | None = None, now: float = 5.0
) -> dict[str, GateRecord]:
    return {one.name: one for one in member_gates.list_gates(stack, known or {}, now)}


def test_each_leads_to_the_usual_label_and_to_that_of_each_variant() -> None:
    assert gates_of(SHOP) == {
        "shop": GateRecord(
            "shop",
            "front",
            Revision(
                1,
                (Rule("/", (Target("main"),)),),
                changed=5.0,
                by="ada",
                variants={"x": "main", "all": "all--shop"},
            ),
            created=5.0,
            last_number=1,
            stack="shop",
        ),
        "cart-shop": GateRecord(
            "cart-shop",
            "basket",
            Revision(
                1,
                (Rule("/", (Target("v1"),)),),
                changed=5.0,
                by="ada",
                variants={"x": "x--cart-shop", "all": "all--cart-shop"},
            ),
            created=5.0,
            last_number=1,
            stack="shop",
        ),
    }


def test_a_gate_that_leads_there_already_stays_as_it_is() -> None:
    known = gates_of(SHOP)
    pinned = variants.pin(dataclasses.replace(SHOP, by="eve", changed=9.0), "x", pinned=True)
    assert gates_of(pinned, known, now=9.0) == known


def test_only_the_gates_that_change_have_another_revision() -> None:
    known = gates_of(SHOP)
    usual = {"web": SHOP.members["web"], "cart": Member("basket", "v2")}
    found = gates_of(dataclasses.replace(SHOP, members=usual), known, now=9.0)
    assert found["shop"] is known["shop"]
    assert (found["cart-shop"].revision.number, found["cart-shop"].last_number) == (2, 2)
    assert (found["cart-shop"].created, found["cart-shop"].revision.changed) == (5.0, 9.0)


def test_a_name_that_another_gate_had_goes_on_with_its_numbers() -> None:
    known = gates_of(SHOP)
    entry = dataclasses.replace(SHOP, entry="cart")
    found = gates_of(entry, known)
    assert {name: one.app for name, one in found.items()} == {"web-shop": "front", "shop": "basket"}
    assert (found["shop"].revision.number, found["web-shop"].revision.number) == (2, 1)


@given(stacks)
def test_a_request_goes_where_its_variant_says(stack: StackRecord) -> None:
    found = gates_of(stack)
    assert gates_of(stack, found, now=9.0) == found
    for name in (*stack.variants, ""):
        variant = stack.variants.get(name, Variant())
        for at in variants.list_members(stack, name, variant):
            revision = found[stack.gate(at.member)].revision
            choice = gate_rules.choose(revision, Request("GET", "/", variant=name))
            assert isinstance(choice, Choice)
            assert choice.label == at.lead
            by_header = Request("GET", "/", {gate_rules.STACK_HEADER: name})
            # At a variant's own address no header decides, so there is nothing to vary by.
            assert gate_rules.choose(revision, by_header)._replace(vary=choice.vary) == choice
