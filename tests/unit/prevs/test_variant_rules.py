"""Which variant of a stack a request to a gate means, and where it leads."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prevs.gate_rules import (
    Choice,
    Refusal,
    Request,
    Step,
    choose,
    find_variant,
    list_vary,
    read_baggage,
)
from prevs.gates import Condition, ConditionKind, Override, Revision, Rule, Target

OPEN = {"feature-x": "feature-x--cart-shop", "feature-y": "main"}
RULES = (
    Rule("/", (Target("main"),)),
    Rule("/", (Target("v2"),), Condition(ConditionKind.HEADER, "2", "x-version")),
)
SHOP = Revision(1, RULES, variants=OPEN)
NAMES = st.sampled_from(["", "feature-x", "feature-y", "gone"])


def ask(variant: str = "", header: str = "", baggage: str = "", **more: str) -> Request:
    """Return a request that names a variant by its address and by headers, "" for not."""
    named = {"x-prevs-stack": header, "baggage": baggage and f"prevs-stack={baggage}", **more}
    headers = {name: value for name, value in named.items() if value}
    return Request("GET", "/", headers, variant=variant)


@pytest.mark.parametrize(
    ("request_", "variant"),
    [
        (ask(), ""),
        (ask("feature-x"), "feature-x"),
        (ask(header="feature-x"), "feature-x"),
        (ask(baggage="feature-x"), "feature-x"),
        # The address says more than a header that was passed on.
        (ask("feature-x", "feature-y", "feature-y"), "feature-x"),
        (ask("", "feature-x", "feature-y"), "feature-x"),
        # One that is not open is another stack's, and hides nothing.
        (ask("", "gone"), ""),
        (ask("", "gone", "feature-y"), "feature-y"),
        (ask("gone", "", "feature-y"), "feature-y"),
        (ask(header="Feature-X"), ""),
    ],
)
def test_the_variant_is_that_of_the_address_the_header_or_the_baggage(
    request_: Request, variant: str
) -> None:
    assert find_variant(SHOP, request_) == variant


@pytest.mark.parametrize(
    ("header", "variant"),
    [
        ("prevs-stack=feature-x", "feature-x"),
        ("user=7,prevs-stack=feature-x", "feature-x"),
        ("prevs-stack=feature-x;ttl=1;hop", "feature-x"),
        ("prevs-stack=feature-x, user=7", "feature-x"),
        ("user=7;prevs-stack=feature-x", ""),
        ("prevs-stack=feature-x,prevs-stack=feature-y", "feature-y"),
        ("prevs-stack=", ""),
        ("prevs-stack", ""),
        ("xprevs-stack=feature-x", ""),
        ("PREVS-STACK=feature-x", ""),
        ("", ""),
    ],
)
def test_baggage_names_a_variant_as_an_entry_of_its_own(header: str, variant: str) -> None:
    assert read_baggage(header) == variant


@given(st.text())
def test_any_baggage_is_read(header: str) -> None:
    found = read_baggage(header)
    assert not set(found) & set(",;")
    assert read_baggage(f"{header},prevs-stack=feature-x") == "feature-x"


def test_a_variant_leads_before_every_rule_and_override() -> None:
    revision = Revision(1, RULES, override=(Override.HEADER,), variants=OPEN)
    request = ask("feature-x", **{"x-version": "2", "x-prevs-ref": "v7"})
    found = choose(revision, request)
    assert isinstance(found, Choice)
    assert found == ("feature-x--cart-shop", Step.VARIANT, None, found.vary, "feature-x")
    other = choose(revision, ask("gone", **{"x-version": "2"}))
    assert isinstance(other, Choice)
    assert other[:3] == ("v2", Step.CONDITION, 1)
    assert other.variant == ""


@pytest.mark.parametrize("revision", [SHOP, Revision(1, (), variants=OPEN)])
@given(address=NAMES, header=NAMES, baggage=NAMES)
def test_an_open_variant_leads_to_its_label_wherever_it_is_named(
    revision: Revision, address: str, header: str, baggage: str
) -> None:
    request = ask(address, header, baggage)
    found = choose(revision, request)
    variant = find_variant(revision, request)
    if variant:
        assert isinstance(found, Choice)
        assert (found.label, found.step) == (OPEN[variant], Step.VARIANT)
    else:
        assert not {address, header, baggage} & OPEN.keys()
        assert isinstance(found, Refusal) or found.step is Step.DEFAULT


def test_answers_depend_on_the_headers_while_a_variant_is_open() -> None:
    assert list_vary(SHOP, "/") == ("baggage", "x-prevs-stack", "x-version")
    assert list_vary(SHOP, None) == ("baggage", "x-prevs-stack")
    assert list_vary(Revision(1, RULES), "/") == ("x-version",)
    canary = (Rule("/", (Target("main", 9000), Target("v2", 1000))),)
    assert list_vary(Revision(1, canary, variants=OPEN), "/") == ("*",)
