"""Resolves labels, and lists branches, tags and commits, in threads beside the event loop."""

import functools
from collections.abc import Callable
from typing import TypeVar

import anyio
import anyio.to_thread

from framework.apps import room_detail
from framework.apps.manifest import Manifest
from framework.errors import (
    AmbiguousLabel,
    RepositoryUnreachable,
    SecretsUnreadable,
    UnknownLabel,
)
from framework.git.manifest_reader import read_manifest
from framework.ports import CommitPage, Listing, Repositories, Resolved
from framework.pulls import same_commits
from framework.service.service_client import ServiceClient
from framework.stacks.errors import ProxyBehind, UnknownVariant
from framework.state.gates.stack_records import InstanceOf
from framework.state.snapshot import Snapshot
from prevs import names
from prevs.access import Access
from prevs.records import AppRecord, Failure, PreviewRecord
from prevs.stacks import StackRecord
from prevs.states import ACTIVE
from prevs.units import preview_unit

T = TypeVar("T")

_AT_A_TIME = 4
"""How many labels of one app are resolved at the same time. All of them share one fetch."""


class LabelResolver:
    """Finds the commits that labels lead to. Belongs to the event loop's thread.

    Each app has threads of its own, so a repository that does not answer delays no other app.
    Resolving and listing have separate threads, so a label that waits for a fetch delays no list.
    """

    def __init__(self, previews: ServiceClient, refs: Repositories) -> None:
        self._previews = previews
        self._refs = refs
        self._resolving: dict[str, anyio.CapacityLimiter] = {}
        self._listing: dict[str, anyio.CapacityLimiter] = {}

    async def resolve(
        self, app: str, label: str, *, to_start: bool = False
    ) -> tuple[Resolved, str]:
        """Return the commit that a label leads to, and the whole label.

        The flat form of an address may have cut a long label. Use `to_start` before a start: an app
        with variables for some refs then gets the refs that lead to the commit now. A label of an
        instance of a variant leads where the variant has its app. Raises UnknownApp,
        UnknownVariant, ProxyBehind, UnknownLabel, AmbiguousLabel, RepositoryUnreachable.
        """
        record = self._find_app(app, label)
        instance = self._find_instance(app, label)
        fresh = to_start and self._is_scoped(app)
        if instance is None:
            work = functools.partial(self._resolve_same, record, label, fresh=fresh)
            return await _run(work, self._resolving, app)
        work = functools.partial(self._resolve, record, instance.at.source, fresh=fresh)
        found, _ = await _run(work, self._resolving, app)
        return found._replace(instance=instance.at.instance), instance.at.instance

    async def resolve_shared(self, app: str, label: str) -> tuple[Resolved, str]:
        """Resolve a label to start what it leads to, as `resolve`, for gates and stacks.

        That of an instance leads to nothing here: it comes and goes with its variant.
        """
        resolved, whole = await self.resolve(app, label, to_start=True)
        if resolved.instance:
            why = "it is the instance of a variant of a stack, and only that leads there."
            raise UnknownLabel(app, label, why)
        return resolved, whole

    async def check(self, app: str, label: str) -> Resolved | str:
        """Return where a label leads that somebody writes, or what is wrong with it.

        Raises UnknownApp, RepositoryUnreachable.
        """
        try:
            resolved, whole = await self.resolve_shared(app, label)
        except (UnknownLabel, AmbiguousLabel) as error:
            return str(error)
        if whole != label:
            return f"is cut, as in an address of one level. Write the whole label: {whole}"
        return resolved

    def _find_app(self, app: str, label: str) -> AppRecord:
        """Return an app. Raises UnknownApp.

        Below a stack's gate, a proxy asks only for a variant that it does not know: UnknownVariant,
        or ProxyBehind if it is open. Visitors see this text: it names other variants only if their
        apps are public.
        """
        snapshot = self._previews.snapshot
        gate = snapshot.gates.get(app)
        if app not in snapshot.apps and gate and (stack := snapshot.stacks.get(gate.stack)):
            if label in stack.variants:
                raise ProxyBehind(stack.name, label)
            known = sorted(stack.variants)[:5] if _is_open_to_all(stack, snapshot) else ()
            raise UnknownVariant(stack.name, label, known, gate=app)
        return snapshot.app(app)

    def _find_instance(self, app: str, label: str) -> InstanceOf | None:
        """Return the instance of a variant at a label of an app, also at a label that was cut."""
        known = self._previews.snapshot.instances
        found = known.get(label)
        if found is None and known and names.may_be_flat(label, app):
            found = next((v for k, v in known.items() if names.flat_label(k, app) == label), None)
        return found if found and found.at.app == app else None

    def _resolve_same(self, app: AppRecord, label: str, *, fresh: bool) -> tuple[Resolved, str]:
        """Resolve a label, and find the preview that serves its commit too, if it has none."""
        resolved, whole = self._resolve(app, label, fresh=fresh)
        snapshot = self._previews.snapshot
        facts = snapshot.find_facts(app.name)
        if facts is None or preview_unit(app.name, resolved.sha) in snapshot.previews:
            return resolved, whole
        watched = snapshot.watched[app.name]
        for one in same_commits.list_serving(watched, (whole, resolved.sha), resolved.refs, facts):
            is_known = resolved.sha in one.same
            if one.state in ACTIVE and is_known:
                return resolved._replace(same=one.sha), whole
            watch = one.settings.watch if one.settings else ()
            reached = one.state not in ACTIVE  # else nothing of it is fetched again
            if self._refs.is_same(facts.app, one.commit, resolved.sha, watch, reached=reached):
                return resolved._replace(same=one.sha), whole
        return resolved, whole

    def _resolve(self, app: AppRecord, label: str, *, fresh: bool) -> tuple[Resolved, str]:
        try:
            return self._refs.resolve(app, label, fresh=fresh), label
        except RepositoryUnreachable:
            if gone := self._previews.snapshot.find_gone(app.name, label):
                return _show_kept(gone), label
            raise
        except UnknownLabel:
            if kept := self._previews.snapshot.find_kept(app.name, label):
                return _show_kept(kept), label
            if not names.may_be_flat(label, app.name):
                raise
            heads = self._refs.heads(app).commits
            whole = [one for one in heads if names.flat_label(one, app.name) == label]
            if len(whole) != 1:
                raise
            return self._refs.resolve(app, whole[0], fresh=fresh), whole[0]

    async def read_settings(self, app: str, sha: str) -> Manifest | Failure:
        """Return what a commit says, or why it cannot be used. Raises UnknownApp."""
        record = self._previews.snapshot.app(app)
        work = functools.partial(read_manifest, self._refs, record, sha)
        return await _run(work, self._resolving, app)

    async def listing(self, app: str) -> Listing:
        """Return the branches and tags of an app, as framework.ports.Repositories says.

        Raises UnknownApp, RepositoryUnreachable, BeingFetched.
        """
        record = self._previews.snapshot.app(app)
        return await _run(functools.partial(self._refs.listing, record), self._listing, app)

    async def commits(
        self,
        app: str,
        ref: str,
        *,
        limit: int,
        after: str = "",
        base: str = "",
        first_parent: bool = False,
    ) -> CommitPage:
        """Return some commits of an app, as framework.ports.Repositories says.

        Raises UnknownApp, UnknownLabel, AmbiguousLabel, NotAnAncestor, RepositoryUnreachable,
        BeingFetched.
        """
        record = self._previews.snapshot.app(app)
        work = functools.partial(
            self._refs.commits,
            record,
            ref,
            limit=limit,
            after=after,
            base=base,
            first_parent=first_parent,
        )
        return await _run(work, self._listing, app)

    def _is_scoped(self, app: str) -> bool:
        try:
            return self._previews.snapshot.given(app).is_scoped
        except SecretsUnreadable:  # the start fails later, with this reason
            return False


def _is_open_to_all(stack: StackRecord, snapshot: Snapshot) -> bool:
    """Return whether anybody may see what the apps of a stack have: variants are named by it."""
    return all(
        snapshot.access_of(app).access is Access.PUBLIC
        and room_detail.find_shown(
            snapshot.app(app), has_credential=snapshot.may_have_credential(app)
        )
        == "full"
        for app in stack.apps
    )


def _show_kept(preview: PreviewRecord) -> Resolved:
    """Return what a gate keeps. It may have what it had: its variables, and a stranger's limits."""
    return Resolved(preview.commit, "commit", None, "", "", 0.0, refs=preview.refs)


async def _run(work: Callable[[], T], limits: dict[str, anyio.CapacityLimiter], app: str) -> T:
    limit = limits.setdefault(app, anyio.CapacityLimiter(_AT_A_TIME))
    return await anyio.to_thread.run_sync(work, limiter=limit)
