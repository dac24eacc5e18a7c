"""framework/scheduling/eviction.py: visitors come before preemptible jobs, over fakes."""

import dataclasses
from typing import Any

import pytest

from framework.matching.agents import EXECUTOR_MEM
from framework.matching.limits import Limits
from prevs.jobs import JobState
from prevs.states import Phase, State
from tests.fakes.driven import APP, A, B, C, Driven
from tests.fakes.driven_jobs import Jobs

BIG = APP.mem + EXECUTOR_MEM
"""What a preview or a job takes with its executor."""


@pytest.fixture
def jobs() -> Jobs:
    driven = Driven(limits=Limits(jobs_share=1.0))
    driven.add_app()
    return Jobs(driven)


def run(jobs: Jobs, *, agent: int = 1, **terms: Any) -> str:
    """Run a job on an agent that has no room for anything else."""
    job_id = jobs.request(**terms)
    jobs.offer(f"for {job_id}", mem=BIG, agent=f"agent-{agent}", host=f"127.0.0.{agent}")
    jobs.report(job_id, "TASK_RUNNING", Phase.RUNNING)
    jobs.driven.tick(70.0)
    return job_id


def visit(jobs: Jobs, sha: str = C, app: str = "hello") -> None:
    """Let somebody wait for a preview, for which no agent has room."""
    jobs.driven.start(sha, "three", app=app)
    jobs.offer(name=f"rest for {sha}", cpus=0.01, mem=5)
    jobs.driven.tick(2.0)


def test_a_job_gives_way_starts_again_and_succeeds(jobs: Jobs) -> None:
    job_id = run(jobs, preemptible=True, retries=1)
    task = jobs.find(job_id).task_id
    visit(jobs)
    stopping = jobs.find(job_id)
    assert (stopping.state, jobs.killed()) == (JobState.ENDING, [task])
    assert stopping.reason == (
        "It gave way to hello at ccccccc, which a visitor waits for; it starts again by itself."
    )
    assert jobs.driven.preview(C).reason == (
        f"Room is being made for it; these jobs give way: the job {job_id} of hello."
    )
    jobs.report(job_id, "TASK_KILLED", Phase.ENDED)
    queued = jobs.find(job_id)
    assert (queued.state, queued.failures) == (JobState.QUEUED, 0)
    assert queued.attempts[-1].why == stopping.reason
    jobs.offer(name="freed", mem=BIG)
    assert jobs.driven.preview(C).state is State.PLACED
    jobs.offer(name="more", mem=BIG, agent="agent-2", host="127.0.0.2")
    again = jobs.driven.cluster.tasks[-1].order.work
    assert again is not None
    assert (again.job, again.number, again.before) == (job_id, 2, stopping.reason)
    jobs.finish(job_id)
    assert jobs.find(job_id).state is JobState.SUCCEEDED


def test_the_preview_of_another_app_is_not_named(jobs: Jobs) -> None:
    jobs.driven.add_app(dataclasses.replace(APP, name="shop"))
    job_id = run(jobs, preemptible=True)
    visit(jobs, app="shop")
    assert "It gave way to a preview of another app" in jobs.find(job_id).reason
    reason = jobs.driven.preview(C, app="shop").reason
    assert reason.endswith("these jobs give way: a job of another app.")


@pytest.mark.parametrize("terms", [{}, {"preemptible": True, "once": True}], ids=["usual", "once"])
def test_no_other_job_is_ever_stopped(jobs: Jobs, terms: dict[str, bool]) -> None:
    job_id = run(jobs, **terms)
    visit(jobs)
    jobs.driven.tick(600.0)
    assert (jobs.find(job_id).state, jobs.killed()) == (JobState.RUNNING, [])
    assert jobs.driven.preview(C).state is State.QUEUED


def test_the_youngest_job_gives_way_but_an_idle_preview_before_it(jobs: Jobs) -> None:
    old = run(jobs, agent=2, preemptible=True)
    young = run(jobs, agent=2, preemptible=True)
    jobs.driven.start(A, "one")
    jobs.offer(name="for one", mem=BIG)
    jobs.driven.report("TASK_RUNNING", Phase.RUNNING, sha=A)
    jobs.driven.tick(90.0)
    visit(jobs, B)
    assert jobs.driven.preview(A).state is State.DRAINING
    visit(jobs, C)
    assert jobs.find(young).state is JobState.ENDING
    assert jobs.find(old).state is JobState.RUNNING


def test_nothing_gives_way_for_what_is_built_ahead_or_for_another_job(jobs: Jobs) -> None:
    first = run(jobs, preemptible=True, priority=0)
    waiting = jobs.request(priority=2)
    jobs.offer(name="rest", cpus=0.01, mem=5)
    jobs.driven.tick(2.0)
    assert jobs.find(first).state is JobState.RUNNING
    assert jobs.find(waiting).reason.endswith(
        "Only previews make room for a job: those that nobody uses, neither pinned nor kept warm."
    )


def idle(jobs: Jobs, *, keep_warm: tuple[str, ...] = ()) -> None:
    """Run a preview that nobody uses, on an agent that has no room for anything else."""
    if keep_warm:
        app = dataclasses.replace(jobs.driven.records.app("hello"), keep_warm=keep_warm)
        jobs.driven.call(lambda: jobs.driven.records.save_app(app))
    jobs.driven.start(A, "one")
    jobs.offer(name="for one", mem=2 * BIG)
    jobs.driven.report("TASK_RUNNING", Phase.RUNNING, sha=A)
    jobs.driven.tick(90.0)


def wait(jobs: Jobs) -> str:
    """Let a job wait for room."""
    job_id = jobs.request()
    jobs.offer(name="rest", cpus=0.01, mem=5)
    jobs.driven.tick(2.0)
    return job_id


def test_an_idle_preview_makes_room_for_a_job(jobs: Jobs) -> None:
    idle(jobs)
    job_id = wait(jobs)
    assert jobs.driven.preview(A).state is State.DRAINING
    assert jobs.driven.preview(A).reason.startswith(
        f"It was stopped to make room for the job {job_id} of hello;"
    )
    assert "these unused previews stop: hello at aaaaaaa" in jobs.find(job_id).reason
    jobs.driven.update("TASK_KILLED", sha=A)
    jobs.offer(name="freed", mem=BIG)
    assert jobs.find(job_id).state is JobState.PLACED


@pytest.mark.parametrize("why", ["used", "pinned", "warm"])
def test_a_preview_that_is_wanted_makes_no_room_for_a_job(jobs: Jobs, why: str) -> None:
    idle(jobs, keep_warm=("mon-sun 00:00-24:00",) if why == "warm" else ())
    if why == "used":
        jobs.driven.use(A, open=1)
    if why == "pinned":
        jobs.driven.pin(A)
    job_id = wait(jobs)
    assert jobs.driven.preview(A).state is State.RUNNING
    assert "neither pinned nor kept warm" in jobs.find(job_id).reason


def test_no_preview_stops_for_a_job_where_jobs_may_take_no_more() -> None:
    driven = Driven(limits=Limits(jobs_share=0.5))
    driven.add_app()
    jobs = Jobs(driven)
    idle(jobs)
    assert driven.preview(A).state is State.RUNNING
    first = jobs.request()
    jobs.offer(name="half", mem=BIG)
    assert jobs.find(first).state is JobState.PLACED
    wait(jobs)
    driven.offer("again", cpus=0.01, mem=5)
    driven.tick(2.0)
    assert driven.preview(A).state is State.RUNNING
