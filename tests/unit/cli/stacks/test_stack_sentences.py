"""What is said of stacks and variants, and which variant a name means."""

from collections.abc import Sequence
from typing import Any, cast

import pytest

from cli.client.generated.records import Stack, StackVariant, VariantMember
from cli.stacks import stack_sentences as sentences
from cli.stacks.variant_names import find_name
from prevs import names

SLUG = names.slug("feature/x")


def member(name: str, label: str = "main", **changes: Any) -> VariantMember:
    known: dict[str, Any] = {"member": name, "app": name, "label": label, "url": "http://x/"}
    nothing = {"sha": None, "commit": None, "state": None, "reason": "", "queue_place": None}
    return cast(VariantMember, {"apart": False, **known, **nothing, **changes})


def variant(*members: VariantMember, **changes: Any) -> StackVariant:
    known = {"stack": "shop", "name": SLUG, "ref": "feature/x", "own": [], "behind": 0}
    return cast(StackVariant, {**known, "members": members, **changes})


def stack(*gates: str, variants: Sequence[StackVariant] = ()) -> Stack:
    return cast(Stack, {"members": [{"gate": gate} for gate in gates], "variants": variants})


CART = member("cart", SLUG, apart=True)
OWN = member("web", apart=True)


@pytest.mark.parametrize(
    ("members", "own", "said"),
    [
        ([member("web"), CART], [], "cart is at feature/x; the other member is as usual."),
        ([OWN, CART], ["web"], "web has an instance of its own at main and cart is at feature/x; "),
        ([member("a"), member("b"), CART], [], "the other 2 members are as usual."),
        ([member("web")], [], "All members are as usual."),
    ],
)
def test_it_is_said_which_members_are_apart(
    members: list[VariantMember], own: list[str], said: str
) -> None:
    assert said in sentences.describe_places(variant(*members, own=own))


def test_a_label_that_somebody_chose_stays_as_it_is() -> None:
    other = member("cart", "v2", apart=True)
    assert sentences.apart(variant(member("web"), other)) == "cart at v2: not started"


def test_a_member_says_why_it_waits() -> None:
    waits = member("cart", state="queued", reason="No agent has room.", queue_place=2)
    assert sentences.reason(waits) == "2nd in the queue: No agent has room."
    assert sentences.reason(member("cart")) == ""


@pytest.mark.parametrize(
    ("behind", "said"), [(None, "not asked yet"), (0, ""), (2, "2 proxies do not know it yet")]
)
def test_proxies_may_not_know_a_variant_yet(behind: int | None, said: str) -> None:
    assert sentences.proxies(variant(behind=behind)) == said


def test_a_variant_is_named_by_its_branch_or_its_name() -> None:
    opened = stack("shop", "cart-shop", variants=[variant()])
    assert find_name(opened, "feature/x") == SLUG
    assert find_name(opened, SLUG) == SLUG
    assert find_name(opened, "other/y") == names.slug("other/y")


def test_a_long_name_is_cut_as_the_framework_cuts_it() -> None:
    long = "a" * 60
    assert find_name(stack("shop", "cart-shop"), long) == names.variant_name(long, "cart-shop")


def test_a_variant_keeps_its_name_when_the_stack_gets_longer_gates() -> None:
    long = "a" * 50
    opened = variant(name=names.variant_name(long, "cart-shop"), ref=long)
    assert (
        find_name(stack("shop", "a-longer-member-shop", variants=[opened]), long)
        == (opened["name"])
    )
