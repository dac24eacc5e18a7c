"""The records in memory, written through to the store. Owned by the service's thread.

The store is written first: when that raises, memory is as before, and so what is decided next.
The store may have been written all the same; `make_sure` sees to it that it is as memory then.
"""

import dataclasses
import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

import structlog

from framework.clock import Clock
from framework.errors import UnknownApp, UnknownPreview
from framework.matching import launch_queue
from framework.ports import Store, Stored, Vault
from framework.preview import lifecycle, steps, transitions
from framework.preview.transitions import Transition
from framework.state import placements
from framework.state.preview_index import PreviewIndex
from framework.state.routes import PlacementPublisher
from framework.state.secret_records import SecretRecords
from framework.state.snapshot import Snapshot
from framework.state.token_records import TokenRecords
from prevs import names
from prevs.commit_settings import CommitSettings
from prevs.records import AppRecord, PreviewRecord
from prevs.states import State

log = structlog.get_logger(__name__)

_AT_ONCE = 100
"""Records in one write: ZooKeeper takes a megabyte, and one has a kilobyte or two."""
_LARGE = 2000
"""Bytes of one that counts for several: its commit or its attempts say much, or what is wrong."""
_SHORT = (None, CommitSettings())
"""What settings are where no commit says anything: most previews are of such."""


