import contextlib
import itertools
from collections.abc import Iterator

import pytest

from framework import access
from framework.access import Identity, Scope
from framework.errors import TokenExists, UnknownApp, UnknownToken
from framework.service.tokens import ServiceTokens
from prevs.records import TokenRecord
from tests.fakes.driven import Driven

OPERATOR = "what the operator has"
DEPLOYS = TokenRecord("deploys", access.digest("x"), "use")


def make(driven: Driven) -> ServiceTokens:
    numbers = itertools.count()
    return ServiceTokens(
        driven.service, OPERATOR, lambda: f"secret{next(numbers)}", proxies=["theirs", "before"]
    )


@contextlib.contextmanager
def running(driven: Driven) -> Iterator[ServiceTokens]:
    with driven.running():
        yield make(driven)


def test_a_token_is_valid_from_its_creation_to_its_removal(driven: Driven) -> None:
    with running(driven) as tokens:
        record, token = tokens.add_token("deploys", Scope.USE)
        assert token == "prevs_use_secret0"
        assert (record.name, record.scope, record.created) == (
            "deploys",
            "use",
            driven.clock.seconds,
        )
        assert tokens.authenticate(token) == Identity("deploys", Scope.USE)
        assert tokens.authenticate(OPERATOR) == Identity("operator", Scope.ADMIN)
        tokens.add_token("before", Scope.READ)
        assert [one.name for one in tokens.tokens()] == ["before", "deploys"]
        tokens.remove_token("deploys")
        assert tokens.authenticate(token) is None
        with pytest.raises(UnknownToken):
            tokens.remove_token("deploys")


def test_the_tokens_of_proxies_come_from_the_settings_and_are_not_listed(driven: Driven) -> None:
    with running(driven) as tokens:
        for token in ("theirs", "before"):
            assert tokens.authenticate(token) == Identity("proxy", Scope.PROXY)
        assert tokens.tokens() == []
    assert not [place for place in driven.znodes.records if place[0] == "tokens"]


def test_a_token_may_be_limited_to_an_existing_app(driven: Driven) -> None:
    with running(driven) as tokens:
        _, token = tokens.add_token("ci", Scope.USE, "hello")
        assert tokens.authenticate(token) == Identity("ci", Scope.USE, "hello")
        with pytest.raises(UnknownApp):
            tokens.add_token("nobodys", Scope.USE, "nope")


@pytest.mark.parametrize("name", ["deploys", "operator", "proxy"])
def test_a_name_of_a_token_is_used_once(driven: Driven, name: str) -> None:
    with running(driven) as tokens:
        _, token = tokens.add_token("deploys", Scope.USE)
        with pytest.raises(TokenExists):
            tokens.add_token(name, Scope.ADMIN)
        assert tokens.authenticate(token) == Identity("deploys", Scope.USE)


def test_a_stored_record_does_not_contain_the_token(driven: Driven) -> None:
    with running(driven) as tokens:
        _, token = tokens.add_token("deploys", Scope.USE)
    stored = driven.znodes.records["tokens", "deploys"][0]
    assert token.encode() not in stored.encode()
    assert b"secret0" not in stored.encode()


def test_there_is_always_an_operators_token(driven: Driven) -> None:
    with pytest.raises(ValueError, match="token"):
        ServiceTokens(driven.service, "", str)
