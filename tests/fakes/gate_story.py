"""Gates in a driven service, and what people write."""

import dataclasses
from collections.abc import Mapping

from framework.gates import history
from framework.gates.switching import Switch
from framework.gates.written_gate import WrittenGate
from framework.gates.written_rule import WrittenRule, WrittenTarget
from framework.service.gates.gate_commands import GatePlan
from prevs.gates import GateRecord
from prevs.records import ProxyRecord
from prevs.states import Phase
from tests.fakes.driven import APP, A, B, C, Driven

HELLO = dataclasses.replace(APP, max_previews=10)
HEADS: Mapping[str, str] = {"main": A, "v1": B, "v2": C}


def written(*leads: tuple[str, str], **more: object) -> WrittenGate:
    """Return a gate of hello with one target a path."""
    rules = [WrittenRule(path, [WrittenTarget(label)]) for path, label in leads]
    return WrittenGate("hello", rules, **more)  # type: ignore[arg-type] # of WrittenGate's fields


class GateStory:
    """A driven service whose gates somebody writes as the API does."""

    def __init__(self, driven: Driven | None = None) -> None:
        self.driven = driven or Driven()
        self.heads = dict(HEADS)
        self._offers = 0
        if driven is None:
            self.driven.add_app(HELLO)

    def put(self, *leads: tuple[str, str], name: str = "api", **more: object) -> GateRecord:
        plan = self.plan(*leads, name=name, **more)
        return self.carry_out(plan)

    def plan(self, *leads: tuple[str, str], name: str = "api", **more: object) -> GatePlan:
        gate = written(*leads, **more)
        return self.driven.gate_commands.plan(name, gate, by="ada")

    def switch(self, path: str, label: str, weight: float | None = None) -> GateRecord:
        wanted = Switch(path, label, weight=weight)
        return self.carry_out(self.driven.gate_commands.plan_switch("api", wanted, by="ada"))

    def roll_back(self, number: int | None = None) -> GateRecord:
        return self.carry_out(self.driven.gate_commands.plan_rollback("api", number, by="ada"))

    def carry_out(self, plan: GatePlan) -> GateRecord:
        commits = {**self.heads, **plan.commits}
        for label in plan.awaited:
            self.driven.start(commits[label], label)
        labels = history.list_labels(plan.checked.revision)
        wanted = {label: commits[label] for label in labels}
        return self.driven.gate_commands.carry_out(plan, wanted)

    @property
    def gate(self) -> GateRecord:
        return self.driven.service.snapshot.gate("api")

    def run(self, sha: str) -> None:
        """Let a preview that was started run."""
        self._offers += 1
        first = 31000 + 10 * self._offers
        self.driven.offer(f"o{first}", begin=first, end=first + 9)
        self.driven.report("TASK_RUNNING", Phase.RUNNING, sha=sha)

    def leads(self) -> dict[str, str]:
        """Return the first target of each path of the revision in force."""
        return {rule.path: rule.to[0].label for rule in self.gate.revision.rules}

    def proxy(self, **gates: int) -> None:
        """Let the one proxy choose by these revisions."""
        self.driven.znodes.proxies = [ProxyRecord(gates=gates)]
