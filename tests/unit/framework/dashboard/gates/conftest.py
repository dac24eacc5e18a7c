"""A dashboard whose app `hello` has a gate `api`, and visitors with each scope."""

import re
from collections.abc import Sequence

import pytest

from framework.gates.written_gate import WrittenGate
from framework.gates.written_rule import WrittenCondition, WrittenRule, WrittenTarget
from prevs.gates import GateRecord
from prevs.states import State
from tests.fakes.dashboard import Dashboard, Visitor

A, B, C = "a" * 40, "b" * 40, "c" * 40
HEADS = {"main": A, "v1": B, "v2": C}
GATE = "/apps/hello/gates/api"
MAIN, V1 = WrittenTarget("main"), WrittenTarget("v1")
ROOT = WrittenRule("/", [MAIN])


@pytest.fixture
def dashboard(dashboard: Dashboard) -> Dashboard:
    """Its labels main and v1 run; the gate is in force at two of three proxies."""
    for label, sha in HEADS.items():
        dashboard.refs.put("hello", label, sha)
    run(dashboard, "main", "v1")
    write(dashboard, ROOT)
    return dashboard


def run(dashboard: Dashboard, *labels: str) -> None:
    """Let the previews of labels run, and what waits for them come into force."""
    for label in labels:
        sha, task = HEADS[label], f"of-{label}"
        dashboard.previews.put("hello", sha, State.RUNNING, labels=(label,), task_id=task)
    dashboard.gates.reconcile()


def write(
    dashboard: Dashboard, *rules: WrittenRule, name: str = "api", **more: Sequence[str] | bool
) -> GateRecord:
    """Write a gate as the API does."""
    gate = WrittenGate("hello", rules, **more)  # type: ignore[arg-type] # of WrittenGate's fields

    plan = dashboard.gates.command(lambda commands: commands.plan(name, gate, by="ada"))
    for label in plan.awaited:
        dashboard.previews.start("hello", HEADS[label], label)
    commits = {label: HEADS[label] for label in plan.awaited}
    return dashboard.gates.command(lambda commands: commands.carry_out(plan, commits))


def split(first: float, *, when: WrittenCondition | None = None) -> WrittenRule:
    """Return a rule of / that leads to main and v1."""
    targets = [WrittenTarget("main", first), WrittenTarget("v1", 100 - first)]
    return WrittenRule("/", targets, when)


def fill(visitor: Visitor, place: int = 0) -> dict[str, str]:
    """Return the fields of the form that lets a rule of the gate lead elsewhere."""
    form = visitor.get(GATE).text.split(f'id="r{place}-', 1)[1].partition("</form>")[0]
    fields = re.findall(r'<input [^>]*?name="([^"]+)"[^>]*? value="([^"]*)"', form)
    return dict(fields)
