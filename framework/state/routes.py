"""Where visitors are sent: the placements as proxies read them, and what those have yet to let go.

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
    """Follows the previews in `index`; `mark_dirty` says which app's have changed.

    What is written is signed with the first of `keys`. What is stored with another signature is
    written anew.
    `destinations` are where they may lead.
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
        # What the last run has written is read by proxies; what it should have been is seen to
        # at once, for every app.
        self._touched = {*(a.name for a in stored.apps), *(p.app for p in stored.previews)}
        self._touched |= set(self._placements)
        self._missigned = {
            app for app, record in self._placements.items() if self._sign(record) != record
        }
        self._unsure: dict[str, list[PlacementsRecord]] = {}
        self._withdrawn: dict[str, Withdrawal] = {}
        self._hold(
            withdrawals.inherited(
                stored.previews, self._placements, stored.versions, clock.monotonic()
            )
        )

    def awaits_proxies(self) -> bool:
        """Tell whether proxies are about to let go of something."""
        now = self._clock.monotonic()
        return any(withdrawals.hurried(w, now) for w in self._withdrawn.values())

    @property
    def letting_go(self) -> int:
        """How many placements are gone that proxies have yet to let go of."""
        return len(self._withdrawn)

    @property
    def withdrawn_apps(self) -> Collection[str]:
        """The apps of which proxies hold something that is gone."""
        return {w.app for w in self._withdrawn.values()}

    def placed(self, preview: PreviewRecord) -> bool:
        """Tell whether the placements, as they may be stored, lead to the current attempt."""
        found = (record.placements.get(preview.sha) for record in self._stored(preview.app))
        return any(placement and placement.task_id == preview.task_id for placement in found)

    def may_receive_requests(self, preview: PreviewRecord) -> bool:
        """Tell whether visitors may be on a preview's current attempt, or be sent there."""
        return self.placed(preview) or preview.task_id in self._withdrawn

    def in_use(self) -> Iterator[tuple[str, int]]:
        """Yield every (host, port) that no new attempt may get, some more than once.

        To be read before anything changes.
        """
        late = [record for app in self._touched for record in self._stored(app)]
        return chain(
            self._index.places,
            ((w.host, w.port) for w in self._withdrawn.values()),
            ((p.host, p.port) for record in late for p in record.placements.values()),
        )

    def mark_dirty(self, app: str) -> None:
        """Have `publish` look at an app."""
        self._touched.add(app)

    def publish(self, unrouted: Collection[str]) -> None:
        """Write the placements of each app that was touched, where they differ."""
        for app in tuple(self._touched):
            after = placements.placements(app, self._index.of_app(app), unrouted)
            differs = any(_said(record) != _said(after) for record in self._stored(app))
            if differs or app in self._missigned:
                self._write(self._sign(after))
            self._touched.discard(app)

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
            self._unsure.setdefault(after.app, []).append(after)
        version = self._store.save(after)
        self._placements[after.app] = after
        self._unsure.pop(after.app, None)
        self._missigned.discard(after.app)
        for record in before:
            self._hold(withdrawals.withdrawn(record, after, version, self._clock.monotonic()))

    def _stored(self, app: str) -> list[PlacementsRecord]:
        """Return what the store holds; where a write had no answer, all that it may hold."""
        return [self._placements.get(app, PlacementsRecord(app)), *self._unsure.get(app, ())]

    def release_acknowledged(self, drain: float) -> None:
        """Drop what no proxy holds any more. Asks the store if there is anything.

        Requests that began before may go on for `drain` seconds.
        """
        if self._withdrawn:
            proxies, now = self._store.proxies(), self._clock.monotonic()
            held = withdrawals.still_held(self._withdrawn.values(), proxies, now, drain)
            self._withdrawn = {w.task_id: w for w in held}

    def forget(self, app: str) -> None:
        """Remove the placements of an app."""
        if app in self._placements or app in self._unsure:
            self._store.delete(PlacementsRecord(app))
            self._placements.pop(app, None)
            self._unsure.pop(app, None)
        self._touched.discard(app)
        self._missigned.discard(app)

    def _hold(self, gone: Collection[Withdrawal]) -> None:
        self._withdrawn |= {w.task_id: w for w in gone}


def _said(record: PlacementsRecord) -> tuple[object, object]:
    """Return what is in a record but for signatures."""
    return record.placements, record.failed
