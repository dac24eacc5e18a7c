"""Keeps gates at what they lead to when its branch goes. Owned by the service's thread.

What is to be is in the records, so the next leader goes on.
"""

import dataclasses

import structlog

from framework.clock import Clock
from framework.events import HeadsFetched
from framework.gates import deleted_branches, history, proposals
from framework.pulls.errors import NOT_LET_THROUGH
from framework.service.commands import Commands
from framework.service.gates.gate_proposals import GateProposals
from framework.state.records import Records
from prevs.gates import GateRecord, OnDelete, Revision
from prevs.states import State
from prevs.units import preview_unit

log = structlog.get_logger(__name__)

BY = "on_delete"
"""Who hands the clients of a label that is gone to the default branch."""


class GateBranches:
    """Acts only on what was just fetched from an app's repository, as Branches does.

    The gates of stacks follow from these, and are left alone.
    """

    def __init__(
        self, records: Records, commands: Commands, waiting: GateProposals, clock: Clock
    ) -> None:
        self._records = records
        self._commands = commands
        self._waiting = waiting
        self._clock = clock

    def fetched(self, event: HeadsFetched) -> None:
        """Note which labels of an app's gates are gone, or are there again. Raises Unavailable.

        A repository without branches changes nothing: somebody is setting it up again.
        """
        app = self._records.find_app(event.app)
        is_other = bool(self._records.find_other_repository(event.app))
        if app is None or app.removed or is_other or not event.heads.commits:
            return
        for gate in self._records.gates.of_app(event.app):
            if not gate.stack and gate.revision.number:
                self._follow(gate, event)

    def _follow(self, gate: GateRecord, event: HeadsFetched) -> None:
        labels = history.list_labels(gate.revision)
        leads = deleted_branches.find_commits(gate, self._records.of_app(gate.app), labels)
        there = event.heads.commits.keys()
        followed = deleted_branches.follow(gate, there, leads, self._clock.now())
        if followed is not gate:
            gone = sorted(followed.gone)
            log.info("branches of a gate have come or gone", gate=gate.name, gone=gone)
            followed = self._records.gates.save(followed)
        if followed.gone and followed.on_delete is OnDelete.DEFAULT:
            self._hand_over(followed, event)

    def _hand_over(self, gate: GateRecord, event: HeadsFetched) -> None:
        """Propose that the default branch gets the clients of labels that are gone.

        Nothing is proposed while another change waits, or if that branch is unknown or has failed.
        """
        default = event.heads.default
        sha = event.heads.commits.get(default)
        if not sha or proposals.waits(gate) or self._has_failed(gate, sha):
            return
        revision = Revision(
            number=history.next_number(gate),
            rules=deleted_branches.hand_over(gate.revision.rules, gate.gone, default),
            override=gate.revision.override,
            refuses_unknown=gate.revision.refuses_unknown,
            changed=self._clock.now(),
            by=BY,
        )
        try:
            refs = event.heads.refs.get(sha, ())
            self._commands.start(gate.app, sha, default, refs=refs)
        except NOT_LET_THROUGH as error:
            log.info("a gate hands nothing over", gate=gate.name, why=str(error))
            return
        made = dataclasses.replace(gate, revision=revision, earlier=(), proposal=None)
        checked = history.follow(made, gate)
        proposed = proposals.propose(checked, gate, {default: sha}, (default,))
        self._records.gates.save(self._waiting.advance(proposed))

    def _has_failed(self, gate: GateRecord, sha: str) -> bool:
        preview = self._records.find(preview_unit(gate.app, sha))
        tried = gate.proposal is not None and gate.proposal.revision.by == BY
        return tried and preview is not None and preview.state is State.FAILED
