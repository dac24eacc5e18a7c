import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework import access
from framework.access import Identity, Scope
from prevs.records import TokenRecord

OPERATOR = "what the operator has"
DEPLOYS = TokenRecord("deploys", "use", access.digest("prevs_use_one"))
LOOKS = TokenRecord("looks", "read", access.digest("prevs_read_two"))
NEWER = TokenRecord("newer", "everything", access.digest("prevs_everything_three"))


def find(token: str) -> Identity | None:
    return access.find(token, access.digest(OPERATOR), [DEPLOYS, LOOKS, NEWER])


def test_a_scope_has_what_the_lesser_ones_have() -> None:
    assert [
        (mine.value, needed.value)
        for mine, needed in itertools.product(Scope, Scope)
        if not mine.includes(needed)
    ] == [("read", "use"), ("read", "admin"), ("use", "admin")]


@pytest.mark.parametrize(
    ("token", "identity"),
    [
        (OPERATOR, Identity("operator", Scope.ADMIN)),
        ("prevs_use_one", Identity("deploys", Scope.USE)),
        ("prevs_read_two", Identity("looks", Scope.READ)),
    ],
)
def test_a_token_is_somebodys(token: str, identity: Identity) -> None:
    assert find(token) == identity


def test_a_token_whose_scope_is_of_a_newer_version_is_nobodys() -> None:
    assert find("prevs_everything_three") is None


@given(st.text(st.characters()) | st.just(DEPLOYS.digest) | st.just("\ud800"))
def test_any_other_text_is_nobodys(text: str) -> None:
    assert find(text) is None
