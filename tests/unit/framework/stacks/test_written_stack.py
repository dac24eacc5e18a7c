"""A stack as people write it: what is wrong with it, and the record that it makes."""

import re
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework.errors import InvalidSettings
from framework.stacks import written_stack
from framework.stacks.written_stack import LONGEST_NAME, MOST_MEMBERS, Neighbours, WrittenStack
from prevs import names
from prevs.stacks import Member, StackRecord, Variant

NOW = 1_795_860_000.5
APPS = ("front", "basket", "login")
AROUND = Neighbours(APPS, {"api": "", "mall": "mall", "mall-x": "mall", "shop": "shop"})
MEMBERS: Mapping[str, str] = {"web": "front", "cart": "basket"}

aliases = st.text("ab1-", max_size=LONGEST_NAME - 1).map(
    lambda text: re.sub("-+", "-", f"m{text}").rstrip("-")
)


def write(
    members: Mapping[str, str] = MEMBERS,
    entry: str = "web",
    name: str = "shop",
    before: StackRecord | None = None,
    **labels: str,
) -> StackRecord:
    written = WrittenStack(
        entry,
        {one: Member(app, labels.get(one, "main")) for one, app in members.items()},
    )
    return written_stack.check(name, written, AROUND, now=NOW, by="ada", before=before)


def find_wrong(*args: Any, **more: Any) -> tuple[str, str]:
    with pytest.raises(InvalidSettings) as raised:
        write(*args, **more)
    (problem,) = raised.value.problems
    return problem


def test_what_is_written_is_what_is_stored() -> None:
    assert write(cart="dev") == StackRecord(
        name="shop",
        entry="web",
        members={"web": Member("front", "main"), "cart": Member("basket", "dev")},
        created=NOW,
        changed=NOW,
        by="ada",
    )


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("", "must be 1 to 19 of a-z, 0-9 and -"),
        ("Shop", "must be 1 to 19"),
        ("1shop", "a letter first"),
        ("sh--op", "no -- within"),
        ("shop-", "no - last"),
        ("s" * (LONGEST_NAME + 1), "must be 1 to 19"),
    ],
)
def test_names_of_stacks_and_members_are_parts_of_addresses(name: str, why: str) -> None:
    with pytest.raises(InvalidSettings) as raised:
        write(name=name)
    assert any(field == "name" and why in text for field, text in raised.value.problems)
    with pytest.raises(InvalidSettings) as raised:
        write({"web": "front", name: "basket"})
    assert any(field == f"members.{name}" and why in text for field, text in raised.value.problems)


@pytest.mark.parametrize(
    ("name", "members", "field", "why"),
    [
        ("sign-in", {"web": "front"}, "name", "which is prevs's own"),
        ("hooks", {"web": "front"}, "name", "which is prevs's own"),
        ("basket", {"web": "front"}, "name", "that of the app's branches: main--basket"),
        ("api", {"web": "front"}, "name", "which a gate of that name has"),
        ("mall", {"web": "front"}, "name", "which the stack mall has"),
    ],
)
def test_no_address_is_given_twice(
    name: str, members: Mapping[str, str], field: str, why: str
) -> None:
    other = "another" if name == "mall" else name
    around = AROUND if name != "mall" else Neighbours(APPS, {"another": "mall"})
    written = WrittenStack("web", {one: Member(app, "main") for one, app in members.items()})
    with pytest.raises(InvalidSettings) as raised:
        written_stack.check(other, written, around, now=NOW, by="ada")
    ((found, text),) = raised.value.problems
    assert (found, why in text) == (field, True)


def test_the_gate_of_a_member_is_no_app_either() -> None:
    around = Neighbours(("front", "cart-shop"), {})
    members = {"web": Member("front", "main"), "cart": Member("cart-shop", "main")}
    with pytest.raises(InvalidSettings, match="main--cart-shop"):
        written_stack.check("shop", WrittenStack("web", members), around, now=NOW, by="ada")


def test_a_member_has_an_app_and_a_label() -> None:
    assert find_wrong({"web": "front", "cart": "gone"}) == (
        "members.cart.app",
        "is no app: 'gone'. `prevs app ls` lists them.",
    )
    assert find_wrong(cart="Not a label") == (
        "members.cart.label",
        "must be a label, as in an address: main",
    )


