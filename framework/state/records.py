"""The records in memory, written through to the store. Owned by the service's thread.

The store is written first. If the write raises, memory is unchanged, and so is the next decision.
The write may still have happened; `rewrite_unconfirmed` then makes the store equal to memory again.
"""

import dataclasses
import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import structlog

from framework.clock import Clock
from framework.errors import UnknownApp, UnknownPreview
from framework.matching import launch_queue
from framework.ports import Store, Stored, Vault
from framework.preview import transitions
from framework.pulls import gate, repository_ids, same_commits
from framework.pulls.errors import OtherRepository
from framework.pulls.gate import Rules
from framework.pulls.same_commits import Facts
from framework.state import placements, pull_records
from framework.state.access_records import AccessRecords
from framework.state.gates.gate_records import GateRecords
from framework.state.gates.signed_records import SignedRecords
from framework.state.gates.stack_records import StackRecords
from framework.state.jobs.job_records import JobRecords
from framework.state.placements import taken_labels
from framework.state.preview_index import PreviewIndex
from framework.state.pull_records import PullRecords, RepositoryRecords
from framework.state.role_records import RoleRecords
from framework.state.routes import PlacementPublisher
from framework.state.secret_records import SecretRecords
from framework.state.snapshot import Snapshot
from framework.state.token_records import TokenRecords
from framework.state.unconfirmed_writes import UnconfirmedWrites, divide
from framework.units.transitions import Transition
from prevs import names
from prevs.jobs import JobRecord
from prevs.records import AppRecord, PreviewRecord
from prevs.states import State
from prevs.units import Unit, preview_unit

log = structlog.get_logger(__name__)


