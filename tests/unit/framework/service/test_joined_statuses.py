"""Statuses of jobs that wait together are stored in one write, and acknowledged together."""

import base64
from collections.abc import Sequence
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from framework import events
from framework.mesos import task_status
from framework.ports.tasks import StatusKind, TaskStatus
from prevs.jobs import JobState
from prevs.messages import TaskReport
from prevs.states import Cause, Phase, State
from tests.fakes.driven import B, Driven
from tests.fakes.driven_jobs import Jobs

LONG = base64.b64encode(b"x" * 50_000).decode()

received = st.lists(
    st.one_of(
        st.builds(events.Rescinded, st.sampled_from("xy")),
        st.tuples(
            st.sampled_from(["job-1", "job-2", "job-3", *map(str, range(20))]),
            st.uuids().map(str),
            st.booleans(),
        ),
    ),
    max_size=60,
)
"""Events; of a status its task, its uuid, and whether it has a long result."""

Received = Sequence[events.Rescinded | tuple[str, str, bool]]


def make_batch(some: Received) -> Sequence[events.Event]:
    """Return the events: Hypothesis would write long results into its notes."""
    return [
        one
        if isinstance(one, events.Rescinded)
        else events.TaskStatusReceived(
            TaskStatus(
                one[0],
                "agent-1",
                StatusKind.ALIVE,
                uuid=one[1],
                result=LONG if one[2] else "",
            )
        )
        for one in some
    ]


def is_of_job(task_id: str) -> bool:
    return task_id != "job-3"


@given(received)
def test_nothing_is_lost_and_no_task_changes_its_order(some: Received) -> None:
    batch = make_batch(some)
    joined = list(events.join_statuses(batch, is_of_job))
    groups = [one.statuses for one in joined if isinstance(one, events.StatusesReceived)]
    for task in {status.task_id for group in groups for status in group}:
        before = [
            one.status
            for one in batch
            if isinstance(one, events.TaskStatusReceived) and one.status.task_id == task
        ]
        assert [one for group in groups for one in group if one.task_id == task] == before
    for group in groups:
        assert len({status.task_id for status in group}) == len(group) <= 16
        assert sum(len(status.result) for status in group) <= 200_000
        assert len(group) == 1 or all(is_of_job(status.task_id) for status in group)
    assert sum(map(events.count, joined)) == len(batch)


@given(received)
def test_a_status_of_a_job_passes_no_other_event(some: Received) -> None:
    batch = make_batch(some)

    def describe(some: Sequence[events.Event]) -> list[object]:
        """Return each event that is no status, with the jobs' statuses that came before it."""
        found: list[object] = []
        seen: set[str] = set()
        for event in some:
            match event:
                case events.TaskStatusReceived(status):
                    statuses: Sequence[TaskStatus] = (status,)
                case events.StatusesReceived(statuses):
                    pass
                case _:
                    found.append((event, frozenset(seen)))
                    continue
            seen |= {status.uuid for status in statuses if is_of_job(status.task_id)}
        return found

    assert describe(list(events.join_statuses(batch, is_of_job))) == describe(batch)


def status_of(task: str | None, state: str, phase: Phase, **more: Any) -> events.Event:
    data = TaskReport(phase, **more).encode()
    return events.TaskStatusReceived(
        task_status.read(
            {
                "task_id": {"value": task},
                "agent_id": {"value": "agent-1"},
                "state": state,
                "uuid": f"uuid of {task}",
                "data": base64.b64encode(data).decode(),
            }
        )
    )


def place_some(driven: Driven, count: int) -> tuple[Jobs, list[str]]:
    """Place some jobs; return their ids."""
    jobs = Jobs(driven)
    ids = [jobs.request() for _ in range(count)]
    jobs.offer("o1")
    assert {jobs.find(job_id).state for job_id in ids} == {JobState.PLACED}
    return jobs, ids


def acknowledged(driven: Driven) -> set[str]:
    return set(driven.cluster.of("acknowledge"))


def test_statuses_that_wait_together_are_one_write(driven: Driven) -> None:
    jobs, ids = place_some(driven, 3)
    tasks = [jobs.find(job_id).task_id for job_id in ids]
    writes = driven.store.jobs.writes
    driven.step(*(status_of(task, "TASK_RUNNING", Phase.RUNNING) for task in tasks))
    assert driven.store.jobs.writes == writes + 1
    assert {jobs.find(job_id).state for job_id in ids} == {JobState.RUNNING}
    assert acknowledged(driven) == {f"uuid of {task}" for task in tasks}


def test_none_of_them_is_acknowledged_unless_it_is_stored(driven: Driven) -> None:
    jobs, ids = place_some(driven, 3)
    tasks = [jobs.find(job_id).task_id for job_id in ids]
    statuses = [status_of(task, "TASK_RUNNING", Phase.RUNNING) for task in tasks]
    driven.store.jobs.away = True
    driven.step(*statuses)
    assert acknowledged(driven) == set()
    assert {jobs.find(job_id).state for job_id in ids} == {JobState.PLACED}
    driven.store.jobs.away = False
    driven.step(*statuses)
    assert {jobs.find(job_id).state for job_id in ids} == {JobState.RUNNING}
    assert len(acknowledged(driven)) == 3


def test_each_has_its_own_end_and_a_preview_among_them_runs(driven: Driven) -> None:
    jobs, ids = place_some(driven, 3)
    driven.start(B)
    driven.offer("o2")
    good, bad, unknown = (jobs.find(job_id).task_id for job_id in ids)
    driven.step(
        status_of(good, "TASK_FINISHED", Phase.ENDED, exit_code=0, result=LONG),
        status_of(bad, "TASK_FAILED", Phase.ENDED, cause=Cause.APP_EXITED, exit_code=3),
        status_of(driven.task(B), "TASK_RUNNING", Phase.RUNNING),
        status_of(unknown, "TASK_FROM_THE_FUTURE", Phase.RUNNING),
    )
    states = [jobs.find(job_id).state for job_id in ids]
    assert states == [JobState.SUCCEEDED, JobState.FAILED, JobState.PLACED]
    assert driven.preview(B).state is State.RUNNING
    result = driven.records.jobs.result(jobs.find(ids[0]))
    assert result is not None
    assert result.data == LONG
    assert len(acknowledged(driven)) == 4


def test_a_status_that_the_state_does_not_allow_stops_no_other(driven: Driven) -> None:
    jobs, ids = place_some(driven, 2)
    first, second = (jobs.find(job_id).task_id for job_id in ids)
    driven.step(status_of(first, "TASK_RUNNING", Phase.RUNNING))
    driven.step(
        status_of(first, "TASK_STARTING", Phase.BUILDING),
        status_of(second, "TASK_RUNNING", Phase.RUNNING),
    )
    assert [jobs.find(job_id).state for job_id in ids] == [JobState.RUNNING] * 2
    assert driven.count("prevs_illegal_transitions_total") == 1


def test_a_status_that_meets_a_defect_stops_no_other_and_comes_again(driven: Driven) -> None:
    jobs, ids = place_some(driven, 2)
    first, second = (str(jobs.find(job_id).task_id) for job_id in ids)
    broken: Any = "no failure"
    defect = TaskStatus(first, "agent-1", StatusKind.ENDED, failure=broken, uuid="u")
    driven.step(events.TaskStatusReceived(defect), status_of(second, "TASK_RUNNING", Phase.RUNNING))
    states = [jobs.find(job_id).state for job_id in ids]
    assert states == [JobState.PLACED, JobState.RUNNING]
    assert acknowledged(driven) == {f"uuid of {second}"}
    assert driven.count("prevs_service_errors_total") == 1
