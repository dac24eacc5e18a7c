"""framework.ports.Tokens out of a dictionary."""

import itertools
from collections.abc import Sequence

from framework import access
from framework.access import Identity, Scope
from framework.errors import TokenExists, UnknownToken
from prevs.records import TokenRecord


class FakeTokens:
    """Has the operator's token, those of proxies, and those that it makes."""

    def __init__(self, operator: str, *proxies: str) -> None:
        self._fixed = access.digest_fixed(operator, proxies)
        self._numbers = itertools.count()
        self.known: dict[str, TokenRecord] = {}
        self.error: Exception | None = None

    def authenticate(self, token: str) -> Identity | None:
        return access.find(token, self._fixed, self.known.values())

    def tokens(self) -> Sequence[TokenRecord]:
        return sorted(self.known.values(), key=lambda token: token.name)

    def add_token(self, name: str, scope: Scope, app: str = "") -> tuple[TokenRecord, str]:
        if self.error:
            raise self.error
        if name in {access.OPERATOR, access.PROXY, *self.known}:
            raise TokenExists(name)
        token = access.form_token(scope, f"{next(self._numbers):043}")
        self.known[name] = TokenRecord(name, scope.value, access.digest(token), 1000.0, app)
        return self.known[name], token

    def remove_token(self, name: str) -> None:
        if self.error:
            raise self.error
        if self.known.pop(name, None) is None:
            raise UnknownToken(name)
