"""The tokens in memory, written through to the store. Owned by the service's thread.

As for apps and previews, the store is written first; after a write without an answer,
`rewrite_unconfirmed` makes the store equal to memory again.
"""

import dataclasses
from collections.abc import Iterable, Mapping

from framework.access import OPERATOR, PROXY
from framework.errors import TokenExists, UnknownToken
from framework.ports import Store
from framework.state.unconfirmed_writes import UnconfirmedWrites
from prevs.records import TokenRecord


class TokenRecords:
    """The stored tokens, without those in the settings. `all` is replaced, never changed."""

    def __init__(self, stored: Iterable[TokenRecord], store: Store) -> None:
        self._writes: UnconfirmedWrites[str, TokenRecord] = UnconfirmedWrites(
            store, lambda token: token.name
        )
        self.all: Mapping[str, TokenRecord] = {token.name: token for token in stored}

    def add(self, token: TokenRecord, now: float) -> TokenRecord:
        """Write a new token, created `now`."""
        if token.name in {OPERATOR, PROXY, *self.all}:
            raise TokenExists(token.name)
        created = dataclasses.replace(token, created=now)
        self._writes.save(created)
        self.all = {**self.all, token.name: created}
        return created

    def remove(self, name: str) -> None:
        """Remove a token. Raises UnknownToken, Unavailable."""
        token = self.all.get(name)
        if token is None:
            raise UnknownToken(name)
        self._writes.delete(token)
        self.all = {other: one for other, one in self.all.items() if other != name}

    def remove_of(self, app: str) -> None:
        """Remove the tokens that are for one app."""
        for token in tuple(self.all.values()):
            if app and token.app == app:
                self.remove(token.name)

    def rewrite_unconfirmed(self) -> None:
        """Repeat the writes that got no answer."""
        self._writes.rewrite(self.all.get)
