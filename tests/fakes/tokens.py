"""framework.ports.Tokens out of a dictionary."""

import itertools
from collections.abc import Sequence

from framework import access
from framework.access import Identity, Scope
from framework.errors import TokenExists, UnknownToken
from prevs.records import TokenRecord


class FakeTokens:
    """Knows the operator's token, and those that it is told to make."""

    def __init__(self, operator: str) -> None:
        self._operator = access.digest(operator)
        self._numbers = itertools.count()
        self.known: dict[str, TokenRecord] = {}
        self.error: Exception | None = None

    def authenticate(self, token: str) -> Identity | None:
        return access.find(token, self._operator, self.known.values())

    def tokens(self) -> Sequence[TokenRecord]:
        return sorted(self.known.values(), key=lambda token: token.name)

    def add_token(self, name: str, scope: Scope) -> tuple[TokenRecord, str]:
        if self.error:
            raise self.error
        if name == access.OPERATOR or name in self.known:
            raise TokenExists(name)
        token = access.form_token(scope, f"{next(self._numbers):043}")
        self.known[name] = TokenRecord(name, scope.value, access.digest(token), created=1000.0)
        return self.known[name], token

    def remove_token(self, name: str) -> None:
        if self.error:
            raise self.error
        if self.known.pop(name, None) is None:
            raise UnknownToken(name)
