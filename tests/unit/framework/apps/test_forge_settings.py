import dataclasses

import pytest

from framework.apps.app_secrets import (
    LONGEST_FORGE_TOKEN,
    AppSecrets,
    Variable,
    with_forge_token,
    without_forge_token,
)
from framework.apps.forge_settings import UnknownForgeToken, find_forks, find_pulls, show_pulls
from framework.apps.variable_scopes import VariableScope
from framework.errors import InvalidSettings
from prevs.records import AppRecord

SHOP = AppRecord("shop", "https://git.example.org/shop/shop.git")


def test_without_the_setting_pulls_are_followed_once_there_is_a_token() -> None:
    assert find_pulls(SHOP, has_token=False) == "off"
    assert find_pulls(SHOP, has_token=True) == "branches"
    assert find_pulls(dataclasses.replace(SHOP, pulls="all"), has_token=False) == "all"
    assert find_pulls(dataclasses.replace(SHOP, pulls="off"), has_token=True) == "off"


def test_a_value_of_a_later_version_allows_nothing() -> None:
    later = dataclasses.replace(SHOP, pulls="later", forks="later")
    assert (find_pulls(later, has_token=True), show_pulls(later)) == ("off", "off")
    assert find_forks(later) == "never"


def test_a_forge_token_is_kept_and_never_shown() -> None:
    given = with_forge_token(AppSecrets("shop"), "glpat-123", 7.0)
    assert not given.is_empty
    assert AppSecrets.decode(given.encode()) == given
    assert "glpat" not in repr(given)
    scoped = Variable("x", scope=VariableScope(branches=("main",)))
    both = dataclasses.replace(given, variables={"KEY": scoped})
    assert AppSecrets.decode(both.encode()) == both
    assert without_forge_token(given) == AppSecrets("shop")
    with pytest.raises(UnknownForgeToken):
        without_forge_token(AppSecrets("shop"))


@pytest.mark.parametrize("token", ["", "a b", "a\nb", "ä", "a" * (LONGEST_FORGE_TOKEN + 1)])
def test_what_no_header_can_carry_is_no_token(token: str) -> None:
    with pytest.raises(InvalidSettings):
        with_forge_token(AppSecrets("shop"), token, 7.0)
