"""framework.service.service_client.ServiceClient out of two dictionaries."""

import dataclasses
import threading
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar, cast

from framework.apps.app_secrets import AppSecrets
from framework.clock import Clock
from framework.errors import AppChanged, AppExists, NotRestartable, NotRetryable, SecretsChanged
from framework.events import ProxyReport, UsageReported
from framework.matching.agents import Unfit
from framework.people import roles
from framework.people.errors import UnknownRole
from framework.ports import Use
from framework.preview import history
from framework.preview.history import History
from framework.pulls import gate
from framework.pulls.errors import UnknownPull
from framework.service.commands import RESTARTED, Commands
from framework.service.data.data_commands import DataCommands
from framework.service.service_client import ServiceClient
from framework.service.variables.variable_commands import VariableCommands
from framework.stacks.errors import InstanceOfVariant
from framework.stacks.pull_variants import list_variants_at
from framework.state.gates.stack_records import Instances
from framework.state.records import Records
from framework.state.secret_records import StoredSecrets
from framework.state.snapshot import Look, Snapshot
from framework.trust import NotTrusted, RecordKind, Refused
from framework.units.transitions import Leaves
from prevs import names
from prevs.access import Access, AccessRecord
from prevs.gates import GateRecord
from prevs.messages import Isolation
from prevs.pulls import PullRecord, RepositoryRecord
from prevs.records import AppRecord, PreviewRecord, SecretsRecord
from prevs.roles import RoleRecord
from prevs.stacks import StackRecord
from prevs.states import ATTEMPTED, State
from prevs.units import preview_unit

T = TypeVar("T")


