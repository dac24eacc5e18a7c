"""framework.ports.Tokens out of a dictionary."""

import itertools
import time
from collections.abc import Callable, Mapping, Sequence

from framework import access
from framework.access import Identity, Scope
from framework.errors import TokenExists, UnknownToken
from framework.people import seals
from framework.people.identities import identify
from framework.ports.identity import Person, Sealed
from prevs.records import TokenRecord
from prevs.roles import TOKEN_PREFIX, RoleRecord

_KEY = seals.derive_key("for tests", "")


class FakeTokens:
    """Has the operator's token, those of proxies, and those that it makes."""

    def __init__(self, operator: str, *proxies: str) -> None:
        self._fixed = access.digest_fixed(operator, proxies)
        self._numbers = itertools.count()
        self.known: dict[str, TokenRecord] = {}
        self.error: Exception | None = None
        self.roles: Callable[[], Mapping[str, RoleRecord]] = dict
        self.now: Callable[[], float] = time.time

    def authenticate(self, token: str) -> Identity | None:
        if token.startswith(TOKEN_PREFIX):
            sealed = self.unseal_person(seals.TOKEN, token.removeprefix(TOKEN_PREFIX))
            return self.identify(sealed.person) if sealed else None
        return access.find(token, self._fixed, self.known.values())

    def identify(self, person: Person) -> Identity:
        return identify(self.roles().values(), person)

    def seal_person(self, purpose: str, person: Person, until: float) -> str:
        return seals.seal(_KEY, purpose, seals.fit(person, self.roles().values()), until)

    def unseal_person(self, purpose: str, text: str) -> Sealed | None:
        return seals.unseal(_KEY, purpose, text, self.now())

    def tokens(self) -> Sequence[TokenRecord]:
        return sorted(self.known.values(), key=lambda token: token.name)

    def add_token(self, name: str, scope: Scope, app: str = "") -> tuple[TokenRecord, str]:
        if self.error:
            raise self.error
        if name in {access.OPERATOR, access.PROXY, *self.known}:
            raise TokenExists(name)
        token = access.form_token(scope, f"{next(self._numbers):043}")
        self.known[name] = TokenRecord(name, access.digest(token), scope.value, 1000.0, app)
        return self.known[name], token

    def remove_token(self, name: str) -> None:
        if self.error:
            raise self.error
        if self.known.pop(name, None) is None:
            raise UnknownToken(name)
