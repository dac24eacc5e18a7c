import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework.people import seals
from framework.ports.identity import Person
from prevs.roles import RoleRecord

KEY = seals.derive_key("the operator's", "github https://github.com")
ADA = Person("583231", "ada", frozenset({"org/größe", "shop-devs"}))
NOW = 1_764_000_000.0


def test_a_text_says_who_has_signed_in_until_it_ends() -> None:
    text = seals.seal(KEY, seals.SESSION, ADA, NOW + 60)
    assert seals.unseal(KEY, seals.SESSION, text, NOW) == (ADA, NOW + 60)
    assert seals.unseal(KEY, seals.SESSION, text, NOW + 60) is None
    assert seals.unseal(KEY, seals.TOKEN, text, NOW) is None


@pytest.mark.parametrize(
    ("operator", "provider"),
    [("another", "github https://github.com"), ("the operator's", "github https://evil.example")],
)
def test_a_text_of_another_operator_or_provider_does_not_count(
    operator: str, provider: str
) -> None:
    text = seals.seal(seals.derive_key(operator, provider), seals.SESSION, ADA, NOW + 60)
    assert seals.unseal(KEY, seals.SESSION, text, NOW) is None


@given(st.sets(st.text(min_size=1, max_size=60), max_size=200), st.integers(0, 5))
def test_a_text_fits_into_a_cookie_and_keeps_groups_with_a_role(
    groups: set[str], number: int
) -> None:
    named = sorted(groups)[:number]
    roles = [RoleRecord("use", group=group) for group in named]
    fitting = seals.fit(Person("1", "ada", frozenset(groups)), roles)
    assert fitting.groups <= groups
    assert set(named) <= fitting.groups
    assert len(seals.seal(KEY, seals.SESSION, fitting, NOW)) < 3800
    few = Person("1", "ada", frozenset(named))
    assert seals.fit(few, roles) == few
