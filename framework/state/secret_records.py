"""What apps are given, in memory and opened, written through to the store sealed.

Owned by the service's thread. As with tokens, the store is written first, and `make_sure` sees to
it that it is as memory where a write was not answered.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import structlog

from framework.apps.app_secrets import AppSecrets
from framework.errors import SecretsUnreadable, WrongKey
from framework.ports import Store, Vault
from prevs.codec import RecordError
from prevs.records import SecretsRecord

_AT_ONCE = 10
"""How many are sealed anew in one turn, each with a write of its own."""

log = structlog.get_logger(__name__)


class Kept(NamedTuple):
    """What is stored of one app; `why` tells why it cannot be opened, "" where it is."""

    record: SecretsRecord
    opened: AppSecrets
    why: str = ""


def read(kept: Mapping[str, Kept], app: str) -> AppSecrets:
    """Return what an app is given. Raises SecretsUnreadable."""
    known = kept.get(app)
    if known is None:
        return AppSecrets(app)
    if known.why:
        raise SecretsUnreadable(app, known.why)
    return known.opened


class SecretRecords:
    """What every app is given. `all` is never changed, but replaced."""

    def __init__(self, stored: Iterable[SecretsRecord], store: Store, vault: Vault) -> None:
        self._store = store
        self._vault = vault
        self._unsure: dict[str, SecretsRecord] = {}
        self.all: Mapping[str, Kept] = {record.app: self._open(record) for record in stored}
        self._stale = [app for app, kept in self.all.items() if self._is_stale(kept)]

    def of(self, app: str) -> AppSecrets:
        """Return what an app is given. Raises SecretsUnreadable."""
        return read(self.all, app)

    def sealed(self) -> Mapping[str, str]:
        """Return the apps whose secrets cannot be opened, each with why."""
        return {app: kept.why for app, kept in self.all.items() if kept.why}

    def save(self, given: AppSecrets) -> AppSecrets:
        """Write what an app is given. Raises InvalidSettings, NoKey, Unavailable."""
        if given.is_empty:
            self.remove(given.app)
            return given
        record = SecretsRecord(given.app, self._vault.seal(given.encode()))
        self._unsure[given.app] = record
        self._store.save(record)
        del self._unsure[given.app]
        self.all = {**self.all, given.app: Kept(record, given)}
        return given

    def remove(self, app: str) -> None:
        """Remove all that an app is given, also what cannot be opened. Raises Unavailable."""
        known = self.all.get(app)
        tried = known.record if known else self._unsure.get(app)
        if tried is None:
            return
        self._unsure[app] = tried
        self._store.delete(tried)
        del self._unsure[app]
        self.all = {other: kept for other, kept in self.all.items() if other != app}

    def make_sure(self) -> None:
        """Write again what was written without an answer, and what an older key has sealed.

        Raises Unavailable.
        """
        for app, tried in tuple(self._unsure.items()):
            known = self.all.get(app)
            if known is None:
                self._store.delete(tried)
            else:
                self._store.save(known.record)
            del self._unsure[app]
        for app in self._stale[:_AT_ONCE]:
            known = self.all.get(app)
            if known is not None and self._is_stale(known):
                self.save(known.opened)
                log.info("sealed anew, by the first key", app=app)
            self._stale.remove(app)

    def _open(self, record: SecretsRecord) -> Kept:
        why = ""
        try:
            opened = AppSecrets.decode(self._vault.open(record.sealed))
            if opened.app == record.app:
                return Kept(record, opened)
            why = f"they are those of {opened.app!r}."
        except WrongKey as error:
            why = error.why
        except RecordError:
            why = "another version of prevs has written them."
        log.error("secrets cannot be opened: the app cannot start", app=record.app, why=why)
        return Kept(record, AppSecrets(record.app), why)

    def _is_stale(self, kept: Kept) -> bool:
        return not kept.why and not self._vault.is_sealed_by_first(kept.record.sealed)
