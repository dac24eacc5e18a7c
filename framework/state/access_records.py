"""Who may look at the apps' previews: in memory, written through to the store, signed.

Owned by the service's thread. As for tokens, the store is written first; after a write without an
answer, `rewrite_unconfirmed` makes the store equal to memory again.
"""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence

import structlog

from framework.apps import visitor_access
from framework.ports import Store
from framework.state.unconfirmed_writes import UnconfirmedWrites
from prevs import signatures
from prevs.access import Access, AccessRecord

_AT_ONCE = 10
"""How many records are signed again in one turn, each with a write of its own."""

log = structlog.get_logger(__name__)


class AccessRecords:
    """The records of all apps that are not public. `all` is replaced, never changed.

    They are signed with the first of `keys`; what another one has signed is written again. A stored
    record that none has signed may be an intruder's. Its app is then closed to everybody without
    the password, in a new era that begins `now`.
    """

    def __init__(
        self, stored: Iterable[AccessRecord], store: Store, *, keys: Sequence[bytes], now: float
    ) -> None:
        self._store = store
        self._key = keys[0]
        self._writes: UnconfirmedWrites[str, AccessRecord] = UnconfirmedWrites(
            store, lambda record: record.app
        )
        read = list(stored)
        trusted = [_close_if_unsigned(record, keys, now) for record in read]
        self.all: Mapping[str, AccessRecord] = {
            record.app: self._sign(record) for record in trusted
        }
        self._stale = [record.app for record in read if self.all[record.app] != record]

    def of(self, app: str) -> AccessRecord:
        """Return who may look at an app's previews."""
        return self.all.get(app, AccessRecord(app))

    def save(self, record: AccessRecord) -> AccessRecord:
        """Write who may look, with a signature; return that. Raises Unavailable."""
        signed = self._sign(record)
        self._writes.save(signed)
        self.all = {**self.all, record.app: signed}
        return signed

    def remove(self, app: str) -> None:
        """Make an app public, and end its passes. Raises Unavailable."""
        tried = self.all.get(app) or self._writes.find(app)
        if tried is None:
            return
        self._writes.delete(tried)
        self.all = {other: one for other, one in self.all.items() if other != app}

    def rewrite_unconfirmed(self) -> None:
        """Repeat the writes that got no answer, and write what has another signature now.

        Raises Unavailable.
        """
        self._writes.rewrite(self.all.get)
        for app in self._stale[:_AT_ONCE]:
            if app in self.all:
                self._store.save(self.all[app])
            self._stale.remove(app)

    def _sign(self, record: AccessRecord) -> AccessRecord:
        return dataclasses.replace(record, signature=signatures.sign_access(self._key, record))


def _close_if_unsigned(record: AccessRecord, keys: Sequence[bytes], now: float) -> AccessRecord:
    if signatures.is_access_signed(keys, record):
        return record
    log.error("nobody whom we trust wrote who may look: the app is closed", app=record.app)
    return AccessRecord(record.app, Access.PASSWORD, visitor_access.new_era(0, now))
