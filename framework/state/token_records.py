"""The tokens in memory, written through to the store. Owned by the service's thread.

As with apps and previews, the store is written first, and `make_sure` sees to it that it is as
memory where a write was not answered.
"""

import dataclasses
from collections.abc import Iterable, Mapping

from framework.access import OPERATOR, PROXY
from framework.errors import TokenExists, UnknownToken
from framework.ports import Store
from prevs.records import TokenRecord


class TokenRecords:
    """Every token that was made, not told by settings. `all` is never changed, but replaced."""

    def __init__(self, stored: Iterable[TokenRecord], store: Store) -> None:
        self._store = store
        self._unsure: dict[str, TokenRecord] = {}
        self.all: Mapping[str, TokenRecord] = {token.name: token for token in stored}

    def add(self, token: TokenRecord, now: float) -> TokenRecord:
        """Write a new token, created `now`. Raises TokenExists, Unavailable."""
        if token.name in {OPERATOR, PROXY, *self.all}:
            raise TokenExists(token.name)
        created = dataclasses.replace(token, created=now)
        self._unsure[token.name] = created
        self._store.save(created)
        del self._unsure[token.name]
        self.all = {**self.all, token.name: created}
        return created

    def remove(self, name: str) -> None:
        """Remove a token. Raises UnknownToken, Unavailable."""
        token = self.all.get(name)
        if token is None:
            raise UnknownToken(name)
        self._unsure[name] = token
        self._store.delete(token)
        del self._unsure[name]
        self.all = {other: kept for other, kept in self.all.items() if other != name}

    def remove_of(self, app: str) -> None:
        """Remove the tokens that are for one app. Raises Unavailable."""
        for token in tuple(self.all.values()):
            if app and token.app == app:
                self.remove(token.name)

    def make_sure(self) -> None:
        """Write again what was written without an answer. Raises Unavailable."""
        for name, tried in tuple(self._unsure.items()):
            known = self.all.get(name)
            if known is None:
                self._store.delete(tried)
            else:
                self._store.save(known)
            del self._unsure[name]
