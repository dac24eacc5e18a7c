"""The records in memory, written through to the store. Owned by the service's thread.

The store is written first: when that raises, memory is as before, and so what is decided next.
"""

import dataclasses
from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import structlog

from framework import lifecycle, placements, withdrawals
from framework.clock import Clock
from framework.errors import UnknownApp, UnknownPreview
from framework.lifecycle import Event
from framework.matching import Key
from framework.ports import Store, Stored
from framework.withdrawals import Withdrawal
from prevs import names
from prevs.records import AppRecord, PlacementsRecord, PreviewRecord
from prevs.states import State

log = structlog.get_logger(__name__)


class Snapshot(NamedTuple):
    """All apps and previews at one moment; never changed afterwards.

    `queue_places` are those of the previews that wait, 1 being the next.
    """

    apps: Mapping[str, AppRecord]
    previews: Mapping[Key, PreviewRecord]
    queue_places: Mapping[Key, int] = MappingProxyType({})


class Records:
    """Apps, previews, placements, and what proxies have yet to let go of."""

    def __init__(self, stored: Stored, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._apps = {app.name: app for app in stored.apps}
        self._previews = {(p.app, p.sha): p for p in stored.previews}
        self._placements = {record.app: record for record in stored.placements}
        # What the last run has written is read by proxies; what it should have been is seen to
        # at once, for every app.
        self._unpublished = {*self._apps, *self._placements, *(p.app for p in stored.previews)}
        self.withdrawals: list[Withdrawal] = []
        self.framework_id = stored.framework_id

    def snapshot(self) -> Snapshot:
        """Return all apps but removed ones, and all their previews."""
        apps = {name: app for name, app in self._apps.items() if not app.removed}
        previews = {k: p for k, p in self._previews.items() if p.app in apps}
        return Snapshot(apps, previews)

    @property
    def apps(self) -> Collection[AppRecord]:
        """Every app, removed ones too."""
        return tuple(self._apps.values())

    @property
    def previews(self) -> Collection[PreviewRecord]:
        """Every preview."""
        return tuple(self._previews.values())

    def app(self, name: str) -> AppRecord:
        """Return an app that is not being removed. Raises UnknownApp."""
        app = self._apps.get(name)
        if app is None or app.removed:
            raise UnknownApp(name)
        return app

    def being_removed(self, name: str) -> bool:
        """Tell whether an app of that name is there, but only to be removed."""
        return name in self._apps and self._apps[name].removed

    def preview(self, app: str, sha: str) -> PreviewRecord:
        """Return a preview. Raises UnknownPreview."""
        preview = self.find(app, sha)
        if preview is None:
            raise UnknownPreview(app, sha)
        return preview

    def find(self, app: str, sha: str) -> PreviewRecord | None:
        """Return a preview, None where it was never asked for."""
        return self._previews.get((app, sha))

    def of_task(self, task_id: str) -> PreviewRecord | None:
        """Return the preview whose current attempt has that task."""
        read = names.read_task_id(task_id)
        preview = self.find(read.app, read.sha) if read else None
        if preview and preview.task_id == task_id and preview.state in lifecycle.WITH_TASK:
            return preview
        return None

    def in_use(self) -> set[tuple[str, int]]:
        """Return every (host, port) that no new attempt may get."""
        return (
            {
                (p.agent_host, p.host_port)
                for p in self._previews.values()
                if p.state in lifecycle.WITH_TASK and p.agent_host and p.host_port
            }
            | {(w.host, w.port) for w in self.withdrawals}
            | {(p.host, p.port) for r in self._placements.values() for p in r.placements.values()}
        )

    def routed(self, preview: PreviewRecord) -> bool:
        """Tell whether some visitor may still be sent to a preview's current attempt."""
        record = self._placements.get(preview.app)
        place = (preview.agent_host, preview.host_port)
        if record and place in {(p.host, p.port) for p in record.placements.values()}:
            return True
        return place in {(w.host, w.port) for w in self.withdrawals}

    def save_app(self, app: AppRecord) -> AppRecord:
        """Write an app."""
        self._store.save(app)
        self._apps[app.name] = app
        return app

    def save(self, preview: PreviewRecord) -> PreviewRecord:
        """Write a preview, if it differs from what is written."""
        key = (preview.app, preview.sha)
        if self._previews.get(key) != preview:
            self._store.save(preview)
            self._previews[key] = preview
            self._unpublished.add(preview.app)
        return preview

    def change(self, preview: PreviewRecord, event: Event, **fields: Any) -> PreviewRecord:
        """Write what `event` makes of a preview. Raises IllegalTransition.

        Keeps labels right: one that begins to run takes its labels from others, one that no
        longer runs leaves them to who waits for them.
        """
        state = lifecycle.step(preview.state, event)
        if state is not preview.state:
            fields["changed"] = self._clock.now()
        if preview.state is State.RUNNING is not state:
            others = placements.rivals(preview, preview.labels, self.previews)
            wanted = {label for other in others for label in other.labels}
            fields.setdefault("labels", placements.without(preview, wanted))
        changed = self.save(dataclasses.replace(preview, state=state, **fields))
        if preview.state is not state:
            log.info(
                "preview changed",
                app=preview.app,
                commit=preview.sha[:12],
                task=changed.task_id,
                before=preview.state.value,
                now=state.value,
                why=event.value,
            )
        if state is State.RUNNING is not preview.state:
            self._take_labels(changed, changed.labels)
        return changed

    def claim(self, preview: PreviewRecord, label: str) -> PreviewRecord:
        """Write that `label` is to lead to a preview: now if it runs, else as soon as it does."""
        self._take_labels(preview, (label,))
        return self.save(dataclasses.replace(preview, labels=placements.with_label(preview, label)))

    def _take_labels(self, preview: PreviewRecord, labels: Collection[str]) -> None:
        for other in placements.rivals(preview, labels, self.previews):
            if other.state is State.RUNNING is not preview.state:
                continue  # it leads there until the new one runs
            self.save(dataclasses.replace(other, labels=placements.without(other, labels)))

    def publish(self, unrouted: Collection[str]) -> None:
        """Write the placements of each app whose previews have changed, where they differ."""
        for app in tuple(self._unpublished):
            before = self._placements.get(app)
            after = placements.placements(app, self.previews, unrouted)
            if after != (before or PlacementsRecord(app)):
                version = self._store.save(after)
                self._placements[app] = after
                now = self._clock.monotonic()
                self.withdrawals += withdrawals.withdrawn(before, after, version, now)
            self._unpublished.discard(app)

    def republish(self, app: str) -> None:
        """Have `publish` look at an app although none of its previews has changed."""
        self._unpublished.add(app)

    def let_go(self) -> None:
        """Drop the withdrawals that every proxy has applied. Asks the store if there are any."""
        if self.withdrawals:
            proxies = self._store.proxies()
            now = self._clock.monotonic()
            self.withdrawals = withdrawals.still_held(self.withdrawals, proxies, now)

    def save_framework_id(self, framework_id: str) -> None:
        """Write the framework id, if it differs from what is written."""
        if self.framework_id != framework_id:
            self._store.save_framework_id(framework_id)
            self.framework_id = framework_id

    def forget(self, name: str) -> None:
        """Remove an app's records, its own last, so that an interrupted removal goes on."""
        for key, preview in tuple(self._previews.items()):
            if preview.app == name:
                self._store.delete(preview)
                del self._previews[key]
        if name in self._placements:
            self._store.delete(self._placements[name])
            del self._placements[name]
        if name in self._apps:
            self._store.delete(self._apps[name])
            del self._apps[name]
        self._unpublished.discard(name)
