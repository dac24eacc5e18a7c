"""Which variants of stacks have an app at the head of a pull request."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import pytest

from framework.stacks import pull_variants
from framework.stacks.pull_variants import EnteredVariant
from framework.state.snapshot import Snapshot
from prevs import names
from prevs.pulls import PullRecord
from prevs.stacks import Member, StackRecord, Variant

A = "a" * 40
BRANCH = names.slug("feature/x")
PULL = PullRecord("web", 7, A, "merge-requests/7/head", is_fork=False, branch="feature/x")
SHOP = StackRecord("shop", "cart", {app: Member(app, "main") for app in ("web", "cart")})
FOLLOWS = Variant(ref="feature/x", found=("web",))


def list_open(pull: PullRecord = PULL, **opened: Variant) -> list[str]:
    stack = dataclasses.replace(SHOP, variants=opened)
    return [one.name for one in find([stack], pull)]


def find(stacks: list[StackRecord], pull: PullRecord = PULL) -> Sequence[EnteredVariant]:
    known = pull_variants.list_variants_at(stacks)
    return Snapshot({}, {}, variants_at=known).list_pull_variants(pull)


@pytest.mark.parametrize(
    ("variant", "is_at"),
    [
        (FOLLOWS, True),
        (Variant(chosen={"web": BRANCH}), True),
        (Variant(chosen={"web": "pr-7"}), True),
        (Variant(chosen={"web": "mr-7"}), True),
        (Variant(ref="feature/x", found=("cart",)), False),
        (Variant(ref="feature/x", found=("web",), chosen={"web": "v2"}), False),
        (Variant(own=("web",)), False),
        (Variant(chosen={"cart": BRANCH}), False),
        (Variant(chosen={"web": A}), False),
    ],
    ids=str,
)
def test_a_variant_counts_if_it_has_the_app_at_the_branch_or_the_label(
    variant: Variant, is_at: bool
) -> None:
    assert list_open(one=variant) == (["one"] if is_at else [])
    assert list_open(dataclasses.replace(PULL, is_fork=True), one=variant) == []


def test_one_whose_usual_label_is_the_branch_does_not_count() -> None:
    members = {"web": Member("web", BRANCH), "cart": Member("cart", "main")}
    variants = {"one": Variant(own=("web",), chosen={"cart": "v2"})}
    assert find([StackRecord("shop", "cart", members, variants)]) == ()


def test_all_of_them_are_listed_each_once_with_the_address_at_the_entry() -> None:
    both = StackRecord("admin", "a", {one: Member("web", "main") for one in ("a", "b")})
    both = dataclasses.replace(both, variants={"x": Variant(chosen={"a": BRANCH, "b": "pr-7"})})
    shop = dataclasses.replace(SHOP, variants={"z": FOLLOWS, "y": FOLLOWS})
    assert find([shop, both]) == (
        EnteredVariant("admin", "x", "x--admin"),
        EnteredVariant("shop", "y", "y--shop"),
        EnteredVariant("shop", "z", "z--shop"),
    )


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({}, [EnteredVariant("shop", BRANCH, f"{BRANCH}--shop")]),
        ({"branch": "main"}, []),
        ({"branch": ""}, []),
        ({"is_fork": True}, []),
        ({"app": "pay"}, []),
    ],
    ids=str,
)
def test_those_that_will_open_are_known_before(
    changes: dict[str, Any], found: list[EnteredVariant]
) -> None:
    pull = dataclasses.replace(PULL, **changes)
    assert list(pull_variants.list_following([SHOP], pull)) == found
