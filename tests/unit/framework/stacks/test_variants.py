"""Where each member is in a variant, and what somebody may open."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework.errors import InvalidSettings
from framework.stacks import variants
from framework.stacks.errors import NothingToOpen, TooManyVariants
from framework.stacks.variants import MOST_VARIANTS, MemberAt, WrittenVariant
from prevs import names
from prevs.stacks import Member, StackRecord, Variant

SHOP = StackRecord(
    "shop",
    "web",
    {
        "web": Member("front", "main"),
        "cart": Member("basket", "main"),
        "auth": Member("login", "v1"),
    },
)
members = st.sampled_from(list(SHOP.members))
labels = st.sampled_from(["main", "dev", "v1", "feature"])
known = st.builds(
    Variant,
    ref=st.sampled_from(["", "feature", "feature/x"]),
    found=st.lists(members, unique=True).map(tuple),
    chosen=st.dictionaries(members, labels),
    own=st.lists(members, unique=True).map(tuple),
)


def test_members_are_at_the_branch_or_at_what_is_chosen_or_as_usual() -> None:
    variant = Variant("feature/x", ("web", "auth"), {"auth": "v2"}, ("cart",))
    slug = names.slug("feature/x")
    assert variants.list_members(SHOP, "x", variant) == [
        MemberAt("web", "front", slug, "x--shop"),
        MemberAt("cart", "basket", "main", "x--cart-shop"),
        MemberAt("auth", "login", "v2", "x--auth-shop"),
    ]
    shared = variants.list_members(SHOP, "x", Variant())
    assert [(one.source, one.instance, one.lead) for one in shared] == [
        ("main", "", "main"),
        ("main", "", "main"),
        ("v1", "", "v1"),
    ]


@given(known)
def test_what_is_apart_is_what_differs_or_is_its_own(variant: Variant) -> None:
    found = variants.list_members(SHOP, "x", variant)
    assert [one.member for one in found] == list(SHOP.members)
    for one in found:
        usual = SHOP.members[one.member]
        assert one.app == usual.app
        assert bool(one.instance) == (one.source != usual.label or one.member in variant.own)
        if one.member in variant.chosen:
            assert one.source == variant.chosen[one.member]
        elif one.member in variant.found:
            assert one.source == names.slug(variant.ref)
        else:
            assert one.source == usual.label
    apart = variants.list_instances(SHOP, "x", variant)
    assert list(apart) == [one for one in found if one.instance]


def test_opening_one_keeps_the_others_and_what_was_said_about_it() -> None:
    first = variants.open_variant(SHOP, WrittenVariant("feature"), ["web"], now=1.0, by="ada")
    assert first.variants == {"feature": Variant("feature", ("web",), opened=1.0, by="ada")}
    pinned = variants.pin(first, "feature", pinned=True)
    written = WrittenVariant("feature", {"auth": "v2"}, ["cart", "web"])
    again = variants.open_variant(pinned, written, ["cart", "web"], now=2.0, by="eve")
    assert again.variants == {
        "feature": Variant(
            "feature", ("web", "cart"), {"auth": "v2"}, ("web", "cart"), True, 1.0, "eve"
        )
    }
    other = variants.open_variant(again, WrittenVariant("Not/A label"), ["web"], now=3.0, by="x")
    assert list(other.variants) == ["feature", names.slug("Not/A label")]
    assert variants.close(other, "feature").variants.keys() == {names.slug("Not/A label")}


def test_without_a_branch_it_is_only_a_name() -> None:
    opened = variants.open_variant(SHOP, WrittenVariant("demo", {}, ["web"]), [], now=1.0, by="ada")
    assert opened.variants["demo"].ref == ""


@pytest.mark.parametrize(
    "written",
    [
        WrittenVariant("main"),
        WrittenVariant("none"),
        WrittenVariant("x", {"web": "main", "auth": "v1"}),
    ],
)
def test_there_must_be_a_difference(written: WrittenVariant) -> None:
    found = ["web", "cart"] if written.ref == "main" else []
    with pytest.raises(NothingToOpen, match="--at MEMBER=LABEL"):
        variants.open_variant(SHOP, written, found, now=1.0, by="ada")


@pytest.mark.parametrize(
    ("written", "field", "why"),
    [
        (WrittenVariant(""), "ref", "name of a branch"),
        (WrittenVariant("x" * 201), "ref", "name of a branch"),
        (WrittenVariant("a\nb"), "ref", "name of a branch"),
        (WrittenVariant("x", {"pay": "main"}), "labels.pay", "The members are web, cart, auth."),
        (WrittenVariant("x", {"web": "No label"}), "labels.web", "must be a label"),
        (WrittenVariant("x", {}, ["pay"]), "own", "no member"),
    ],
)
def test_mistakes_are_told(written: WrittenVariant, field: str, why: str) -> None:
    with pytest.raises(InvalidSettings) as raised:
        variants.open_variant(SHOP, written, ["web"], now=1.0, by="ada")
    ((found, text),) = raised.value.problems
    assert (found, why in text) == (field, True)


def test_there_are_as_many_as_there_may_be() -> None:
    stack = SHOP
    for number in range(MOST_VARIANTS):
        written = WrittenVariant(f"v{number}", {}, ["web"])
        stack = variants.open_variant(stack, written, [], now=1.0, by="ada")
    with pytest.raises(TooManyVariants, match="prevs stack show shop"):
        variants.open_variant(stack, WrittenVariant("x", {}, ["web"]), [], now=1.0, by="ada")
    again = WrittenVariant("v1", {}, ["cart"])
    opened = variants.open_variant(stack, again, [], now=2.0, by="ada")
    assert opened.variants["v1"].own == ("cart",)