@pytest.mark.parametrize("alias", ["prevs", "prevs-api"])
def test_a_member_has_no_variable_of_prevs_itself(alias: str) -> None:
    field, why = find_wrong({"web": "front", alias: "basket"})
    assert field == f"members.{alias}"
    assert "which prevs sets itself" in why
    assert "PREVS_" in why


def test_the_entry_is_a_member_and_there_are_not_too_many() -> None:
    assert find_wrong(entry="other")[0] == "entry"
    many = {f"m{number}": "front" for number in range(MOST_MEMBERS + 1)}
    assert find_wrong(many, "m0") == ("members", "must be 1 to 20, not 21")
    with pytest.raises(InvalidSettings) as raised:
        write({}, "web")
    assert [field for field, _ in raised.value.problems] == ["members", "entry"]


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(InvalidSettings) as raised:
        write({"web": "gone", "Cart": "basket"}, "other", "Shop")
    assert {field for field, _ in raised.value.problems} == {
        "name",
        "entry",
        "members.web.app",
        "members.Cart",
    }


def before(**variants: Variant) -> StackRecord:
    return StackRecord(
        "shop",
        "web",
        {"web": Member("front", "main"), "cart": Member("basket", "main")},
        variants,
        created=1.0,
        by="eve",
    )


def test_variants_stay_with_what_they_say_of_the_members_that_stay() -> None:
    variant = Variant("x", ("web", "cart"), {"cart": "dev"}, ("web", "cart"), opened=5.0)
    record = write({"web": "front"}, before=before(x=variant))
    assert record.variants == {"x": Variant("x", ("web",), {}, ("web",), opened=5.0)}
    assert (record.created, record.changed, record.by) == (1.0, NOW, "ada")


@pytest.mark.parametrize(
    ("variant", "stays"),
    [
        (Variant("x", ("cart",)), False),  # its last branch went with the member
        (Variant("x", ("cart",), own=("web",)), False),
        (Variant("x", ("cart",), {"web": "dev"}), True),
        (Variant("", (), {"cart": "dev"}), False),  # it would be the stack as it is
        (Variant("", (), own=("web",)), True),
        (Variant("x", ("web", "cart")), True),
    ],
)
def test_a_variant_goes_with_all_that_was_apart_in_it(variant: Variant, stays: bool) -> None:
    assert ("x" in write({"web": "front"}, before=before(x=variant)).variants) is stays


@given(
    aliases,
    st.lists(aliases, min_size=1, max_size=5, unique=True),
    st.lists(aliases, min_size=1, max_size=5, unique=True),
    st.lists(st.text(min_size=1, max_size=200), min_size=1, max_size=4),
)
def test_all_names_of_a_stack_are_names_of_hosts_whatever_it_becomes(
    name: str, first: list[str], second: list[str], refs: list[str]
) -> None:
    around = Neighbours(("front",), {})
    written = [
        WrittenStack(some[0], {one: Member("front", "main") for one in some})
        for some in (first, second)
    ]
    stack = written_stack.check(name, written[0], around, now=1.0, by="ada")
    for ref in refs:
        variant = Variant("", (), {one: "dev" for one in (*first, *second) if one in first})
        known = {names.variant_name(ref, max(map(stack.gate, stack.members), key=len)): variant}
        stack = StackRecord(
            name, stack.entry, stack.members, {**stack.variants, **known}, stack.created
        )
    after = written_stack.check(name, written[1], around, now=2.0, by="ada", before=stack)
    for one in (stack, after):
        gates = [one.gate(member) for member in one.members]
        assert len(gates) == len(set(gates))
        assert all(map(names.is_app_name, gates))
        for variant_name in one.variants:
            for member in one.members:
                label = one.instance(variant_name, member)
                assert names.is_label(label)
                assert names.split_instance(label) == (variant_name, one.gate(member))
    again = written_stack.check(name, written[1], around, now=3.0, by="ada", before=after)
    assert again.variants == after.variants
