"""Publishes the placements for the proxies, and tracks withdrawn ones until no proxy uses them.

Owned by the service's thread. The store is written first, as for all records.
"""

import dataclasses
from collections.abc import Collection, Iterator, Sequence
from itertools import chain

from framework.clock import Clock
from framework.ports import Store, Stored
from framework.state import placements, withdrawals
from framework.state.destinations import Destinations
from framework.state.preview_index import PreviewIndex
from framework.state.withdrawals import Withdrawal
from prevs import signatures
from prevs.records import PlacementsRecord, PreviewRecord


class PlacementPublisher:
    """Publishes the placements of the previews in `index`; call `mark_dirty` for each change.

    Placements are signed with the first of `keys`; stored ones with another signature are written
    again. `destinations` are the places to which they may lead.
    """

    def __init__(
        self,
        stored: Stored,
        store: Store,
        clock: Clock,
        index: PreviewIndex,
        *,
        keys: Sequence[bytes],
    ) -> None:
        self._store = store
        self._key = keys[0]
        self.destinations = Destinations(stored, store, index, keys=keys)
        self._clock = clock
        self._index = index
        self._placements = {record.app: record for record in stored.placements}
        # Proxies still see what the previous leader wrote: every app is dirty, so that `publish`
        # corrects it the first time.
        self._dirty = {*(a.name for a in stored.apps), *(p.app for p in stored.previews)}
        self._dirty |= set(self._placements)
        self._missigned = {
            app for app, record in self._placements.items() if self._sign(record) != record
        }
        self._unconfirmed: dict[str, list[PlacementsRecord]] = {}
        self._withdrawn: dict[str, Withdrawal] = {}
        self._hold(
            withdrawals.inherited(
                stored.previews, self._placements, stored.versions, clock.monotonic()
            )
        )

    @property
    def missigned(self) -> int:
        """How many records are still to be written with the signature of the first key."""
        return len(self._missigned) + self.destinations.is_missigned

    def awaits_proxies(self) -> bool:
        """Return whether proxies will soon acknowledge a withdrawal."""
        now = self._clock.monotonic()
        return any(withdrawals.is_awaited(w, now) for w in self._withdrawn.values())

    @property
    def withdrawn_count(self) -> int:
        """How many withdrawn placements proxies may still use."""
        return len(self._withdrawn)

    @property
    def withdrawn_apps(self) -> Collection[str]:
        """The apps with withdrawn placements that proxies may still use."""
        return {w.app for w in self._withdrawn.values()}

    def placed(self, preview: PreviewRecord) -> bool:
        """Return whether the placements that may be stored lead to the current attempt."""
        found = (record.placements.get(preview.sha) for record in self._stored(preview.app))
        return any(placement and placement.task_id == preview.task_id for placement in found)

    def may_receive_requests(self, preview: PreviewRecord) -> bool:
        """Return whether proxies may still send requests to a preview's current attempt."""
        return self.placed(preview) or preview.task_id in self._withdrawn

    def in_use(self) -> Iterator[tuple[str, int]]:
        """Yield every (host, port) that no new attempt may get, some more than once.

        Read it all before anything changes.
        """
        late = [record for app in self._dirty for record in self._stored(app)]
        return chain(
            self._index.places,
            ((w.host, port) for w in self._withdrawn.values() for port in w.ports),
            ((p.host, at) for record in late for p in record.placements.values() for at in p.ports),
        )

    def mark_dirty(self, app: str) -> None:
        """Have `publish` check the placements of an app."""
        self._dirty.add(app)

    def publish(self, unrouted: Collection[str]) -> None:
        """Write the placements of each dirty app if they have changed, or their signatures."""
        if self.destinations.is_missigned:
            self.destinations.publish()
        for app in tuple(self._dirty):
            after = placements.placements(app, self._index.of_app(app), unrouted)
            differs = any(_content(record) != _content(after) for record in self._stored(app))
            if differs or app in self._missigned:
                self._write(self._sign(after))
            self._dirty.discard(app)

    def _sign(self, record: PlacementsRecord) -> PlacementsRecord:
        """Return a record with the signatures of its placements."""
        signed = {
            sha: signatures.sign_placement(self._key, record.app, sha, placement)
            for sha, placement in record.placements.items()
        }
        return dataclasses.replace(record, signatures=signed)

    def _write(self, after: PlacementsRecord) -> None:
        before = self._stored(after.app)
        self.destinations.publish()
        if after not in before:
            self._unconfirmed.setdefault(after.app, []).append(after)
        version = self._store.save(after)
        self._placements[after.app] = after
        self._unconfirmed.pop(after.app, None)
        self._missigned.discard(after.app)
        for record in before:
            self._hold(withdrawals.withdrawn(record, after, version, self._clock.monotonic()))

    def _stored(self, app: str) -> list[PlacementsRecord]:
        """Return what the store holds; after a write without an answer, all that it may hold."""
        return [self._placements.get(app, PlacementsRecord(app)), *self._unconfirmed.get(app, ())]

    def release_acknowledged(self, drain: float) -> None:
        """Drop the withdrawals that no proxy holds up any more. Reads the store if there are any.

        Requests that began before a withdrawal may continue for `drain` seconds.
        """
        if self._withdrawn:
            proxies, now = self._store.proxies(), self._clock.monotonic()
            held = withdrawals.still_held(self._withdrawn.values(), proxies, now, drain)
            self._withdrawn = {w.task_id: w for w in held}

    def forget(self, app: str) -> None:
        """Remove the placements of an app."""
        if app in self._placements or app in self._unconfirmed:
            self._store.delete(PlacementsRecord(app))
            self._placements.pop(app, None)
            self._unconfirmed.pop(app, None)
        self._dirty.discard(app)
        self._missigned.discard(app)

    def _hold(self, gone: Collection[Withdrawal]) -> None:
        self._withdrawn |= {w.task_id: w for w in gone}


def _content(record: PlacementsRecord) -> tuple[object, object]:
    """Return the content of a record without its signatures."""
    return record.placements, record.failed