class FakePreviews(ServiceClient, Commands):
    """Runs commands at once, and launches nothing. `error`, if set, is raised by writes.

    `why_unreadable`, if set, is why no app's variables can be opened. `queued` is called with
    each preview that is queued.
    """

    def __init__(self) -> None:
        self.known_apps: dict[str, AppRecord] = {}
        self.known: dict[tuple[str, str], PreviewRecord] = {}
        self.usual_seconds: dict[str, Mapping[str, float]] = {}
        self.queue_places: dict[tuple[str, str], int] = {}
        self.uses: list[tuple[str, tuple[Use, ...]]] = []
        self.sources: list[tuple[tuple[str, ...], int | None]] = []
        self.refusals: list[tuple[str, tuple[str, ...]]] = []
        self.unfit_agents: dict[str, Unfit] = {}
        self.isolated_agents: dict[str, Isolation] = {}
        self.error: Exception | None = None
        self.given: dict[str, AppSecrets] = {}
        self.access: dict[str, AccessRecord] = {}
        self.why_unreadable = ""
        self.pulls: dict[str, dict[int, PullRecord]] = {}
        self.roles: dict[str, RoleRecord] = {}
        self.looks: dict[str, Look] = {}
        self.gates: Mapping[str, GateRecord] = {}
        self.stacks: Mapping[str, StackRecord] = {}
        self.instances: Instances = {}
        self.refused: dict[tuple[RecordKind, str], Refused] = {}
        self.repositories: dict[str, RepositoryRecord] = {}
        self._confirm: Callable[[AppRecord], object] = lambda _: None
        self.has_sign_in = False
        self.seconds = 1000.0
        self._clock = Clock(lambda: self.seconds)
        self.queued: Callable[[PreviewRecord], object] = lambda preview: None
        self.past = History("fake")
        self._seen = Snapshot({}, {})
        self._noting = threading.Lock()  # each request is answered in a thread of its own

    def put(self, app: str, sha: str, state: State, **fields: Any) -> PreviewRecord:
        """Add a preview with these fields."""
        self.known[app, sha] = PreviewRecord(app, sha, state, **fields)
        return self.known[app, sha]

    def change(self, app: str, sha: str, **fields: Any) -> PreviewRecord:
        """Change these fields of a preview."""
        self.known[app, sha] = dataclasses.replace(self.known[app, sha], **fields)
        return self.known[app, sha]

    @property
    def snapshot(self) -> Snapshot:
        """The current snapshot."""
        # A copy: other threads start previews meanwhile.
        known = {preview_unit(*key): one for key, one in dict(self.known).items()}
        holders: defaultdict[tuple[str, str], tuple[PreviewRecord, ...]] = defaultdict(tuple)
        for one in known.values():
            for label in one.labels:
                holders[one.app, label] += (one,)
        watched = [one for one in known.values() if one.settings and one.settings.watch]
        return Snapshot(
            self.known_apps,
            known,
            {preview_unit(*key): place for key, place in dict(self.queue_places).items()},
            typical_durations=self.usual_seconds,
            secrets={
                app: StoredSecrets(SecretsRecord(app, ""), given, self.why_unreadable)
                for app, given in self.given.items()
            },
            shared=holders,
            repositories=self.repositories,
            unfit=self.unfit_agents,
            isolations=self.isolated_agents,
            access=dict(self.access),
            pulls=self.pulls,
            looks=self.looks,
            roles=dict(self.roles),
            gates=self.gates,
            stacks=self.stacks,
            instances=self.instances,
            variants_at=list_variants_at(self.stacks.values()),
            refused=self.refused,
            watched={app: [one for one in watched if one.app == app] for app in self.known_apps},
        )

    def command(self, command: Callable[[Commands], T]) -> T:
        return command(self)

    def change_data(self, command: Callable[[DataCommands], T]) -> T:
        self._raise_error()
        return command(DataCommands(cast("Records", _DataRecords(self)), self._clock))

    def change_variables(self, command: Callable[[VariableCommands], T]) -> T:
        return command(VariableCommands(self, self._clock))

    def add_app(self, app: AppRecord, access: Access = Access.PUBLIC) -> AppRecord:
        self._raise_error()
        known = self.known_apps.setdefault(app.name, dataclasses.replace(app, created=1000.0))
        if dataclasses.replace(known, created=app.created) != app:
            raise AppExists(app.name)
        return known

    def change_app(
        self, name: str, changes: Mapping[str, object], *, only_if: AppRecord | None = None
    ) -> AppRecord:
        self._raise_error()
        if only_if not in (None, self.snapshot.app(name)):
            raise AppChanged(name)
        fields: dict[str, Any] = dict(changes)
        self.known_apps[name] = dataclasses.replace(self.snapshot.app(name), **fields)
        return self.known_apps[name]

    def remove_app(self, name: str, *, only_if: AppRecord | None = None) -> None:
        self._raise_error()
        if only_if not in (None, self.snapshot.app(name)):
            raise AppChanged(name)
        del self.known_apps[name]
        self.known = {key: one for key, one in self.known.items() if key[0] != name}

    def start(
        self,
        app: str,
        commit: str,
        label: str,
        *,
        refs: Sequence[str] = (),
        ahead: bool = False,
        instance: str = "",
        same: str = "",
    ) -> PreviewRecord:
        self._raise_error()
        self.snapshot.app(app)
        sha = names.instance_id(commit, instance) if instance else same or commit
        new = PreviewRecord(app, sha, State.STOPPED)
        if instance:
            new = dataclasses.replace(new, instance=instance, built_from=commit)
        known = self.known.get((app, sha), new)
        served = (*known.same, commit) if same else known.same
        known = dataclasses.replace(known, refs=tuple(refs), ahead=ahead, same=served)
        labels = (*(one for one in known.labels if one != label), label)
        if known.state is State.STOPPED:
            return self._queue(known, labels=labels)
        return self.change(app, sha, labels=labels, refs=tuple(refs), same=served)

    def stop(self, app: str, sha: str) -> PreviewRecord:
        self._raise_error()
        self.snapshot.preview(app, sha)
        return self.change(app, sha, state=State.STOPPED)

    def retry(self, app: str, sha: str) -> PreviewRecord:
        self._raise_error()
        state = self.snapshot.preview(app, sha).state
        if state is not State.FAILED:
            raise NotRetryable(app, sha, state.value)
        return self._queue(self.known[app, sha], failure=None)

    def restart(self, app: str, sha: str) -> PreviewRecord:
        self._raise_error()
        state = self.snapshot.preview(app, sha).state
        if state not in ATTEMPTED:
            raise NotRestartable(app, sha, state.value)
        return self.change(app, sha, state=State.DRAINING, reason=RESTARTED.text)

    def pin(self, app: str, sha: str, *, pinned: bool) -> PreviewRecord:
        self._raise_error()
        preview = self.snapshot.preview(app, sha)
        if of := self.instances.get(preview.instance):
            raise InstanceOfVariant(app, of.stack, of.variant)
        return self.change(app, sha, pinned=pinned)

    def approve(self, app: str, number: int, commit: str, *, by: str) -> PullRecord:
        self._raise_error()
        rules, pulls = self.snapshot.rules(app), self.pulls.get(app, {})
        if number not in pulls:
            raise UnknownPull(app, number)
        pulls[number] = gate.approve(rules, pulls[number], commit, by=by, now=self.seconds)
        return pulls[number]

    def change_secrets(
        self,
        app: str,
        change: Callable[[AppSecrets], AppSecrets],
        only_if: AppSecrets | None = None,
    ) -> AppSecrets:
        self._raise_error()
        known = self.snapshot.given(app)
        if only_if not in (None, known):
            raise SecretsChanged(app)
        given = change(known)
        given.encode()
        self.given[app] = given
        return given

    def clear_secrets(self, app: str) -> None:
        self.change_secrets(app, lambda given: dataclasses.replace(given, variables={}))

    def change_access(
        self, app: str, change: Callable[[AccessRecord], AccessRecord], *, anew: bool = False
    ) -> AccessRecord:
        self._raise_error()
        if not anew and (RecordKind.ACCESS, app) in self.refused:
            raise NotTrusted(RecordKind.ACCESS, app)
        changed = change(self.snapshot.access_of(app))
        self.access[app] = changed
        if changed.access is Access.PUBLIC:
            del self.access[app]
        return changed

    @property
    def history(self) -> History:
        """The history up to the current snapshot."""
        return self.look()

    def look(self) -> History:
        """Add the changes since the last call to the history."""
        with self._noting:
            now = self.snapshot._replace(apps=dict(self.known_apps))
            before, self._seen = self._seen, now
            self.past = history.note(self.past, before, self._seen, 1000.0)
            return self.past

    def report(self, report: ProxyReport) -> None:
        """Take what a proxy reports."""
        if isinstance(report, UsageReported):
            self.uses.append((report.proxy, tuple(report.uses)))
            self.sources.append((tuple(report.addresses), report.user))
        else:
            self.refusals.append((report.proxy, tuple(report.tasks)))

    def add_role(self, role: RoleRecord) -> RoleRecord:
        self._raise_error()
        roles.check(role)
        if role.app:
            self.snapshot.app(role.app)
        self.roles[role.id] = dataclasses.replace(role, created=self.seconds)
        return self.roles[role.id]

    def remove_role(self, role_id: str) -> None:
        self._raise_error()
        if self.roles.pop(role_id, None) is None:
            raise UnknownRole(role_id)

    def _queue(self, known: PreviewRecord, **fields: Any) -> PreviewRecord:
        queued = dataclasses.replace(known, state=State.QUEUED, **fields)
        self.known[known.app, known.sha] = queued
        self.queued(queued)
        return queued

    def _raise_error(self) -> None:
        if self.error:
            raise self.error


class _DataRecords:
    """What DataCommands needs of the records, which are those of FakePreviews."""

    def __init__(self, previews: FakePreviews) -> None:
        self._previews = previews

    def app(self, name: str) -> AppRecord:
        return self._previews.snapshot.app(name)

    def of_app(self, name: str) -> list[PreviewRecord]:
        return [one for (app, _), one in self._previews.known.items() if app == name]

    def save(self, preview: PreviewRecord) -> None:
        self._previews.known[preview.app, preview.sha] = preview

    def change(self, preview: PreviewRecord, transition: Leaves) -> None:
        self.save(transition.change(preview))
