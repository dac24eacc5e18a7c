"""Everything that the service's thread publishes, as one value that any thread may read."""

import contextlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from framework.apps.app_secrets import AppSecrets
from framework.errors import SecretsUnreadable, UnknownApp, UnknownPreview
from framework.gates import deleted_branches, history
from framework.gates.errors import UnknownGate
from framework.jobs.queued_jobs import JobKey
from framework.matching.agents import Unfit
from framework.pulls import gate, repository_ids, same_commits
from framework.pulls.gate import PullHead, Rules
from framework.pulls.same_commits import Facts
from framework.schedules.errors import UnknownSchedule
from framework.schedules.file_schedules import FileTrouble
from framework.stacks.errors import UnknownStack
from framework.stacks.pull_variants import EnteredVariant, VariantsAt, list_pull_labels
from framework.state import pull_records, secret_records
from framework.state.gates.stack_records import Instances
from framework.state.jobs.schedule_records import ScheduleKey
from framework.state.pull_records import NO_PULLS, PullsOfApps
from framework.state.secret_records import StoredSecrets
from framework.trust import NotTrusted, RecordKind, RefusedRecords
from prevs import names
from prevs.access import AccessRecord
from prevs.gates import GateRecord
from prevs.jobs import JobRecord
from prevs.messages import Credential, Isolation
from prevs.pulls import PullRecord, RepositoryRecord
from prevs.records import AppRecord, PreviewRecord, TokenRecord
from prevs.roles import RoleRecord
from prevs.schedules import ScheduleRecord
from prevs.stacks import StackRecord
from prevs.units import Unit, preview_unit


class Look(NamedTuple):
    """The last look at an app's forge: when one succeeded, and why a later one failed.

    `at` is None if none has succeeded since this framework leads. `delivery_problems` says
    why a comment, status or deployment cannot be brought there now (prevs.apps.Tell).
    """

    at: float | None = None
    problem: str = ""
    delivery_problems: Mapping[str, str] = MappingProxyType({})


class Behind(NamedTuple):
    """How many proxies, of how many, did not choose by a gate's revision when they were asked."""

    number: int
    of: int


