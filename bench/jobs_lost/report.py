"""The matrix: tables for people, and figures for programs."""

from collections.abc import Mapping

from bench.harness import page
from bench.harness.machine import Load
from bench.jobs_lost.case import KEEPER, MACHINE, PARENT, WORKER, Outcome
from bench.jobs_lost.small_work import SECONDS

OURS = "prevs"
_COUNTS = ("jobs", "times", "lost", "told", "stuck", "again", "needless", "wronged")
_PROMISES = {
    WORKER: "the executor of a job: the job starts again, on another agent if possible",
    PARENT: "a Mesos agent: its jobs go on, and their ends are known when it is back",
    KEEPER: "in turn the leading framework, the Mesos master and ZooKeeper: jobs go on; none is "
    "forgotten, and none starts twice",
    MACHINE: "an agent with its executors and containers, back after 5 s: its jobs start again, "
    "there or elsewhere",
}
"""What of ours dies, and what prevs promises then."""

Matrix = Mapping[tuple[str, str], Outcome]
"""What came of each kind of kill with each queue: by (kind, name of the queue)."""


def lines(matrix: Matrix) -> list[str]:
    """Return what is promised of ours and what came of it, and all queues: two Markdown tables."""
    ours = [
        (_PROMISES[kind], *_cells(outcome))
        for (kind, name), outcome in matrix.items()
        if name == OURS
    ]
    every = [
        (kind, f"**{name}**" if name == OURS else name, *_cells(outcome))
        for (kind, name), outcome in matrix.items()
    ]
    return [
        *page.table(("what dies, and what is promised", *_COUNTS), ours),
        "",
        *page.table(("killed", "", *_COUNTS), every),
    ]


def _cells(outcome: Outcome) -> tuple[str, ...]:
    return tuple(map(str, (outcome.jobs, outcome.kills, *outcome.counts)))


def figures(matrix: Matrix) -> dict[str, object]:
    """Return the figures to compare runs."""
    found: dict[str, object] = {}
    for (kind, name), outcome in matrix.items():
        figures_ = {"jobs": outcome.jobs, "kills": outcome.kills, **outcome.counts._asdict()}
        found[f"{name}: {kind}"] = figures_
    return found


def machine(load: Load, versions: Mapping[str, str]) -> str:
    """Return a line about the measurement, the machine and the versions."""
    known = "".join(f", {name} {version}" for name, version in versions.items())
    return f"{page.describe_machine(load)}, jobs of {SECONDS} s{known}:"
