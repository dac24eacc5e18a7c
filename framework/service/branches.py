"""Previews of branches and tags that have moved or are gone. Owned by the service's thread."""

import dataclasses
from collections.abc import Mapping

import structlog

from framework.clock import Clock
from framework.preview import stale_refs
from framework.preview.lifecycle import WITH_TASK
from framework.preview.reasons import Reason, ReasonKind
from framework.preview.stale_refs import Fate
from framework.preview.transitions import Stopped
from framework.service.commands import Commands
from framework.state.records import Records
from prevs.records import PreviewRecord
from prevs.states import State

log = structlog.get_logger(__name__)

GONE = Reason(ReasonKind.UNREFERENCED, "No branch or tag leads to it any more.")


class Branches:
    """Acts on what was just fetched of an app's repository, and on nothing else.

    So a repository that cannot be read changes nothing. `vanished` is in seconds.
    """

    def __init__(
        self, records: Records, commands: Commands, clock: Clock, *, vanished: float
    ) -> None:
        self._records = records
        self._commands = commands
        self._clock = clock
        self._vanished = vanished

    def fetched(
        self, app: str, heads: Mapping[str, str | None], leading: Mapping[str, tuple[str, ...]]
    ) -> None:
        """Follow the branches and tags of an app: `heads` has the label of each.

        A label that leads to several commits has None; `leading` has the refs of each commit.
        Raises Unavailable.
        """
        known = self._records.find_app(app)
        if known is None or known.removed:
            return
        self._follow(app, heads, leading)
        if heads:
            for preview in self._records.of_app(app):
                self._look_after(preview, heads)
        elif self._records.of_app(app):
            # More likely a repository that is being made anew than one that nobody needs.
            log.warning("a repository without branches and tags; its previews stay", app=app)

    def _follow(
        self, app: str, heads: Mapping[str, str | None], leading: Mapping[str, tuple[str, ...]]
    ) -> None:
        """Queue the new commit of each branch or tag that a running preview is the label of.

        The old commit's preview serves until the new one runs, and is not stopped then.
        """
        for preview in self._records.of_app(app):
            if preview.state is not State.RUNNING:
                continue
            for label in preview.labels:
                sha = heads.get(label)
                # Who has the label already was asked for: if it has stopped since, so be it.
                if sha and sha != preview.sha and not self._holds(app, sha, label):
                    self._commands.start(app, sha, label, refs=leading.get(sha, ()))

    def _holds(self, app: str, sha: str, label: str) -> bool:
        preview = self._records.find(app, sha)
        return preview is not None and label in preview.labels

    def _look_after(self, preview: PreviewRecord, heads: Mapping[str, str | None]) -> None:
        now = self._clock.now()
        match stale_refs.judge(preview, heads.keys(), now, self._vanished):
            case Fate.UNREFERENCED:
                self._records.save(dataclasses.replace(preview, unreferenced_since=now))
            case Fate.REFERENCED:
                self._records.save(dataclasses.replace(preview, unreferenced_since=None))
            case Fate.EXPIRED if preview.state in {*WITH_TASK, State.QUEUED}:
                # Its record follows when this is done, with a later fetch.
                self._records.change(preview, Stopped(GONE))
            case Fate.EXPIRED:
                log.info("a preview goes", app=preview.app, commit=preview.sha[:12], why=GONE.text)
                self._records.forget_preview(preview)
