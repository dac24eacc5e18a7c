"""The invariants of the fault tests: each of them can fail."""

from collections.abc import Mapping

import pytest

from prevs.records import Placement, PreviewRecord
from prevs.states import State
from tests.faults.picture import Framework, Picture, violations

A, B = ("app", "a" * 40), ("app", "b" * 40)


def record(state: State, task: str | None) -> PreviewRecord:
    return PreviewRecord("app", "a" * 40, state, task_id=task)


def place(task: str, port: int = 1) -> Placement:
    return Placement(task, "127.0.0.1", port, ())


def picture(tasks: Mapping[str, str], **changed: object) -> Picture:
    whole = Picture(
        framework_id="F",
        previews={A: record(State.RUNNING, "t1"), B: record(State.QUEUED, None)},
        placements={A: place("t1")},
        frameworks=(Framework("F", True, tasks),),
        removed=(),
        containers=("t1",),
        teardowns=0,
    )
    return whole._replace(**changed)  # type: ignore[arg-type]


RUNS = {"t1": "TASK_RUNNING"}


def test_a_consistent_cluster_violates_nothing() -> None:
    assert violations(picture(RUNS)) == []


@pytest.mark.parametrize(
    ("now", "violation"),
    [
        (picture(RUNS, teardowns=1), "torn down 1 times"),
        (picture(RUNS, removed=("F",)), "has removed F"),
        (picture(RUNS, frameworks=(Framework("F", False, RUNS),)), "not the one connected"),
        (picture(RUNS, frameworks=(Framework("G", True, RUNS),)), "not the one connected"),
        (picture(RUNS, placements={A: place("t0")}), "sent to t0, but the record is running"),
        (picture(RUNS, placements={A: place("t1"), B: place("t2", 2)}), "sent to t2"),
        (picture(RUNS, placements={A: place("t1"), B: place("t2")}), "placed at"),
        (picture(RUNS, placements={}), "t1 runs and has no placement"),
        (picture({}), "Mesos has the task as none"),
        (picture({"t1": "TASK_UNREACHABLE"}), "Mesos has the task as TASK_UNREACHABLE"),
        (picture({**RUNS, "t2": "TASK_RUNNING"}), "has t2 as TASK_RUNNING, which no record"),
        (picture(RUNS, containers=()), "sent to t1, which has no container"),
        (picture(RUNS, containers=("t1", "t2")), "t2 has a container and no live task"),
    ],
)
def test_each_mistake_is_reported(now: Picture, violation: str) -> None:
    assert any(violation in sentence for sentence in violations(now)), violations(now)


def test_a_task_on_an_agent_that_is_away_need_not_be_gone_yet() -> None:
    assert violations(picture({**RUNS, "t2": "TASK_UNREACHABLE"})) == []
