"""The commands of people and proxies, as changes of the records. Owned by the service's thread."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import structlog

from framework.apps import app_secrets, visitor_access
from framework.apps.app_secrets import AppSecrets
from framework.apps.password_digest import PasswordDigest
from framework.apps.visitor_access import PassOrder
from framework.clock import Clock
from framework.errors import (
    AppChanged,
    AppExists,
    BeingRemoved,
    NotRestartable,
    NotRetryable,
    SecretsChanged,
    SecretsUnreadable,
)
from framework.gates.errors import NameOfGate
from framework.people import roles
from framework.preview import branch_data
from framework.preview.transitions import Requested, Retried, request_new
from framework.pulls import gate, repository_ids, same_commits
from framework.stacks.errors import AppOfStack, InstanceOfVariant
from framework.state.records import Records
from framework.units.reasons import Reason, ReasonKind
from framework.units.transitions import Leaves, Stopped
from prevs import names
from prevs.access import Access, AccessRecord
from prevs.messages import Credential
from prevs.pulls import PullRecord
from prevs.records import AppRecord, PreviewRecord, TokenRecord
from prevs.roles import RoleRecord
from prevs.states import ACTIVE, ATTEMPTED, State
from prevs.units import preview_unit

log = structlog.get_logger(__name__)

STOPPED = Reason(ReasonKind.STOPPED, "Somebody stopped it; its address starts it again.")
RESTARTED = Reason(ReasonKind.RESTARTED, "Somebody has restarted it.")
TRUSTED_NOW = Reason(
    ReasonKind.STOPPED,
    "A branch or tag reaches its commit now, so it is built anew.",
)
NOW_OF_BRANCH = Reason(
    ReasonKind.DATA,
    "It starts again with the data of its branch: it was opened by its digits or a tag before.",
)


class Commands:
    """Each method raises what its docstring names, and Unavailable if nothing was stored."""

    def __init__(self, records: Records, clock: Clock) -> None:
        self._records = records
        self._clock = clock

    def add_app(self, app: AppRecord, access: Access = Access.PUBLIC) -> AppRecord:
        """Store a new app, whose settings were checked; storing an equal app again is no error.

        Who may look is `access`: everybody, or the team. Raises AppExists, NameOfGate; NotTrusted
        if a gate or stack of that name is left out; BeingRemoved for a name that is not free yet.
        """
        known = self._records.find_app(app.name)
        if known is not None:
            if known.removed:
                raise BeingRemoved(app.name)
            if dataclasses.replace(known, created=app.created) == app:
                return known
            raise AppExists(app.name)
        if stack := self._records.stacks.gates.get(app.name):
            raise NameOfGate(app.name, "", stack)
        if taken := self._records.gates.all.get(app.name):
            raise NameOfGate(app.name, taken.app, taken.stack)
        self._records.signed.check_name(app.name)
        now = self._clock.now()
        if access is not Access.PUBLIC:
            # Before the app: it is never open, not for a moment.
            record = visitor_access.close(AccessRecord(app.name), access, now)
            self._records.access.save(record)
        return self._records.save_app(dataclasses.replace(app, created=now))

    def change_app(
        self, name: str, changes: Mapping[str, object], *, only_if: AppRecord | None = None
    ) -> AppRecord:
        """Change settings of an app, which were checked; they are used for later attempts.

        A `repository` means the one that is at this address now. Raises UnknownApp; AppChanged if
        the app is not equal to `only_if`.
        """
        fields: dict[str, Any] = dict(changes)
        app = self._records.save_app(dataclasses.replace(self._find(name, only_if), **fields))
        if "repository" in fields:
            self._accept_repository(name)
        return app

    def remove_app(self, name: str, *, only_if: AppRecord | None = None) -> None:
        """Mark an app as removed: none of its previews starts any more.

        framework.service.app_removal stops them and removes the records. Raises UnknownApp,
        AppOfStack; AppChanged as `change_app`.
        """
        if stacks := self._records.stacks.of_app(name):
            raise AppOfStack(name, stacks[0].name)
        self._records.save_app(dataclasses.replace(self._find(name, only_if), removed=True))

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
        """Request the preview of a commit under a label. A failed one stays failed.

        With `instance`, it is the instance of a variant that has this label.

        `refs` are all refs that lead to the commit now (Resolved.refs); they decide whether it may
        start, and which variables it gets. With `ahead`, it is built before anybody visits it, and
        is new or stopped. `same` is the commit of a preview that differs in nothing that counts: it
        serves this commit too, if it may, and is requested instead. Raises UnknownApp,
        OtherRepository, UnknownPull, NotApproved; for an instance also UnknownVariant.
        """
        stranger = self._records.check_gate(app, commit, refs, in_variant=bool(instance))
        if instance:
            self._records.stacks.check_instance(app, instance)
        sha = names.instance_id(commit, instance) if instance else commit
        known = self._find_requested(app, sha, refs, "" if stranger else same)
        led = known.refs if known is not None and known.same else tuple(refs)
        requested = Requested(self._clock.now(), led, stranger, ahead)
        if known is not None and known.stranger and not stranger and known.state in ACTIVE:
            # What it was built from and with does not count for a trusted commit.
            known = self._records.change(known, Stopped(TRUSTED_NOW))
        if known is None:
            new = request_new(app, sha, requested)
            built_from = commit if instance else ""
            new = dataclasses.replace(new, instance=instance, built_from=built_from)
            preview = self._records.add(new, label)
        else:
            preview = self._records.change(known, requested, label=label)
            if branch_data.must_start_again(preview, self._records.pulls.of(app)):
                preview = self._records.change(preview, Leaves(NOW_OF_BRANCH))
        log.info(
            "a preview is requested",
            app=app,
            commit=commit[:12],
            task=preview.task_id,
            label=label,
            state=preview.state.value,
            ahead=ahead,
        )
        return preview

    def _find_requested(
        self, app: str, sha: str, refs: Sequence[str], same: str
    ) -> PreviewRecord | None:
        """Return the preview that a request for a commit means, None if it gets a new one."""
        own = self._records.find(preview_unit(app, sha))
        facts = self._records.find_facts(app) if same or (own and own.same) else None
        if own is not None:
            return same_commits.join(own, refs, facts) if own.same else own
        other = self._records.find(preview_unit(app, same)) if same else None
        if other is None or facts is None or not same_commits.may_serve(other, refs, facts):
            return None
        return same_commits.with_same(other, sha, refs)

    def stop(self, app: str, sha: str) -> PreviewRecord:
        """End a preview's task, if it has one. Raises UnknownApp, UnknownPreview."""
        self._records.app(app)
        preview = self._records.preview(preview_unit(app, sha))
        return self._records.change(preview, Stopped(STOPPED if preview.state in ACTIVE else None))

    def retry(self, app: str, sha: str) -> PreviewRecord:
        """Queue a failed preview again.

        Raises UnknownApp, UnknownPreview, NotRetryable, and as `start`.
        """
        self._records.app(app)
        preview = self._records.preview(preview_unit(app, sha))
        if preview.state is not State.FAILED:
            raise NotRetryable(app, sha, preview.state.value)
        in_variant = bool(preview.instance)
        self._records.check_gate(app, preview.commit, preview.refs, in_variant=in_variant)
        return self._records.change(preview, Retried(self._clock.now()))

    def restart(self, app: str, sha: str) -> PreviewRecord:
        """End a preview's attempt, and start it again with all that its app has now.

        Raises UnknownApp, UnknownPreview, NotRestartable if it has no attempt to end.
        """
        self._records.app(app)
        preview = self._records.preview(preview_unit(app, sha))
        if preview.state not in ATTEMPTED:
            raise NotRestartable(app, sha, preview.state.value)
        return self._records.change(preview, Leaves(RESTARTED))

    def pin(self, app: str, sha: str, *, pinned: bool) -> PreviewRecord:
        """Set whether a preview is kept from being stopped for others or for idleness.

        An instance is pinned with all of its variant. Raises UnknownApp, UnknownPreview,
        InstanceOfVariant.
        """
        self._records.app(app)
        preview = self._records.preview(preview_unit(app, sha))
        if of := self._records.stacks.find_instance(preview):
            raise InstanceOfVariant(app, of.stack, of.variant)
        ahead = preview.ahead and not pinned
        return self._records.save(dataclasses.replace(preview, pinned=pinned, ahead=ahead))

    def approve(self, app: str, number: int, commit: str, *, by: str) -> PullRecord:
        """Approve one commit of a fork's pull request: its head, named by the whole id.

        Raises UnknownApp, UnknownPull, NotTheHead, NeedsNoApproval.
        """
        rules, pull = self._records.find_rules(app), self._records.pulls.find_open(app, number)
        approved = gate.approve(rules, pull, commit, by=by, now=self._clock.now())
        self._records.pulls.save_all([approved])
        log.info("a commit is approved", app=app, pull=number, commit=pull.sha[:12], by=by)
        return approved

    def add_token(self, token: TokenRecord) -> TokenRecord:
        """Store a new token. Raises TokenExists, UnknownApp."""
        if token.app:
            self._records.app(token.app)
        return self._records.tokens.add(token, self._clock.now())

    def remove_token(self, name: str) -> None:
        """Remove a token. Raises UnknownToken."""
        self._records.tokens.remove(name)

    def add_role(self, role: RoleRecord) -> RoleRecord:
        """Store a role; the holder's former one for the same app is replaced.

        Raises UnknownApp, and as framework.people.roles.check.
        """
        roles.check(role)
        if role.app:
            self._records.app(role.app)
        return self._records.roles.add(role, self._clock.now())

    def remove_role(self, role_id: str) -> None:
        """Remove a role. Raises UnknownRole."""
        self._records.roles.remove(role_id)

    def set_credential(
        self, app: str, credential: Credential, *, only_if: AppSecrets | None = None
    ) -> AppSecrets:
        """Set the credential. Raises as `change_secrets`, InvalidSettings, NoKey."""
        now = self._clock.now()
        return self.change_secrets(
            app, lambda given: app_secrets.with_credential(given, credential, now), only_if
        )

    def unset_credential(self, app: str, *, only_if: AppSecrets | None = None) -> AppSecrets:
        """Remove the credential. Raises as `change_secrets`, UnknownCredential."""
        return self.change_secrets(app, app_secrets.without_credential, only_if)

    def set_forge_token(self, app: str, token: str) -> AppSecrets:
        """Set the token for the forge, and note when. Raises as `set_credential`."""
        now = self._clock.now()
        return self.change_secrets(
            app, lambda given: app_secrets.with_forge_token(given, token, now)
        )

    def unset_forge_token(self, app: str) -> AppSecrets:
        """Remove the token for the forge. Raises as `change_secrets`, UnknownForgeToken."""
        return self.change_secrets(app, app_secrets.without_forge_token)

    def change_secrets(
        self,
        app: str,
        change: Callable[[AppSecrets], AppSecrets],
        only_if: AppSecrets | None = None,
    ) -> AppSecrets:
        """Change what an app is given, for later attempts and later fetches of its repository.

        Raises as `change`; UnknownApp, SecretsUnreadable; SecretsChanged if it is not equal to
        `only_if`. No error contains a value.
        """
        self._records.app(app)
        given = self._records.secrets.of(app)
        if only_if not in (None, given):
            raise SecretsChanged(app)
        return self._records.secrets.save(change(given))

    def clear_secrets(self, app: str) -> None:
        """Remove an app's variables; if they cannot be opened, everything that it is given."""
        self._records.app(app)
        try:
            given = self._records.secrets.of(app)
        except SecretsUnreadable:
            self._records.secrets.remove(app)
        else:
            now = self._clock.now()
            self._records.secrets.save(app_secrets.without_variables(given, now))

    def require_password(
        self, app: str, password: PasswordDigest | None, *, preflight: bool | None = None
    ) -> AccessRecord:
        """Let only visitors with a password look. A new one, None for none, puts everybody out.

        Raises as `change_secrets`, NoKey; NoPassword if the app has none.
        """
        # The password comes first: whoever has the former one must not enter the new era.
        self.change_secrets(app, lambda given: app_secrets.with_password(given, password))
        is_new, now = password is not None, self._clock.now()
        return self.change_access(
            app,
            lambda record: visitor_access.close(
                record, Access.PASSWORD, now, is_new=is_new, preflight=preflight
            ),
            anew=True,
        )

    def require_team(self, app: str, *, preflight: bool | None = None) -> AccessRecord:
        """Let only people with a role for the app look. Raises UnknownApp."""
        now = self._clock.now()
        return self.change_access(
            app,
            lambda record: visitor_access.close(record, Access.TEAM, now, preflight=preflight),
            anew=True,
        )

    def open_to_all(self, app: str) -> AccessRecord:
        """Let everybody look; no pass counts any more. Raises UnknownApp."""
        return self.change_access(app, lambda record: AccessRecord(record.app), anew=True)

    def end_access(self, app: str) -> AccessRecord:
        """Put all visitors out; no pass counts any more.

        Raises UnknownApp, NotTrusted, IsPublic.
        """
        now = self._clock.now()
        return self.change_access(app, lambda record: visitor_access.begin_era(record, now))

    def issue_pass(self, app: str, order: PassOrder, new_id: str, *, by: str) -> AccessRecord:
        """Add a pass. Raises UnknownApp, NotTrusted, and as visitor_access.with_pass."""
        now = self._clock.now()
        return self.change_access(
            app, lambda record: visitor_access.with_pass(record, order, new_id, by=by, now=now)
        )

    def revoke_pass(self, app: str, pass_id: str) -> AccessRecord:
        """Remove a pass. Raises UnknownApp, NotTrusted, UnknownPass."""
        return self.change_access(app, lambda record: visitor_access.without_pass(record, pass_id))

    def change_access(
        self, app: str, change: Callable[[AccessRecord], AccessRecord], *, anew: bool = False
    ) -> AccessRecord:
        """Change who may look at an app's previews, or with `anew` write it as a whole.

        Raises as `change`; UnknownApp; NotTrusted, unless it is written `anew`.
        """
        self._records.app(app)
        if not anew:
            self._records.access.check(app)
        changed = change(self._records.access.of(app))
        if changed.access is Access.PUBLIC:
            self._records.access.remove(app)
            return changed
        return self._records.access.save(changed)

    def _accept_repository(self, name: str) -> None:
        known = self._records.repositories.all.get(name)
        if known is None or not self._records.find_other_repository(name):
            return
        # First, so that nothing of the former one counts: neither approvals nor our comments.
        self._records.pulls.remove_of(name)
        self._records.repositories.save(repository_ids.accept(known))
        log.info("another repository is accepted", app=name, id=known.found)

    def _find(self, name: str, only_if: AppRecord | None) -> AppRecord:
        app = self._records.app(name)
        if only_if not in (None, app):
            raise AppChanged(name)
        return app
