"""Gates on the dashboard in these tests: one in each condition, hostile where others write."""

import dataclasses
import time
from typing import Any

from framework.state.snapshot import Behind
from prevs.gates import (
    Condition,
    ConditionKind,
    GateRecord,
    Override,
    Proposal,
    Revision,
    Rule,
    Sticky,
    Target,
)
from prevs.states import State
from tests.fakes.dashboard import Dashboard
from tests.integration.dashboard.scene import FAILED, HOSTILE, SHA

MAIN, BROKEN, GONE = Target("main"), Target("broken"), Target("3" * 40)
_LONG = "/" + "/".join(["orders"] * 28)


def run(dashboard: Dashboard, label: str, sha: str) -> None:
    """Let a preview run, and what waits for it come into force."""
    dashboard.previews.put("hello", sha, State.RUNNING, labels=(label,), task_id=f"of-{label}")
    dashboard.gates.reconcile()


def put_gate(dashboard: Dashboard, name: str, *rules: Rule, **fields: Any) -> GateRecord:
    """Add a gate of hello whose second revision is in force since an hour."""
    hour_ago = time.time() - 3600
    revision = Revision(2, rules or (Rule("/", (MAIN,)),), changed=hour_ago, by="ada")
    gate = GateRecord(name, "hello", revision, created=hour_ago)
    dashboard.gates.command(lambda _: None)  # the records get the apps
    return dashboard.jobs.records.gates.save(dataclasses.replace(gate, **fields))


def put_gates(dashboard: Dashboard) -> None:
    """Add gates that are in force and are not, wait and have failed."""
    now = time.time()
    run(dashboard, "main", SHA)
    dashboard.previews.put("hello", FAILED, State.QUEUED, labels=("broken",), reason=HOSTILE)
    split = (Target("main", 8000), Target("broken", 1500), Target("3" * 40, 500))
    rules = (
        Rule("/", split, None, Sticky.COOKIE),
        Rule(_LONG, (MAIN,), Condition(ConditionKind.HEADER, "v" * 200, "x-" + "y" * 60)),
        Rule(_LONG, (BROKEN,)),
    )
    commits = {"main": SHA, "broken": FAILED}
    earlier = (Revision(1, rules[:1], by=HOSTILE, changed=now - 9000, commits=commits),)
    hosts = (f"{'a' * 60}.{'b' * 60}.example.com",)
    change = Revision(3, (*rules[:2], Rule(_LONG, (GONE,))), tuple(Override), True, by=HOSTILE)
    change = dataclasses.replace(change, commits={"broken": FAILED, "gone": "4" * 40})
    waits = Proposal(change, hosts, keep=True, awaited=("broken", "gone"))
    put_gate(dashboard, "waits", *rules, hosts=hosts, earlier=earlier, proposal=waits)
    failed = dataclasses.replace(waits, failure=f"broken has failed: {HOSTILE * 5}")
    put_gate(dashboard, "failed", proposal=failed, earlier=earlier)
    put_gate(dashboard, "new", revision=Revision(0, ()), proposal=waits)
    put_gate(dashboard, "n" * 40)
    dashboard.gates.behind = {"waits": Behind(2, 3), "failed": Behind(0, 3)}
