"""Puts changes of gates in force once what they lead to runs. Owned by the service's thread.

What waits is in the records, so the next leader goes on.
"""

from collections.abc import Iterable, Mapping

import structlog

from framework.clock import Clock
from framework.gates import history, proposals
from framework.state.records import Records
from prevs.gates import GateRecord
from prevs.records import PreviewRecord
from prevs.states import State
from prevs.units import preview_unit

log = structlog.get_logger(__name__)


class GateProposals:
    """Decides about every proposal again and again, until it is in force or comes to nothing."""

    def __init__(self, records: Records, clock: Clock) -> None:
        self._records = records
        self._clock = clock

    def reconcile(self) -> None:
        """Put in force what waits no longer, and fail what cannot be. Raises Unavailable."""
        for gate in self._records.gates.list_waiting():
            app = self._records.find_app(gate.app)
            if app is None or app.removed:
                continue
            advanced = self.advance(gate)
            if advanced is not gate:
                self._records.gates.save(advanced)
                _log(advanced)

    def advance(self, gate: GateRecord) -> GateRecord:
        """Return a gate with its proposal in force, or failed, if it needs not wait any longer."""
        proposal = gate.proposal
        if proposal is None or proposal.failure:
            return gate
        awaited = {
            label: self._find(gate.app, proposal.revision.commits[label])
            for label in proposal.awaited
        }
        found = (proposals.find_failure(gate.app, *one) for one in awaited.items())
        if failure := next(filter(None, found), ""):
            return proposals.fail(gate, failure)
        if not all(map(self._runs, awaited.values())):
            return gate
        before = self.find_commits(gate.app, history.list_labels(gate.revision))
        return proposals.adopt(gate, before, self._clock.now())

    def find_commits(self, app: str, labels: Iterable[str]) -> Mapping[str, str]:
        """Return the commits to which labels lead that have a running preview."""
        placed = [one for one in self._records.of_app(app) if self._runs(one)]
        placed.sort(key=lambda one: (one.started or 0.0, one.sha))
        leads = {label: one.sha for one in placed for label in (*one.labels, one.sha)}
        return {label: leads[label] for label in labels if label in leads}

    def find_followed(self, app: str, labels: Iterable[str]) -> Mapping[str, str]:
        """Return those of `find_commits` to which a branch, tag or pull request still leads."""
        found = self.find_commits(app, labels)
        gone = {one.sha for one in self._records.of_app(app) if one.unreferenced_since is not None}
        return {label: sha for label, sha in found.items() if sha not in gone}

    def _find(self, app: str, sha: str) -> PreviewRecord | None:
        return self._records.find_serving(preview_unit(app, sha))

    def _runs(self, preview: PreviewRecord | None) -> bool:
        """Return whether proxies may lead requests to a preview."""
        return (
            preview is not None
            and preview.state is State.RUNNING
            and self._records.routes.placed(preview)
        )


def _log(gate: GateRecord) -> None:
    if gate.proposal is None:
        log.info("a gate has changed", gate=gate.name, revision=gate.revision.number)
    else:
        why = gate.proposal.failure
        log.warning("a change of a gate has failed", gate=gate.name, app=gate.app, why=why)