class Snapshot(NamedTuple):
    """All apps, previews and what belongs to them at one moment; never changed afterwards.

    `queue_places` are the places of the previews that wait for an agent; 1 is the next.
    `typical_durations` has how many seconds each step of an app's attempts usually takes. `shared`
    has the previews of each (app, label) that several hold. `unfit` has the agents where nothing is
    tried now, by id, and why. `isolations` has what previews and builds can reach on each agent, if
    the agent has reported it. `access` has who may look at the previews of apps that are not
    public. `pulls` are the pull requests, by app and number. `looks` has the last look at each
    app's forge. `roles` are those of people, by id. `repositories` has which repository each app's
    forge has shown. `hindrances` has why a due time of a schedule makes no job yet, as a sentence,
    `file_troubles` why schedules of an app's .prevs.toml do not hold. `behind` has how many proxies
    are behind with a gate's revision; a gate is not in it until they were asked. `instances` are
    those that the open variants of `stacks` have of their own, by label; `variants_at` has the open
    variants that have an app at another label than usual, by both. `refused` are the records that
    none of our tokens has signed. `watched` has the previews of each app that are made of a part of
    its repository.
    """

    apps: Mapping[str, AppRecord]
    previews: Mapping[Unit, PreviewRecord]
    queue_places: Mapping[Unit, int] = MappingProxyType({})
    tokens: Mapping[str, TokenRecord] = MappingProxyType({})
    typical_durations: Mapping[str, Mapping[str, float]] = MappingProxyType({})
    secrets: Mapping[str, StoredSecrets] = MappingProxyType({})
    shared: Mapping[tuple[str, str], tuple[PreviewRecord, ...]] = MappingProxyType({})
    unfit: Mapping[str, Unfit] = MappingProxyType({})
    isolations: Mapping[str, Isolation] = MappingProxyType({})
    access: Mapping[str, AccessRecord] = MappingProxyType({})
    pulls: PullsOfApps = MappingProxyType({})
    looks: Mapping[str, Look] = MappingProxyType({})
    roles: Mapping[str, RoleRecord] = MappingProxyType({})
    jobs: Mapping[JobKey, JobRecord] = MappingProxyType({})
    repositories: Mapping[str, RepositoryRecord] = MappingProxyType({})
    schedules: Mapping[ScheduleKey, ScheduleRecord] = MappingProxyType({})
    hindrances: Mapping[ScheduleKey, str] = MappingProxyType({})
    file_troubles: Mapping[str, FileTrouble] = MappingProxyType({})
    gates: Mapping[str, GateRecord] = MappingProxyType({})
    behind: Mapping[str, Behind] = MappingProxyType({})
    stacks: Mapping[str, StackRecord] = MappingProxyType({})
    instances: Instances = MappingProxyType({})
    variants_at: VariantsAt = MappingProxyType({})
    refused: RefusedRecords = MappingProxyType({})
    watched: Mapping[str, Collection[PreviewRecord]] = MappingProxyType({})

    def list_apps(self) -> Sequence[AppRecord]:
        """Return every app, by name."""
        return sorted(self.apps.values(), key=lambda app: app.name)

    def app(self, name: str) -> AppRecord:
        """Return an app. Raises UnknownApp."""
        try:
            return self.apps[name]
        except KeyError:
            raise UnknownApp(name) from None

    def list_previews(self) -> Sequence[PreviewRecord]:
        """Return every preview, by app and time of creation."""
        return sorted(self.previews.values(), key=lambda one: (one.app, one.created, one.sha))

    def preview(self, app: str, sha: str) -> PreviewRecord:
        """Return a preview. Raises UnknownApp, UnknownPreview."""
        self.app(app)
        try:
            return self.previews[preview_unit(app, sha)]
        except KeyError:
            raise UnknownPreview(app, sha) from None

    def find_serving(self, app: str, sha: str) -> PreviewRecord | None:
        """Return the preview of a commit, or the one that serves it too; None if there is none."""
        own = self.previews.get(preview_unit(app, sha))
        return own or same_commits.find_known(self.watched.get(app, ()), sha)

    def find_facts(self, app: str) -> Facts | None:
        """Return what decides what commits of an app get; None if nothing of it is watched.

        None, too, if it cannot be told now.
        """
        with contextlib.suppress(UnknownApp, SecretsUnreadable):
            if self.watched.get(app):
                return Facts(self.app(app), self.given(app), self.pulls.get(app, NO_PULLS))
        return None

    def schedule(self, app: str, name: str) -> ScheduleRecord:
        """Return a schedule. Raises UnknownApp, UnknownSchedule."""
        self.app(app)
        try:
            return self.schedules[app, name]
        except KeyError:
            raise UnknownSchedule(app, name) from None

    def gate(self, name: str) -> GateRecord:
        """Return a gate. Raises UnknownGate, NotTrusted."""
        if (RecordKind.GATE, name) in self.refused:
            raise NotTrusted(RecordKind.GATE, name)
        try:
            return self.gates[name]
        except KeyError:
            raise UnknownGate(name) from None

    def stack(self, name: str) -> StackRecord:
        """Return a stack. Raises UnknownStack, NotTrusted."""
        if (RecordKind.STACK, name) in self.refused:
            raise NotTrusted(RecordKind.STACK, name)
        try:
            return self.stacks[name]
        except KeyError:
            raise UnknownStack(name) from None

    def list_schedules(self, app: str = "") -> Sequence[ScheduleRecord]:
        """Return the schedules of an app, or of all, by app and name. Raises UnknownApp."""
        if app:
            self.app(app)
        found = [one for one in self.schedules.values() if one.app in ({app} if app else self.apps)]
        return sorted(found, key=lambda one: (one.app, one.name))

    def given(self, app: str) -> AppSecrets:
        """Return what an app is given. Raises UnknownApp, SecretsUnreadable."""
        self.app(app)
        return secret_records.read(self.secrets, app)

    def credential(self, app: str) -> Credential | None:
        """Return the credential for an app's repository; None if it has none.

        None for an unknown app too. Raises SecretsUnreadable.
        """
        return secret_records.read(self.secrets, app).credential

    def may_have_credential(self, app: str) -> bool:
        """Return whether an app has a credential, or secrets that cannot be opened."""
        try:
            return self.credential(app) is not None
        except SecretsUnreadable:  # a credential may be among them
            return True

    def access_of(self, app: str) -> AccessRecord:
        """Return who may look at an app's previews. Raises UnknownApp."""
        self.app(app)
        return self.access.get(app, AccessRecord(app))

    def forge_token(self, app: str) -> str:
        """Return the token for an app's forge; "" if it has none, or if there is no such app."""
        return secret_records.read(self.secrets, app).forge_token

    def forge_token_set(self, app: str) -> float | None:
        """Return when that token was set, None if there is none. Raises SecretsUnreadable."""
        given = secret_records.read(self.secrets, app)
        return given.forge_token_changed if given.forge_token else None

    def rules(self, app: str) -> Rules:
        """Return the rules for an app's pull requests. Raises UnknownApp."""
        return pull_records.find_rules(self.app(app), self.secrets)

    def has_forge_token(self, app: str) -> bool:
        """Return whether an app has a token for its forge, in secrets that can be opened."""
        return pull_records.has_token(app, self.secrets)

    def list_pulls(self, app: str) -> Sequence[PullRecord]:
        """Return the open pull requests of an app, the newest first. Raises UnknownApp."""
        self.app(app)
        pulls = (one for one in self.pulls.get(app, NO_PULLS).values() if one.closed is None)
        return sorted(pulls, key=lambda one: -one.number)

    def list_variants(self, app: str, labels: Iterable[str]) -> Sequence[EnteredVariant]:
        """Return the open variants of stacks that have an app at one of some labels."""
        found = (one for label in labels for one in self.variants_at.get((app, label), ()))
        return tuple(dict.fromkeys(found))

    def list_pull_variants(self, pull: PullRecord) -> Sequence[EnteredVariant]:
        """Return the open variants of stacks that have an app at the head of a pull request."""
        return self.list_variants(pull.app, list_pull_labels(pull))

    def find_look(self, app: str) -> Look:
        """Return the last look at an app's forge."""
        look = self.looks.get(app, Look())
        return look._replace(problem=self.find_other_repository(app) or look.problem)

    def find_other_repository(self, app: str) -> str:
        """Return why nothing of an app is built, if another repository has its address, else ""."""
        known = self.apps.get(app)
        return repository_ids.find_problem(known, self.repositories.get(app)) if known else ""

    def list_pull_heads(self, app: str) -> Sequence[PullHead]:
        """Return the open pull requests of an app, for its mirror; none for an unknown app."""
        if app not in self.apps or app not in self.pulls:
            return ()
        return gate.list_heads(self.rules(app), self.pulls[app].values())

    def list_kept(self, app: str) -> Collection[str]:
        """Return the commits that an app's mirror keeps for gates, though no branch reaches them.

        None for an unknown app.
        """
        kept = deleted_branches.list_kept(self._gates_of(app))
        if not kept.labels:
            return ()
        return {one.sha for one in self.previews.values() if one.app == app and kept.has(one)}

    def find_kept(self, app: str, label: str) -> PreviewRecord | None:
        """Return the preview that gates keep at a label, or at the beginning of its commit's id."""
        for one in self._gates_of(app):
            if label in history.list_labels(one.revision):
                return self._find_led(one, label)
        if not names.is_commit_prefix(label):
            return None
        commits = deleted_branches.list_kept(self._gates_of(app)).commits
        found = [sha for sha in commits if sha.startswith(label)]
        return self.previews.get(preview_unit(app, found[0])) if len(found) == 1 else None

    def find_gone(self, app: str, label: str) -> PreviewRecord | None:
        """Return the preview at which a gate stays, as no branch leads to a label any more."""
        gates = [one for one in self._gates_of(app) if label in one.gone]
        return self._find_led(gates[0], label) if gates else None

    def _find_led(self, record: GateRecord, label: str) -> PreviewRecord | None:
        if names.is_sha(label):
            return self.previews.get(preview_unit(record.app, label))
        own = [one for one in self.previews.values() if one.app == record.app]
        sha = deleted_branches.find_commits(record, own, [label]).get(label, "")
        return self.previews.get(preview_unit(record.app, sha))

    def _gates_of(self, app: str) -> Sequence[GateRecord]:
        return [one for one in self.gates.values() if one.app == app]

    def find_rivals(self, preview: PreviewRecord) -> Sequence[tuple[str, PreviewRecord]]:
        """Return (label, other preview) for each label of a preview that others of its app hold.

        The label leads to the running preview until a newer one runs.
        """
        return [
            (label, other)
            for label in (preview.labels if self.shared else ())
            for other in self.shared.get((preview.app, label), ())
            if other.sha != preview.sha
        ]
