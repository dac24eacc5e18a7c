"""The tokens in memory, written through to the store. Owned by the service's thread.

As for apps and previews, the store is written first; after a write without an answer,
`rewrite_unconfirmed` makes the store equal to memory again.
"""

import dataclasses
from collections.abc import Iterable, Mapping

from framework.access import OPERATOR, PROXY
from framework.errors import TokenExists, UnknownToken
from framework.ports import Store
from prevs.records import TokenRecord


class TokenRecords:
    """The stored tokens, without those in the settings. `all` is replaced, never changed."""

    def __init__(self, stored: Iterable[TokenRecord], store: Store) -> None:
        self._store = store
        self._unconfirmed: dict[str, TokenRecord] = {}
        self.all: Mapping[str, TokenRecord] = {token.name: token for token in stored}

    def add(self, token: TokenRecord, now: float) -> TokenRecord:
        """Write a new token, created `now`. Raises TokenExists, Unavailable."""
        if token.name in {OPERATOR, PROXY, *self.all}:
            raise TokenExists(token.name)
        created = dataclasses.replace(token, created=now)
        self._unconfirmed[token.name] = created
        self._store.save(created)
        del self._unconfirmed[token.name]
        self.all = {**self.all, token.name: created}
        return created

    def remove(self, name: str) -> None:
        """Remove a token. Raises UnknownToken, Unavailable."""
        token = self.all.get(name)
        if token is None:
            raise UnknownToken(name)
        self._unconfirmed[name] = token
        self._store.delete(token)
        del self._unconfirmed[name]
        self.all = {other: one for other, one in self.all.items() if other != name}

    def remove_of(self, app: str) -> None:
        """Remove the tokens that are for one app. Raises Unavailable."""
        for token in tuple(self.all.values()):
            if app and token.app == app:
                self.remove(token.name)

    def rewrite_unconfirmed(self) -> None:
        """Repeat the writes that got no answer. Raises Unavailable."""
        for name, tried in tuple(self._unconfirmed.items()):
            known = self.all.get(name)
            if known is None:
                self._store.delete(tried)
            else:
                self._store.save(known)
            del self._unconfirmed[name]