class Records:
    """Apps and previews.

    `routes` publishes the placements that follow from them, signed with the first of `keys`.
    `tokens` has the tokens, `roles` those of people, `secrets` what apps are given, `access` who
    may look, `gates` the gates and `stacks` the stacks, all signed likewise, `pulls` the pull
    requests, `repositories` which repositories these are of, `jobs` the jobs. `vault` seals what
    must not be stored in the clear.
    """

    def __init__(
        self, stored: Stored, store: Store, clock: Clock, vault: Vault, *, keys: Sequence[bytes]
    ) -> None:
        self._store = store
        self.vault = vault
        self._clock = clock
        self._apps = {app.name: app for app in stored.apps}
        self._index = PreviewIndex(stored.previews)
        self._app_writes: UnconfirmedWrites[str, AppRecord] = UnconfirmedWrites(
            store, lambda app: app.name
        )
        self._preview_writes: UnconfirmedWrites[Unit, PreviewRecord] = UnconfirmedWrites(
            store, lambda preview: preview_unit(preview.app, preview.sha)
        )
        self._snapshot: Snapshot | None = None
        self._pause_end = math.inf
        self.routes = PlacementPublisher(stored, store, clock, self._index, keys=keys)
        self.tokens = TokenRecords(stored.tokens, store)
        self.roles = RoleRecords(stored.roles, store)
        self.secrets = SecretRecords(stored.secrets, store, vault)
        self.access = AccessRecords(stored.access, store, keys=keys, now=clock.now())
        self.pulls = PullRecords(stored.pulls, store)
        self.jobs = JobRecords(stored.jobs, store.jobs, clock)
        self.repositories = RepositoryRecords(stored.repositories, store)
        self.gates = GateRecords(stored.gates, store, keys=keys)
        self.stacks = StackRecords(stored.stacks, store, keys=keys)
        self.signed = SignedRecords(self.access, self.gates, self.stacks, self.routes)
        self.framework_id = stored.framework_id

    def snapshot(self, **others: Mapping[Any, Any]) -> Snapshot:
        """Return all apps except removed ones, their previews, all else that is stored, and others.

        It is made again only after a change, if one of `others` was replaced, and when the pause
        before an attempt ends: then a preview gets a place in the queue.
        """
        now = self._clock.now()
        if self._snapshot is None or now >= self._pause_end:
            apps = {name: app for name, app in self._apps.items() if not app.removed}
            previews = dict(self._index.all)
            for name in self._index.apps - apps.keys():
                for preview in self._index.of_app(name):
                    del previews[preview_unit(name, preview.sha)]
            queued = self.units_in_state(State.QUEUED)
            places = launch_queue.places(queued, now)
            self._pause_end = launch_queue.find_pause_end(queued, now)
            durations = self._index.find_typical_durations()
            shared, watched = dict(self._index.shared), self._index.find_watched()
            self._snapshot = Snapshot(
                *(apps, previews, places),
                typical_durations=durations,
                shared=shared,
                watched=watched,
            )
        # These change without apps and previews.
        others |= {
            "tokens": self.tokens.all,
            "roles": self.roles.all,
            "secrets": self.secrets.all,
            "access": self.access.all,
            "pulls": self.pulls.all,
            "jobs": self.jobs.shown,
            "schedules": self.jobs.schedules.all,
            "repositories": self.repositories.all,
            "gates": self.gates.all,
            "stacks": self.stacks.all,
            "instances": self.stacks.instances,
            "variants_at": self.stacks.variants_at,
        }
        if any(getattr(self._snapshot, name) is not known for name, known in others.items()):
            self._snapshot = self._snapshot._replace(**others)
        return self._snapshot

    @property
    def apps(self) -> Collection[AppRecord]:
        """Every app, removed ones too."""
        return tuple(self._apps.values())

    def of_app(self, name: str) -> Collection[PreviewRecord]:
        """Return the previews of an app."""
        return self._index.of_app(name)

    def of_commit(self, app: str, sha: str) -> Collection[PreviewRecord]:
        """Return the preview of a commit, and the instances of variants that are built from it."""
        own = self.find(preview_unit(app, sha))
        instances = [
            one for one in self._index.instances.values() if (one.app, one.built_from) == (app, sha)
        ]
        return [*([own] if own else ()), *instances]

    def list_instances(self) -> Collection[PreviewRecord]:
        """Return the previews that are instances of variants of stacks."""
        return tuple(self._index.instances.values())

    def in_state(self, *states: State) -> Collection[PreviewRecord]:
        """Return the previews in one of some states."""
        return self._index.in_state(*states)

    def units_in_state(self, *states: State) -> Collection[tuple[Unit, PreviewRecord]]:
        """Return the same as `in_state`, each preview with its unit."""
        return self._index.units_in_state(*states)

    def counts(self) -> Mapping[State, int]:
        """Return how many previews are in each state."""
        return self._index.counts()

    def find_app(self, name: str) -> AppRecord | None:
        """Return an app, also one that is being removed; None if there is none."""
        return self._apps.get(name)

    def app(self, name: str) -> AppRecord:
        """Return an app that is not being removed. Raises UnknownApp."""
        app = self._apps.get(name)
        if app is None or app.removed:
            raise UnknownApp(name)
        return app

    def find_rules(self, app: str) -> Rules:
        """Return the rules for an app's pull requests."""
        return pull_records.find_rules(self.app(app), self.secrets.all)

    def check_gate(
        self, app: str, sha: str, refs: Iterable[str], *, in_variant: bool = False
    ) -> bool:
        """Return whether a commit that may be built is a stranger's; `refs` lead to it.

        One of a closed pull request may be, as what it was, while a gate leads to it. Raises
        UnknownApp, OtherRepository, UnknownPull, NotApproved.
        """
        known, pull = self.app(app), names.find_pull(refs)
        if why := self.find_other_repository(app):
            raise OtherRepository(app, why)
        if not pull:
            return False
        preview = self.find(preview_unit(app, sha))
        if preview and not self._is_open(app, pull) and self.gates.list_kept(app).has(preview):
            return preview.stranger
        rules = pull_records.find_rules(known, self.secrets.all)
        return gate.check(rules, self.pulls.find_open(app, pull), sha, in_variant=in_variant)

    def _is_open(self, app: str, number: int) -> bool:
        pull = self.pulls.of(app).get(number)
        return pull is not None and pull.closed is None

    def find_other_repository(self, app: str) -> str:
        """Return why nothing of an app is built, if another repository has its address, else ""."""
        known = self._apps.get(app)
        record = self.repositories.all.get(app)
        return repository_ids.find_problem(known, record) if known else ""

    def find_ref(self, preview: PreviewRecord | JobRecord) -> str:
        """Return the ref that reaches a unit's commit if no branch and no tag does, else "".

        If nothing reaches it, but a gate stays there, it is the commit's own id.
        """
        pull = self.pulls.of(preview.app).get(names.find_pull(preview.refs))
        if pull:
            return pull.ref
        if isinstance(preview, JobRecord) or preview.unreferenced_since is None:
            return ""
        return preview.commit if self.gates.list_kept(preview.app).has(preview) else ""

    def preview(self, unit: Unit) -> PreviewRecord:
        """Return a preview. Raises UnknownPreview."""
        preview = self.find(unit)
        if preview is None:
            raise UnknownPreview(unit.app, unit.name)
        return preview

    def find(self, unit: Unit) -> PreviewRecord | None:
        """Return a preview; None if nobody has ever requested it."""
        return self._index.all.get(unit)

    def find_serving(self, unit: Unit) -> PreviewRecord | None:
        """Return the preview of a commit, or the one that serves it too; None if there is none."""
        own = self.find(unit)
        return own or same_commits.find_known(self._index.watched(unit.app), unit.name)

    def find_facts(self, app: str) -> Facts | None:
        """Return what decides what the commits of an app get; None if that cannot be told now."""
        given = self.secrets.find(app)
        return Facts(self.app(app), given, self.pulls.of(app)) if given else None

    def of_task(self, task_id: str) -> PreviewRecord | None:
        """Return the preview whose current attempt has that task."""
        unit = self._index.of_task(task_id)
        return self._index.all[unit] if unit else None

    def save_app(self, app: AppRecord) -> AppRecord:
        """Write an app."""
        self._app_writes.save(app)
        self._apps[app.name] = app
        self._snapshot = None
        return app

    def save(self, preview: PreviewRecord) -> PreviewRecord:
        """Write a preview if it has changed."""
        self.save_all((preview,))
        return preview

    def save_all(self, previews: Iterable[PreviewRecord]) -> None:
        """Write the previews that have changed, many in one round trip.

        If that raises, some may be written and others not; memory has those that are.
        """
        for some in divide([preview for preview in previews if self._differs(preview)]):
            self._write(some)

    def add(self, preview: PreviewRecord, label: str) -> PreviewRecord:
        """Write a new preview, to which `label` will lead."""
        added = dataclasses.replace(preview, labels=(label,))
        self._write([added, *self._give_up_labels(added, added.labels)])
        return added

    def change(
        self, preview: PreviewRecord, transition: Transition[PreviewRecord], *, label: str = ""
    ) -> PreviewRecord:
        """Apply a transition to a preview and write the result.

        `label` leads to the preview: now if it runs, else as soon as it does. A preview that
        begins to run takes its labels from others; a preview that stops running leaves its labels
        to waiting previews. One write makes all these changes.
        """
        return self.change_all([(preview, transition)], label=label)[0]

    def change_all(
        self, wanted: Sequence[tuple[PreviewRecord, Transition[PreviewRecord]]], *, label: str = ""
    ) -> list[PreviewRecord]:
        """Apply transitions to several previews in one write, all or none; else as `change`."""
        changes = [(before, self._follow(before, what, label)) for before, what in wanted]
        losers = [
            loser
            for preview, changed in changes
            for loser in self._give_up_labels(changed, taken_labels(preview, changed, label))
        ]
        self._write([one for one in (*(c for _, c in changes), *losers) if self._differs(one)])
        for (preview, transition), (_, changed) in zip(wanted, changes, strict=True):
            _log_change(preview, transition, changed)
        return [changed for _, changed in changes]

    def _follow(
        self, preview: PreviewRecord, transition: Transition[PreviewRecord], label: str
    ) -> PreviewRecord:
        others = (
            self._other_holders(preview, preview.labels) if preview.state is State.RUNNING else ()
        )
        contested = {label for other in others for label in other.labels}
        now = self._clock.now()
        changed = transitions.follow(preview, transition, now, contested=contested)
        if label:
            labels = placements.with_label(changed, label)
            changed = dataclasses.replace(changed, labels=labels)
        return changed

    def _differs(self, preview: PreviewRecord) -> bool:
        return self.find(preview_unit(preview.app, preview.sha)) != preview

    def _write(self, previews: Sequence[PreviewRecord]) -> None:
        if not previews:
            return
        self._preview_writes.save_all(previews)
        for preview in previews:
            self._index.put(preview)
            self._changed(preview.app)

    def rewrite_unconfirmed(self) -> None:
        """Repeat the writes that got no answer."""
        of_people = (self.tokens, self.roles, self.secrets, self.access)
        for part in (*of_people, self.pulls, self.jobs, self.repositories, self.stacks, self.gates):
            part.rewrite_unconfirmed()
        self._app_writes.rewrite(self._apps.get)
        self._preview_writes.rewrite(self._index.all.get)

    def _give_up_labels(
        self, preview: PreviewRecord, labels: Collection[str]
    ) -> list[PreviewRecord]:
        """Return the other previews that hold one of a preview's `labels`, without these labels."""
        return [
            dataclasses.replace(other, labels=placements.without(other, labels))
            for other in self._other_holders(preview, labels)
            # A label leads to the running preview until the new one runs.
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
        """Return how many proxies are alive. Reads the store."""
        return len(self._store.proxies())

    def save_framework_id(self, framework_id: str) -> None:
        """Write the framework id if it has changed."""
        if self.framework_id != framework_id:
            self._store.save_framework_id(framework_id)
            self.framework_id = framework_id

    def forget_preview(self, preview: PreviewRecord) -> None:
        """Remove the record of a preview that has no task."""
        self._preview_writes.delete(preview)
        self._index.drop(preview_unit(preview.app, preview.sha))
        self._changed(preview.app)

    def forget(self, name: str) -> None:
        """Remove an app's records, its own last, so that an interrupted removal is continued."""
        for preview in self.of_app(name):
            self.forget_preview(preview)
        self.routes.forget(name)
        # Only now: without it, proxies let everybody look.
        self.access.remove(name)
        self.secrets.remove(name)
        self.tokens.remove_of(name)
        self.roles.remove_of(name)
        self.pulls.remove_of(name)
        self.jobs.remove_of(name)
        self.gates.remove_of(name)
        self.repositories.remove(name)
        if name in self._apps:
            self._app_writes.delete(self._apps[name])
            del self._apps[name]
        self._snapshot = None


def _log_change(
    before: PreviewRecord, transition: Transition[PreviewRecord], after: PreviewRecord
) -> None:
    if before.state is not after.state:
        log.info(
            "preview changed",
            app=before.app,
            commit=before.commit[:12],
            task=after.task_id,
            before=before.state.value,
            now=after.state.value,
            why=transition.event.value,
        )
