"""What apps are given: opened in memory, sealed in the store.

Owned by the service's thread. As for tokens, the store is written first; after a write without an
answer, `rewrite_unconfirmed` makes the store equal to memory again.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import structlog

from framework.apps.app_secrets import AppSecrets
from framework.errors import SecretsUnreadable, WrongKey
from framework.ports import Store, Vault
from framework.state.unconfirmed_writes import UnconfirmedWrites
from prevs.codec import RecordError
from prevs.records import SecretsRecord

_AT_ONCE = 10
"""How many records are sealed with a new key in one turn, each with a write of its own."""

log = structlog.get_logger(__name__)


class StoredSecrets(NamedTuple):
    """The stored secrets of an app; `why` is why they cannot be opened, "" if they are open."""

    record: SecretsRecord
    opened: AppSecrets
    why: str = ""


def read(stored: Mapping[str, StoredSecrets], app: str) -> AppSecrets:
    """Return what an app is given. Raises SecretsUnreadable."""
    known = stored.get(app)
    if known is None:
        return AppSecrets(app)
    if known.why:
        raise SecretsUnreadable(app, known.why)
    return known.opened


class SecretRecords:
    """What every app is given. `all` is replaced, never changed."""

    def __init__(self, stored: Iterable[SecretsRecord], store: Store, vault: Vault) -> None:
        self._vault = vault
        self._writes: UnconfirmedWrites[str, SecretsRecord] = UnconfirmedWrites(
            store, lambda record: record.app
        )
        self.all: Mapping[str, StoredSecrets] = {
            record.app: self._open(record) for record in stored
        }
        self._stale = [app for app, one in self.all.items() if self._is_stale(one)]

    def of(self, app: str) -> AppSecrets:
        """Return what an app is given. Raises SecretsUnreadable."""
        return read(self.all, app)

    def find(self, app: str) -> AppSecrets | None:
        """Return what an app is given; None if that cannot be opened."""
        known = self.all.get(app)
        return None if known and known.why else self.of(app)

    def unreadable(self) -> Mapping[str, str]:
        """Return why secrets cannot be opened, by app."""
        return {app: one.why for app, one in self.all.items() if one.why}

    def save(self, given: AppSecrets) -> AppSecrets:
        """Write what an app is given."""
        if given.is_empty:
            self.remove(given.app)
            return given
        record = SecretsRecord(given.app, self._vault.seal(given.encode()))
        self._writes.save(record)
        self.all = {**self.all, given.app: StoredSecrets(record, given)}
        return given

    def remove(self, app: str) -> None:
        """Remove all that an app is given, even if it cannot be opened."""
        tried = self._find_record(app) or self._writes.find(app)
        if tried is None:
            return
        self._writes.delete(tried)
        self.all = {other: one for other, one in self.all.items() if other != app}

    def rewrite_unconfirmed(self) -> None:
        """Repeat the writes that got no answer, and seal with the first key what others sealed."""
        self._writes.rewrite(self._find_record)
        for app in self._stale[:_AT_ONCE]:
            known = self.all.get(app)
            if known is not None and self._is_stale(known):
                self.save(known.opened)
                log.info("sealed again with the first key", app=app)
            self._stale.remove(app)

    def _find_record(self, app: str) -> SecretsRecord | None:
        known = self.all.get(app)
        return known.record if known else None

    def _open(self, record: SecretsRecord) -> StoredSecrets:
        why = ""
        try:
            opened = AppSecrets.decode(self._vault.open(record.sealed))
            if opened.app == record.app:
                return StoredSecrets(record, opened)
            why = f"they belong to {opened.app!r}."
        except WrongKey as error:
            why = error.why
        except RecordError:
            why = "another version of prevs wrote them."
        log.error("secrets cannot be opened: the app cannot start", app=record.app, why=why)
        return StoredSecrets(record, AppSecrets(record.app), why)

    def _is_stale(self, stored: StoredSecrets) -> bool:
        return not stored.why and not self._vault.is_sealed_by_first(stored.record.sealed)