class Records:
    """Apps and previews.

    `routes` has the placements that follow from them, which are signed with the first of `keys`;
    `tokens` has the tokens, `secrets` what apps are given.
    """

    def __init__(
        self, stored: Stored, store: Store, clock: Clock, vault: Vault, *, keys: Sequence[bytes]
    ) -> None:
        self._store = store
        self._clock = clock
        self._apps = {app.name: app for app in stored.apps}
        self._index = PreviewIndex(stored.previews)
        self._unconfirmed: dict[tuple[str, ...], AppRecord | PreviewRecord] = {}
        self._snapshot: Snapshot | None = None
        self._pause_end = math.inf
        self._typical_durations: Mapping[str, Mapping[str, float]] = {}
        self._usual_stale = set(self._index.apps)
        self.routes = PlacementPublisher(stored, store, clock, self._index, keys=keys)
        self.tokens = TokenRecords(stored.tokens, store)
        self.secrets = SecretRecords(stored.secrets, store, vault)
        self.framework_id = stored.framework_id

    def snapshot(self) -> Snapshot:
        """Return all apps but removed ones, their previews, all tokens and secrets.

        Made only after a change, and after a pause before an attempt, when a place is taken.
        """
        now = self._clock.now()
        if self._snapshot is None or now >= self._pause_end:
            apps = {name: app for name, app in self._apps.items() if not app.removed}
            previews = dict(self._index.all)
            for name in self._index.apps - apps.keys():
                for preview in self._index.of_app(name):
                    del previews[preview.app, preview.sha]
            queued = self.in_state(State.QUEUED)
            places = launch_queue.places(queued, now)
            self._pause_end = launch_queue.find_pause_end(queued, now)
            usual = self._keep_usual()
            shared = dict(self._index.shared)
            self._snapshot = Snapshot(
                apps, previews, places, typical_durations=usual, shared=shared
            )
        # Made anew where these have changed: they write themselves.
        if self._snapshot.tokens is not self.tokens.all:
            self._snapshot = self._snapshot._replace(tokens=self.tokens.all)
        if self._snapshot.secrets is not self.secrets.all:
            self._snapshot = self._snapshot._replace(secrets=self.secrets.all)
        return self._snapshot

    def _keep_usual(self) -> Mapping[str, Mapping[str, float]]:
        """Return what is usual, looked for anew only in apps of which an attempt came to run."""
        if self._usual_stale:
            new = {app: steps.usual(self.of_app(app)) for app in self._usual_stale}
            self._typical_durations = {
                app: known for app, known in {**self._typical_durations, **new}.items() if known
            }
            self._usual_stale = set()
        return self._typical_durations

    @property
    def apps(self) -> Collection[AppRecord]:
        """Every app, removed ones too."""
        return tuple(self._apps.values())

    def of_app(self, name: str) -> Collection[PreviewRecord]:
        """Return the previews of an app."""
        return self._index.of_app(name)

    def in_state(self, *states: State) -> Collection[PreviewRecord]:
        """Return the previews in one of some states."""
        return self._index.in_state(*states)

    def counts(self) -> Mapping[State, int]:
        """Return how many previews are in each state."""
        return self._index.counts()

    def find_app(self, name: str) -> AppRecord | None:
        """Return an app, also one that is being removed; None where there is none."""
        return self._apps.get(name)

    def app(self, name: str) -> AppRecord:
        """Return an app that is not being removed. Raises UnknownApp."""
        app = self._apps.get(name)
        if app is None or app.removed:
            raise UnknownApp(name)
        return app

    def preview(self, app: str, sha: str) -> PreviewRecord:
        """Return a preview. Raises UnknownPreview."""
        preview = self.find(app, sha)
        if preview is None:
            raise UnknownPreview(app, sha)
        return preview

    def find(self, app: str, sha: str) -> PreviewRecord | None:
        """Return a preview, None where it was never asked for."""
        return self._index.all.get((app, sha))

    def of_task(self, task_id: str) -> PreviewRecord | None:
        """Return the preview whose current attempt has that task."""
        read = names.read_task_id(task_id)
        preview = self.find(read.app, read.sha) if read else None
        if preview and preview.task_id == task_id and preview.state in lifecycle.WITH_TASK:
            return preview
        return None

    def save_app(self, app: AppRecord) -> AppRecord:
        """Write an app."""
        self._unconfirmed[app.name,] = app
        self._store.save(app)
        del self._unconfirmed[app.name,]
        self._apps[app.name] = app
        self._snapshot = None
        return app

    def save(self, preview: PreviewRecord) -> PreviewRecord:
        """Write a preview, if it differs from what is written."""
        self.save_all((preview,))
        return preview

    def save_all(self, previews: Iterable[PreviewRecord]) -> None:
        """Write previews that differ from what is written, many in one round trip.

        Where that raises, some may be written and others not; memory says which.
        """
        for some in _parts([preview for preview in previews if self._differs(preview)]):
            self._write(some)

    def add(self, preview: PreviewRecord, label: str) -> PreviewRecord:
        """Write a new preview that `label` is to lead to."""
        added = dataclasses.replace(preview, labels=(label,))
        self._write([added, *self._give_up_labels(added, added.labels)])
        return added

    def change(
        self, preview: PreviewRecord, transition: Transition, *, label: str = ""
    ) -> PreviewRecord:
        """Write what a transition makes of a preview. Raises IllegalTransition.

        `label` is to lead to it: now if it runs, else as soon as it does. Keeps labels right: one
        that begins to run takes its labels from others, one that no longer runs leaves them to who
        waits for them. All of that is one write.
        """
        return self.change_all([(preview, transition)], label=label)[0]

    def change_all(
        self, wanted: Sequence[tuple[PreviewRecord, Transition]], *, label: str = ""
    ) -> list[PreviewRecord]:
        """Write what transitions make of several previews, all of it or none; else as `change`."""
        changes = [(before, self._follow(before, what, label)) for before, what in wanted]
        losers = [
            loser
            for preview, changed in changes
            for loser in self._give_up_labels(changed, _claims(preview, changed, label))
        ]
        self._write([one for one in (*(c for _, c in changes), *losers) if self._differs(one)])
        for (preview, transition), (_, changed) in zip(wanted, changes, strict=True):
            _log_change(preview, transition, changed)
        return [changed for _, changed in changes]

    def _follow(self, preview: PreviewRecord, transition: Transition, label: str) -> PreviewRecord:
        rivals = (
            self._other_holders(preview, preview.labels) if preview.state is State.RUNNING else ()
        )
        contested = {label for rival in rivals for label in rival.labels}
        now = self._clock.now()
        changed = transitions.follow(preview, transition, now, contested=contested)
        if label:
            labels = placements.with_label(changed, label)
            changed = dataclasses.replace(changed, labels=labels)
        return changed

    def _differs(self, preview: PreviewRecord) -> bool:
        return self.find(preview.app, preview.sha) != preview

    def _write(self, previews: Sequence[PreviewRecord]) -> None:
        if not previews:
            return
        for preview in previews:
            self._unconfirmed[preview.app, preview.sha] = preview
        self._store.save_all(previews)
        for preview in previews:
            del self._unconfirmed[preview.app, preview.sha]
            before = self.find(preview.app, preview.sha)
            if preview.step_seconds != (before.step_seconds if before else {}):
                self._usual_stale.add(preview.app)
            self._index.put(preview)
            self._changed(preview.app)

    def rewrite_unconfirmed(self) -> None:
        """Write again what was written without an answer. Raises Unavailable.

        Else what was asked for in vain would be found by the next leader, and done long after.
        """
        self.tokens.make_sure()
        self.secrets.make_sure()
        for key, tried in tuple(self._unconfirmed.items()):
            known = self._apps.get(key[0]) if isinstance(tried, AppRecord) else self.find(*key)
            if known is None:
                self._store.delete(tried)
            else:
                self._store.save(known)
            del self._unconfirmed[key]

    def _give_up_labels(
        self, preview: PreviewRecord, labels: Collection[str]
    ) -> list[PreviewRecord]:
        """Return the other previews that hold some `labels` of a preview, without these."""
        return [
            dataclasses.replace(other, labels=placements.without(other, labels))
            for other in self._other_holders(preview, labels)
            # It leads there until the new one runs.
            if other.state is not State.RUNNING or preview.state is State.RUNNING
        ]

    def _other_holders(
        self, preview: PreviewRecord, labels: Collection[str]
    ) -> Collection[PreviewRecord]:
        """Return the other previews of the app that hold one of `labels`."""
        holders = self._index.with_label(preview.app, labels)
        return [other for other in holders if other.sha != preview.sha]

    def _changed(self, app: str) -> None:
        self._snapshot = None
        self.routes.mark_dirty(app)

    def live_proxies(self) -> int:
        """Return how many proxies are there. Asks the store."""
        return len(self._store.proxies())

    def save_framework_id(self, framework_id: str) -> None:
        """Write the framework id, if it differs from what is written."""
        if self.framework_id != framework_id:
            self._store.save_framework_id(framework_id)
            self.framework_id = framework_id

    def forget_preview(self, preview: PreviewRecord) -> None:
        """Remove the record of a preview that has no task."""
        self._store.delete(preview)
        self._unconfirmed.pop((preview.app, preview.sha), None)
        self._index.drop((preview.app, preview.sha))
        if preview.step_seconds:
            self._usual_stale.add(preview.app)
        self._changed(preview.app)

    def forget(self, name: str) -> None:
        """Remove an app's records, its own last, so that an interrupted removal goes on."""
        for preview in self.of_app(name):
            self.forget_preview(preview)
        self.routes.forget(name)
        self.secrets.remove(name)
        self.tokens.remove_of(name)
        if name in self._apps:
            self._store.delete(self._apps[name])
            self._unconfirmed.pop((name,), None)
            del self._apps[name]
        self._snapshot = None


def _claims(before: PreviewRecord, after: PreviewRecord, label: str) -> Collection[str]:
    """Return the labels that a preview takes from others when it changes."""
    if after.state is State.RUNNING is not before.state:
        return after.labels
    return (label,) if label else ()


def _log_change(before: PreviewRecord, transition: Transition, after: PreviewRecord) -> None:
    if before.state is not after.state:
        log.info(
            "preview changed",
            app=before.app,
            commit=before.sha[:12],
            task=after.task_id,
            before=before.state.value,
            now=after.state.value,
            why=transition.event.value,
        )


def _parts(previews: Iterable[PreviewRecord]) -> Iterator[Sequence[PreviewRecord]]:
    """Yield previews, as many at a time as go into one write."""
    part: list[PreviewRecord] = []
    room = _AT_ONCE
    for preview in previews:
        says_much = preview.failure or preview.attempts or preview.settings not in _SHORT
        size = 1 + (len(preview.encode()) // _LARGE if says_much else 0)
        if part and size > room:
            yield part
            part, room = [], _AT_ONCE
        part.append(preview)
        room -= size
    if part:
        yield part
