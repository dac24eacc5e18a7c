import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework import access
from framework.access import Identity, Scope
from prevs.records import TokenRecord

OPERATOR = "what the operator has"
DEPLOYS = TokenRecord("deploys", access.digest("prevs_use_one"), "use")
LOOKS = TokenRecord("looks", access.digest("prevs_read_two"), "read")
NEWER = TokenRecord("newer", access.digest("prevs_everything_three"), "everything")
SHOP = TokenRecord("shop-ci", access.digest("prevs_use_four"), "use", app="shop")
HIGH = TokenRecord("high", access.digest("prevs_admin_five"), "admin", app="shop")
FALSE = TokenRecord("operator", access.digest("prevs_use_six"), "use")
PROXIES = ("what proxies send", "what they sent before")


def find(token: str) -> Identity | None:
    fixed = access.digest_fixed(OPERATOR, PROXIES)
    return access.find(token, fixed, [DEPLOYS, LOOKS, NEWER, SHOP, HIGH, FALSE])


def test_a_scope_includes_the_smaller_ones() -> None:
    assert [
        (mine.value, needed.value)
        for mine, needed in itertools.product(Scope, Scope)
        if not mine.includes(needed)
    ] == [
        ("read", "use"),
        ("read", "admin"),
        ("read", "proxy"),
        ("use", "admin"),
        ("use", "proxy"),
        ("admin", "proxy"),
        ("proxy", "read"),
        ("proxy", "use"),
        ("proxy", "admin"),
    ]


@pytest.mark.parametrize(
    ("token", "identity"),
    [
        (OPERATOR, Identity("operator", Scope.ADMIN)),
        ("prevs_use_one", Identity("deploys", Scope.USE)),
        ("prevs_read_two", Identity("looks", Scope.READ)),
        ("prevs_use_four", Identity("shop-ci", Scope.USE, "shop")),
        ("what proxies send", Identity("proxy", Scope.PROXY)),
        ("what they sent before", Identity("proxy", Scope.PROXY)),
    ],
)
def test_a_token_belongs_to_somebody(token: str, identity: Identity) -> None:
    assert find(token) == identity


@pytest.mark.parametrize("token", ["prevs_everything_three", "prevs_admin_five", "prevs_use_six"])
def test_a_token_made_elsewhere_belongs_to_nobody(token: str) -> None:
    """A scope of a newer version, all rights to one app, or a name that nobody is given."""
    assert find(token) is None


@pytest.mark.parametrize(
    ("identity", "is_limited"),
    [
        (Identity("operator", Scope.ADMIN), False),
        (Identity("proxy", Scope.PROXY), False),
        (Identity("proxy", Scope.USE), True),
        (Identity("anna", Scope.ADMIN), True),
    ],
)
def test_proxies_and_the_operator_have_no_limit(identity: Identity, is_limited: bool) -> None:
    assert identity.is_limited is is_limited


@given(st.text(st.characters()) | st.just(DEPLOYS.digest) | st.just("\ud800"))
def test_any_other_text_is_not_a_token(text: str) -> None:
    assert find(text) is None
