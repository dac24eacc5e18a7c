import contextlib
import itertools
from collections.abc import Iterator

import pytest

from framework import access
from framework.access import Identity, Scope
from framework.errors import TokenExists, UnknownToken
from framework.tokens import ServiceTokens
from prevs.records import TokenRecord
from tests.fakes.driven import Driven

OPERATOR = "what the operator has"
DEPLOYS = TokenRecord("deploys", "use", access.digest("x"))


def make(driven: Driven) -> ServiceTokens:
    numbers = itertools.count()
    return ServiceTokens(driven.service, OPERATOR, lambda: f"secret{next(numbers)}")


@contextlib.contextmanager
def running(driven: Driven) -> Iterator[ServiceTokens]:
    with driven.running():
        yield make(driven)


def test_a_token_is_good_from_when_it_is_made_until_it_is_removed(driven: Driven) -> None:
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


@pytest.mark.parametrize("name", ["deploys", "operator"])
def test_a_name_is_given_once(driven: Driven, name: str) -> None:
    with running(driven) as tokens:
        _, token = tokens.add_token("deploys", Scope.USE)
        with pytest.raises(TokenExists):
            tokens.add_token(name, Scope.ADMIN)
        assert tokens.authenticate(token) == Identity("deploys", Scope.USE)


def test_what_is_stored_is_no_token(driven: Driven) -> None:
    with running(driven) as tokens:
        _, token = tokens.add_token("deploys", Scope.USE)
    stored = driven.znodes.records["tokens", "deploys"][0]
    assert token.encode() not in stored.encode()
    assert b"secret0" not in stored.encode()


def test_the_next_framework_knows_the_tokens(driven: Driven) -> None:
    driven.ask(lambda: driven.service.requests.add_token(DEPLOYS))
    driven.znodes.epoch += 1
    assert make(Driven(driven.znodes)).authenticate("x") == Identity("deploys", Scope.USE)


def test_there_is_always_an_operators_token(driven: Driven) -> None:
    with pytest.raises(ValueError, match="token"):
        ServiceTokens(driven.service, "", str)
