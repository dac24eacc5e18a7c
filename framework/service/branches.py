"""Keeps previews in step with branches, tags and pull requests that move or go.

Owned by the service's thread.
"""

import dataclasses
from collections.abc import Mapping

import structlog

from framework.clock import Clock
from framework.events import HeadsFetched
from framework.preview import stale_refs
from framework.preview.stale_refs import Fate
from framework.pulls import same_commits
from framework.pulls.errors import NOT_LET_THROUGH
from framework.pulls.same_commits import may_serve
from framework.service.commands import Commands
from framework.state.records import Records
from framework.units.lifecycle import WITH_TASK
from framework.units.reasons import Reason, ReasonKind
from framework.units.transitions import Stopped
from prevs import names
from prevs.records import PreviewRecord
from prevs.states import State
from prevs.units import preview_unit

log = structlog.get_logger(__name__)

GONE = Reason(ReasonKind.UNREFERENCED, "No branch, tag or open pull request leads to it any more.")


class Branches:
    """Acts only on what was just fetched from an app's repository.

    So a repository that cannot be read changes nothing, nor does another one that has taken its
    address. A preview without a branch or tag is
    removed after `unreferenced` seconds, and one of a closed pull request at once: its forge says
    so, while a branch may come back. One to which a gate leads, or may be rolled back, stays.
    """

    def __init__(
        self, records: Records, commands: Commands, clock: Clock, *, unreferenced: float
    ) -> None:
        self._records = records
        self._commands = commands
        self._clock = clock
        self._unreferenced = unreferenced

    def fetched(self, event: HeadsFetched) -> None:
        """Follow the branches, tags and pull requests of an app. Raises Unavailable."""
        app, heads = event.app, event.heads.commits
        known = self._records.find_app(app)
        if known is None or known.removed or self._records.find_other_repository(app):
            return
        self._note_same(event)
        self._follow(event)
        if heads:
            kept = self._records.gates.list_kept(app)
            for preview in self._records.of_app(app):
                if not preview.instance:  # its variant says how long it stays
                    self._look_after(preview, heads, kept=kept.has(preview))
        elif self._records.of_app(app):
            # More likely, somebody is setting the repository up again than giving it up.
            log.warning("a repository without branches and tags; its previews stay", app=app)

    def _note_same(self, event: HeadsFetched) -> None:
        """Note which previews serve the new commit of their label too: they stay as they are."""
        for label, of in event.heads.same.items():
            sha = event.heads.commits.get(label)
            preview = self._records.find(preview_unit(event.app, of))
            # Meanwhile somebody may have started the new commit.
            if not sha or preview is None or self._records.find(preview_unit(event.app, sha)):
                continue
            if self._serves(event, preview, sha):
                refs = event.heads.refs.get(sha, ())
                self._records.save(same_commits.with_same(preview, sha, refs))
                log.info("a commit is the same", app=event.app, commit=sha[:12], same=of[:12])

    def _serves(self, event: HeadsFetched, preview: PreviewRecord, sha: str) -> bool:
        """Return whether a preview may serve a commit that is the same as its own."""
        refs = event.heads.refs.get(sha, ())
        try:
            stranger = self._records.check_gate(event.app, sha, refs)
        except NOT_LET_THROUGH:
            return False
        facts = self._records.find_facts(event.app)
        return not stranger and facts is not None and may_serve(preview, refs, facts)

    def _follow(self, event: HeadsFetched) -> None:
        """Queue the new commit of each label of a running preview.

        The old commit's preview serves until the new one runs, and is not stopped then. A
        preview that was built ahead serves nobody.
        """
        app = event.app
        for preview in self._records.of_app(app):
            if preview.state is not State.RUNNING or preview.ahead:
                continue
            for label in preview.labels:
                sha = event.heads.commits.get(self._find_source(preview, label))
                # A preview that has the label already was started before; it may stay stopped.
                if not sha or sha == preview.commit or self._holds(preview, sha, label):
                    continue
                if sha not in preview.same or not self._serves(event, preview, sha):
                    self._start(event, sha, label, preview.instance)

    def _find_source(self, preview: PreviewRecord, label: str) -> str:
        """Return what a label of a preview follows in the repository; "" if that is over.

        The label of an instance follows what its variant says.
        """
        if not preview.instance:
            return label
        found = self._records.stacks.find_instance(preview)
        return found.at.source if found else ""

    def _start(self, event: HeadsFetched, sha: str, label: str, instance: str) -> None:
        refs = event.heads.refs.get(sha, ())
        try:
            self._commands.start(event.app, sha, label, refs=refs, instance=instance)
        except NOT_LET_THROUGH as error:
            # Somebody has pushed to it, or closed it, since the repository was read.
            log.info("a label is not followed", app=event.app, label=label, why=str(error))

    def _holds(self, like: PreviewRecord, sha: str, label: str) -> bool:
        """Return whether the preview of a commit that is an instance `like` another has a label."""
        found = names.instance_id(sha, like.instance) if like.instance else sha
        preview = self._records.find(preview_unit(like.app, found))
        return preview is not None and label in preview.labels and not preview.ahead

    def _look_after(
        self, preview: PreviewRecord, heads: Mapping[str, str | None], *, kept: bool
    ) -> None:
        now = self._clock.now()
        limit = 0.0 if self._is_of_closed_pull(preview) else self._unreferenced
        match stale_refs.judge(preview, heads.keys(), now, limit, kept=kept):
            case Fate.UNREFERENCED:
                self._records.save(dataclasses.replace(preview, unreferenced_since=now))
            case Fate.REFERENCED:
                self._records.save(dataclasses.replace(preview, unreferenced_since=None))
            case Fate.EXPIRED if preview.state in {*WITH_TASK, State.QUEUED}:
                # A later fetch removes its record, once it has stopped.
                self._records.change(preview, Stopped(GONE))
            case Fate.EXPIRED:
                log.info(
                    "a preview is removed", app=preview.app, commit=preview.sha[:12], why=GONE.text
                )
                self._records.forget_preview(preview)

    def _is_of_closed_pull(self, preview: PreviewRecord) -> bool:
        """Return whether only a pull request that is closed has led to a preview."""
        pull = self._records.pulls.of(preview.app).get(names.find_pull(preview.refs))
        return pull is not None and pull.closed is not None
