"""The names of variants, and of what runs in them: valid where used, told apart, and read back."""

import dataclasses

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from prevs import names
from prevs.stacks import Member, StackRecord, order_members
from tests.unit.prevs.test_names import ANY, APPS, DOMAINS, LABELS, REFS, SHAS, is_dns_label

# A gate of a stack is named like an app, of 40 characters at most.
GATES = APPS
LONGEST = "a" * 40
NAMED = st.tuples(ANY | REFS, GATES).map(lambda one: (names.variant_name(*one), one[1]))


@given(ANY | REFS | SHAS, GATES)
@example("", LONGEST)
@example("feature/" + "x" * 200, LONGEST)
@example("-".join("a" * 32), LONGEST)
def test_a_variant_of_any_ref_has_an_address_at_every_gate(ref: str, gate: str) -> None:
    label = names.instance_label(names.variant_name(ref, gate), gate)
    assert is_dns_label(label)
    assert names.split_instance(label) == (names.variant_name(ref, gate), gate)


@given(REFS, REFS, GATES)
@example("feature/a", "feature-a", LONGEST)
@example("a" * 62 + "b", "a" * 62 + "c", LONGEST)
def test_variants_of_two_refs_have_two_names(one: str, other: str, gate: str) -> None:
    assume(one != other)
    assert names.variant_name(one, gate) != names.variant_name(other, gate)


def test_the_name_of_a_variant_never_changes() -> None:
    """It is in people's bookmarks, and a branch finds its variant by it."""
    assert names.variant_name("main", "shop") == "main"
    assert names.variant_name("feature/dark", "cart-shop") == "feature-dark-0bef4359"
    assert names.variant_name("feature/dark", LONGEST) == "feature-dark-0bef4359"
    assert names.variant_name("a-very-long-branch", "a" * 45) == "a-very-931f2ca8"


@given(NAMED, DOMAINS)
def test_the_address_of_a_variant_is_read_back(named: tuple[str, str], domain: str) -> None:
    """A client sends the flat form; HAProxy looks up the other one."""
    sent = f"{names.instance_label(*named)}.{domain}"
    assert names.split_host(sent, domain) == named
    assert names.find_landing(sent, domain) == "", "it is no page of an app"


@pytest.mark.parametrize("form", ["http://{label}.{app}.a.org/", "http://{label}--{app}.a.org/"])
def test_the_address_of_a_variant_has_one_level_in_both_forms(form: str) -> None:
    url = names.Addresses(form).gate_url(names.instance_label("feature-x", "cart-shop"))
    assert url == "http://feature-x--cart-shop.a.org/"


@given(NAMED, NAMED)
@example(("a", "b-c"), ("a-b", "c"))
@example(("a--b", "c"), ("a", "c"))
def test_two_instances_have_two_labels(one: tuple[str, str], other: tuple[str, str]) -> None:
    assume(one != other)
    assert names.instance_label(*one) != names.instance_label(*other)


@given(LABELS)
@example("main")
@example("a-b")
def test_a_label_without_two_hyphens_in_a_row_is_of_no_variant(label: str) -> None:
    assume("--" not in label)
    assert names.split_instance(label) == ("", label)


@given(SHAS, NAMED, SHAS, NAMED)
def test_the_id_of_an_instance_looks_like_a_commit_and_is_its_own(
    commit: str, named: tuple[str, str], other_commit: str, other: tuple[str, str]
) -> None:
    found = names.instance_id(commit, names.instance_label(*named))
    assert names.is_sha(found)
    assert found != commit
    assume((commit, named) != (other_commit, other))
    assert found != names.instance_id(other_commit, names.instance_label(*other))


def test_the_id_of_an_instance_never_changes() -> None:
    """Its volumes are named by it, and its placement is found by it."""
    found = names.instance_id("5c80e7d" + "0" * 33, "feature-x--shop")
    assert found == "f6290d8bac52c798a8f132ad843c4452308a9f29"


SHOP = StackRecord("shop", "web", {"web": Member("pages", "main"), "cart": Member("carts", "v1")})


def test_members_are_in_one_order_before_and_after_a_restart() -> None:
    """The entry, then by name: JSON objects have no order."""
    members = {name: Member(name, "main") for name in ("mail", "web", "cart")}
    stored = dataclasses.replace(SHOP, members=members).encode()
    assert list(StackRecord.decode(stored).members) == ["web", "cart", "mail"]
    assert list(order_members("web", members)) == ["web", "cart", "mail"]


def test_the_gate_of_the_entry_is_named_like_the_stack() -> None:
    assert [SHOP.gate(member) for member in SHOP.members] == ["shop", "cart-shop"]
    assert [SHOP.instance("x", member) for member in SHOP.members] == ["x--shop", "x--cart-shop"]
    swapped = dataclasses.replace(SHOP, entry="cart")
    assert [swapped.gate(member) for member in SHOP.members] == ["web-shop", "shop"]
