"""What is told of stacks."""

import dataclasses

from framework.stacks import stack_changes
from prevs.stacks import Member, StackRecord, Variant

SHOP = StackRecord(
    "shop",
    "web",
    {"web": Member("front", "main"), "cart": Member("basket", "main")},
    {"x": Variant("x", ("cart",), by="ada")},
    by="ada",
)


def tell(before: StackRecord | None, now: StackRecord) -> list[str]:
    found = list(stack_changes.describe([(before, now)], []))
    assert {(app, name) for app, _, name in found} <= {("front", "shop")}
    return [sentence for _, sentence, _ in found]


def test_a_new_stack_and_its_variants_are_told() -> None:
    assert tell(None, SHOP) == [
        "stack shop was written by ada: web, cart",
        "stack shop has opened x by ada: cart at x",
    ]


def test_each_change_of_variants_is_told_once() -> None:
    own = {"y": Variant("", own=("web",)), "z": Variant("z", ("web", "cart"), by="eve")}
    assert tell(SHOP, dataclasses.replace(SHOP, variants=own)) == [
        "stack shop has closed x",
        "stack shop has opened y: web at main",
        "stack shop has opened z by eve: web at z, cart at z",
    ]
    changed = {"x": Variant("x", ("web", "cart"))}
    assert tell(SHOP, dataclasses.replace(SHOP, variants=changed)) == [
        "stack shop has changed x: web at x, cart at x"
    ]
    kept = {"x": Variant("x", (), {"cart": "main"})}
    assert tell(SHOP, dataclasses.replace(SHOP, variants=kept)) == [
        "stack shop has changed x: all members as usual"
    ]


def test_what_changes_nothing_for_visitors_is_not_told() -> None:
    pinned = {"x": dataclasses.replace(SHOP.variants["x"], pinned=True, by="eve")}
    assert tell(SHOP, dataclasses.replace(SHOP, variants=pinned, changed=9.0)) == []


def test_other_members_and_the_end_are_told() -> None:
    members = {"cart": Member("basket", "main")}
    changed = dataclasses.replace(SHOP, members=members, entry="cart", by="")
    assert [one for _, one, _ in stack_changes.describe([(SHOP, changed)], [SHOP])] == [
        "stack shop was removed",
        "stack shop was written: cart",
    ]
