"""The service's gates: the real commands over the records of FakeJobs, without the service."""

import dataclasses
from collections.abc import Callable
from typing import TypeVar

from framework.service.gates.gate_commands import GateCommands
from framework.service.gates.gate_proposals import GateProposals
from framework.service.gates.gate_service import Gates
from framework.state.snapshot import Behind, Snapshot
from tests.fakes.jobs import FakeJobs
from tests.fakes.previews import FakePreviews

T = TypeVar("T")


class FakeGates(Gates):
    """Runs commands at once; what waits is decided before each, and by `reconcile`."""

    def __init__(self, jobs: FakeJobs, previews: FakePreviews) -> None:
        self._jobs = jobs
        self._previews = previews
        self.behind: dict[str, Behind] = {}

    @property
    def snapshot(self) -> Snapshot:
        """The current snapshot."""
        gates = self._jobs.records.gates.all
        return self._previews.snapshot._replace(gates=gates, behind=self.behind)

    def command(self, command: Callable[[GateCommands], T]) -> T:
        waiting = self.reconcile()
        records, clock = self._jobs.records, self._jobs.clock.clock
        return command(GateCommands(records, waiting, clock, domain="localhost"))

    def gone(self, name: str, **since: float) -> None:
        """Let the branches of labels of a gate be gone since then."""
        gates = self._jobs.records.gates
        gates.save(dataclasses.replace(gates.gate(name), gone=since))
        self._previews.gates = gates.all

    def reconcile(self) -> GateProposals:
        """Decide what waits, by the apps and previews of now."""
        self._jobs.take_apps()
        records = self._jobs.records
        records.save_all(self._previews.known.values())
        records.routes.publish(())
        waiting = GateProposals(records, self._jobs.clock.clock)
        waiting.reconcile()
        return waiting
