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
from framework.trust import NotTrusted, RecordKind
from prevs import signatures
from prevs.access import Access, AccessRecord

_AT_ONCE = 10
"""How many records are signed again in one turn, each with a write of its own."""

log = structlog.get_logger(__name__)


class AccessRecords:
    """The records of all apps that are not public. `all` is replaced, never changed.

    They are signed with the first of `keys`; what another one has signed is written again. A stored
    record that none has signed may be an intruder's. Its app is then closed to everybody, in a new
    era that begins `now`; the record is in `refused`, and stays in the store until somebody writes
    who may look anew. Proxies that do not trust it close the app too.
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
        self.refused: Mapping[str, AccessRecord] = {
            record.app: record for record in read if not _is_signed(record, keys)
        }
        self.all: Mapping[str, AccessRecord] = {
            record.app: self._sign(
                _close(record.app, now) if record.app in self.refused else record
            )
            for record in read
        }
        self._stale = [
            record.app
            for record in read
            if record.app not in self.refused and self.all[record.app] != record
        ]

    @property
    def missigned(self) -> int:
        """How many are still to be written with the signature of the first key."""
        return len(self._stale) + self._writes.count()

    def check(self, app: str) -> None:
        """Raise NotTrusted if the record of an app is left out."""
        if app in self.refused:
            raise NotTrusted(RecordKind.ACCESS, app)

    def of(self, app: str) -> AccessRecord:
        """Return who may look at an app's previews."""
        return self.all.get(app, AccessRecord(app))

    def save(self, record: AccessRecord) -> AccessRecord:
        """Write who may look, with a signature; return that."""
        signed = self._sign(record)
        self._writes.save(signed)
        self.all = {**self.all, record.app: signed}
        self._accept(record.app)
        return signed

    def remove(self, app: str) -> None:
        """Make an app public, and end its passes."""
        tried = self.all.get(app) or self._writes.find(app)
        if tried is None:
            return
        self._writes.delete(tried)
        self._accept(app)
        self.all = {other: one for other, one in self.all.items() if other != app}

    def rewrite_unconfirmed(self) -> None:
        """Repeat the writes that got no answer, and write what has another signature now."""
        self._writes.rewrite(self.all.get)
        for app in self._stale[:_AT_ONCE]:
            if app in self.all:
                self._store.save(self.all[app])
            self._stale.remove(app)

    def _accept(self, app: str) -> None:
        if app in self.refused:
            self.refused = {other: one for other, one in self.refused.items() if other != app}

    def _sign(self, record: AccessRecord) -> AccessRecord:
        return dataclasses.replace(record, signature=signatures.sign_access(self._key, record))


def _is_signed(record: AccessRecord, keys: Sequence[bytes]) -> bool:
    if signatures.is_access_signed(keys, record):
        return True
    log.error("none of our tokens has signed who may look: the app is closed", app=record.app)
    return False


def _close(app: str, now: float) -> AccessRecord:
    return AccessRecord(app, Access.PASSWORD, visitor_access.new_era(0, now))
