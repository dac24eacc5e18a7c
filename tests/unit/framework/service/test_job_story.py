"""Jobs from their request to their end, in a service over fakes."""

import base64
import dataclasses

import pytest

from framework import events
from framework.attempts.attempts import SILENT_SECONDS
from framework.attempts.unreachable import AWAY_SECONDS
from framework.errors import Unavailable
from framework.jobs.ranks import STEP_SECONDS
from framework.matching.limits import Limits
from framework.mesos import task_status
from prevs.jobs import JobState
from prevs.messages import BuildOrder
from prevs.records import AppRecord
from prevs.states import Cause, Phase, State
from prevs.work import Progress
from tests.fakes.driven import APP, BUILD_LIMIT, B, Driven
from tests.fakes.driven_jobs import Jobs
from tests.fakes.offers import offer

LONG = b"x" * 5000


def test_a_job_is_placed_runs_and_succeeds_with_its_result(jobs: Jobs) -> None:
    job_id = jobs.place(payload=b"in")
    (task,) = jobs.driven.cluster.tasks
    assert task.order.work is not None
    assert task.order.work.payload == "aW4="
    assert (task.order.container_port, task.order.host_port) == (0, 0)
    assert all(not resource.ports for resource in task.resources)
    jobs.report(job_id, "TASK_STARTING", Phase.BUILDING, detail="1/2 RUN make")
    assert jobs.find(job_id).state is JobState.BUILDING
    jobs.report(job_id, "TASK_RUNNING", Phase.RUNNING, progress=Progress(40, "half way"))
    running = jobs.find(job_id)
    assert (running.state, running.progress) == (JobState.RUNNING, Progress(40, "half way"))
    jobs.finish(job_id, b"done")
    ended = jobs.find(job_id)
    assert (ended.state, ended.exit_code, ended.result_size) == (JobState.SUCCEEDED, 0, 4)
    assert ended.result == "ZG9uZQ=="
    assert jobs.driven.records.jobs.payload(ended) is None


def test_a_long_result_has_a_place_of_its_own(jobs: Jobs) -> None:
    job_id = jobs.run()
    jobs.finish(job_id, LONG)
    ended = jobs.find(job_id)
    assert (ended.result, ended.result_size) == ("", len(LONG))
    stored = jobs.driven.records.jobs.result(ended)
    assert stored is not None
    assert base64.b64decode(stored.data) == LONG


@pytest.mark.parametrize("result", [b"3 of 40 tests failed", LONG], ids=["short", "long"])
def test_a_job_that_fails_keeps_its_result(jobs: Jobs, result: bytes) -> None:
    job_id = jobs.run()
    jobs.fail(job_id, result=result)
    ended = jobs.find(job_id)
    assert (ended.state, ended.exit_code) == (JobState.FAILED, 3)
    assert ended.result_size == len(result)
    stored = jobs.driven.records.jobs.result(ended)
    kept = ended.result if len(result) < len(LONG) else stored and stored.data
    assert base64.b64decode(kept or "") == result


def test_only_the_last_attempt_of_a_job_leaves_a_result(jobs: Jobs) -> None:
    job_id = jobs.run(retries=1)
    jobs.fail(job_id, result=b"the first")
    again = jobs.find(job_id)
    assert (again.state, again.result, again.result_size) == (JobState.QUEUED, "", 0)


def test_the_place_that_an_ended_job_leaves_is_requested_at_once_for_the_next(jobs: Jobs) -> None:
    first, waiting = jobs.run(), jobs.request()
    jobs.driven.tick(1.0)
    task = jobs.find(first).task_id
    before = len(jobs.driven.cluster.of("revive"))
    jobs.finish(first)
    assert len(jobs.driven.cluster.of("revive")) == before + 1
    # Its executor ends a moment later, and leaves its own resources.
    jobs.driven.step(events.AgentFailed("agent-1", task))
    assert len(jobs.driven.cluster.of("revive")) == before + 2
    jobs.offer(name="o2")
    assert jobs.find(waiting).state is JobState.PLACED


def test_an_exit_code_fails_a_job_or_has_it_tried_again(jobs: Jobs) -> None:
    once, again = jobs.run(), jobs.run(retries=1, delay=10.0)
    jobs.fail(once)
    jobs.fail(again, 4)
    assert (jobs.find(once).state, jobs.find(once).exit_code) == (JobState.FAILED, 3)
    assert jobs.find(again).state is JobState.QUEUED
    assert "retry 1 of 1" in jobs.find(again).reason
    jobs.offer(name="o2")
    assert jobs.find(again).state is JobState.QUEUED
    jobs.driven.tick(13.0)
    jobs.offer(name="o3")
    placed = jobs.find(again)
    assert (placed.state, placed.tries) == (JobState.PLACED, 2)


def test_visitors_come_before_jobs_and_jobs_by_their_priority(jobs: Jobs) -> None:
    low, high = jobs.request(priority=0), jobs.request(priority=2)
    jobs.driven.start(B, "other")
    small = {"mem": 128 + 64, "cpus": 0.2}
    jobs.offer(**small)
    assert jobs.driven.preview(B).state is State.PLACED
    jobs.offer(name="o2", agent="agent-2", host="127.0.0.2", mem=2 * (128 + 64), cpus=1)
    assert (jobs.find(high).state, jobs.find(low).state) == (JobState.PLACED, JobState.QUEUED)


def test_a_job_that_waits_for_long_comes_before_new_ones(jobs: Jobs) -> None:
    old = jobs.request(priority=0)
    jobs.driven.tick(4 * STEP_SECONDS)
    new = jobs.request(priority=2)
    jobs.offer(mem=2 * (128 + 64), cpus=1)
    assert (jobs.find(old).state, jobs.find(new).state) == (JobState.PLACED, JobState.QUEUED)


def test_jobs_take_at_most_half_of_an_agent(jobs: Jobs) -> None:
    ids = [jobs.request() for _ in range(5)]
    jobs.offer(mem=4 * (128 + 64), cpus=4)
    states = [jobs.find(one).state for one in ids]
    assert states == [JobState.PLACED] * 2 + [JobState.QUEUED] * 3
    assert "as much of the agents' memory as they may" in jobs.find(ids[2]).reason


def test_an_app_has_at_most_so_many_jobs_at_a_time() -> None:
    driven = Driven(limits=Limits(jobs=3, starts_per_agent=9))
    driven.add_app(dataclasses.replace(APP, max_jobs=2))
    driven.add_app(dataclasses.replace(APP, name="other"))
    jobs = Jobs(driven)
    ids = [jobs.request() for _ in range(3)]
    others = [jobs.request(app="other") for _ in range(2)]
    jobs.offer(mem=40960, cpus=40)
    assert [jobs.find(one).state for one in ids] == [JobState.PLACED] * 2 + [JobState.QUEUED]
    assert "2 jobs of hello run already, which is its max_jobs;" in jobs.find(ids[2]).reason
    assert [jobs.find(one, "other").state for one in others] == [JobState.PLACED, JobState.QUEUED]
    assert "3 jobs run already, which is PREVS_MAX_JOBS;" in jobs.find(others[1], "other").reason


def test_of_a_group_one_job_runs_at_a_time(jobs: Jobs) -> None:
    first, second = jobs.request(exclusive="db"), jobs.request(exclusive="db")
    jobs.offer()
    assert (jobs.find(first).state, jobs.find(second).state) == (JobState.PLACED, JobState.QUEUED)
    assert "'db'" in jobs.find(second).reason
    jobs.report(first, "TASK_RUNNING", Phase.RUNNING)
    jobs.finish(first)
    jobs.offer(name="o2")
    assert jobs.find(second).state is JobState.PLACED


def test_one_of_a_group_whose_attempt_nobody_saw_end_waits_until_it_has(jobs: Jobs) -> None:
    job_id = jobs.request(exclusive="db", timeout=60.0)
    jobs.offer()
    placed = jobs.find(job_id).changed
    jobs.driven.tick(1.0)
    jobs.report(job_id, "TASK_LOST")
    lost = jobs.find(job_id)
    assert lost.state is JobState.QUEUED
    # It may fetch and build for as long as the operator lets it, and then run until its timeout.
    assert lost.retry_at - placed >= BuildOrder.fetch_limit + BUILD_LIMIT + 60.0


def test_a_cancelled_job_is_killed_until_it_has_ended(jobs: Jobs) -> None:
    job_id = jobs.run()
    task = jobs.find(job_id).task_id
    assert jobs.cancel(job_id).state is JobState.ENDING
    assert jobs.killed() == [task]
    jobs.driven.tick(11.0)
    assert jobs.killed() == [task, task]
    jobs.report(job_id, "TASK_KILLED", Phase.ENDED)
    ended = jobs.find(job_id)
    assert (ended.state, ended.reason) == (JobState.CANCELLED, "ci has cancelled it.")


def test_a_job_that_was_done_before_its_kill_arrived_has_succeeded(jobs: Jobs) -> None:
    job_id = jobs.run()
    jobs.cancel(job_id)
    jobs.finish(job_id, b"done")
    assert jobs.find(job_id).state is JobState.SUCCEEDED


def test_a_lost_job_starts_again_elsewhere_and_uses_up_no_retry(jobs: Jobs) -> None:
    job_id = jobs.run(retries=1)
    jobs.report(job_id, "TASK_LOST")
    lost = jobs.find(job_id)
    assert (lost.state, lost.failures, lost.avoid_agent) == (JobState.QUEUED, 0, "agent-1")
    jobs.driven.tick(2.0)
    both = [offer("o2"), offer("o3", agent="agent-2", host="127.0.0.2")]
    jobs.driven.step(events.Offered(both))
    assert jobs.find(job_id).agent_id == "agent-2"


def test_a_job_that_runs_once_is_never_started_twice(jobs: Jobs) -> None:
    job_id = jobs.run(once=True)
    jobs.report(job_id, "TASK_LOST")
    lost = jobs.find(job_id)
    assert lost.state is JobState.FAILED
    assert lost.failure is not None
    assert lost.failure.cause is Cause.TASK_LOST


def test_a_job_whose_agent_stays_away_is_lost_after_a_minute_and_its_task_killed(
    jobs: Jobs,
) -> None:
    job_id = jobs.run()
    task = jobs.find(job_id).task_id
    jobs.report(job_id, "TASK_UNREACHABLE")
    assert "does not answer" in jobs.find(job_id).reason
    jobs.driven.tick(AWAY_SECONDS + 1)
    assert jobs.find(job_id).state is JobState.QUEUED
    assert jobs.killed() == [task]


def test_a_job_that_a_new_master_does_not_know_yet_is_not_started_again(jobs: Jobs) -> None:
    """Its agent registers again only now: the task may have run since it was launched."""
    job_id = jobs.place()
    jobs.driven.step(events.Disconnected())
    jobs.driven.step(events.Subscribed("framework-1"))
    jobs.report(job_id, "TASK_UNKNOWN")
    assert jobs.find(job_id).state is JobState.PLACED
    jobs.finish(job_id)
    assert jobs.find(job_id).state is JobState.SUCCEEDED
    assert jobs.killed() == []


def test_a_job_that_mesos_does_not_know_for_a_minute_starts_again(jobs: Jobs) -> None:
    job_id = jobs.place()
    jobs.driven.tick(AWAY_SECONDS)
    jobs.report(job_id, "TASK_UNKNOWN")
    assert jobs.find(job_id).state is JobState.QUEUED


def test_a_task_of_mesos_that_needs_its_agent_ends_and_the_job_starts_again(jobs: Jobs) -> None:
    job_id = jobs.run()
    jobs.report(job_id, "TASK_KILLING")
    assert jobs.find(job_id).state is JobState.ENDING
    jobs.report(job_id, "TASK_KILLED")
    assert jobs.find(job_id).state is JobState.QUEUED


def test_a_job_that_cannot_start_in_time_fails_with_what_it_waited_for(jobs: Jobs) -> None:
    job_id = jobs.request(expires=60.0)
    jobs.driven.tick(5.0)
    jobs.driven.tick(60.0)
    expired = jobs.find(job_id)
    assert expired.state is JobState.FAILED
    assert expired.failure is not None
    assert expired.failure.cause is Cause.EXPIRED
    assert "No agent offers anything" in expired.failure.message


def test_a_new_leader_goes_on_with_the_jobs_of_the_former(jobs: Jobs) -> None:
    waiting, running = jobs.request(mem=9999), jobs.run()
    later = Driven(jobs.driven.znodes, jobs.driven.clock)
    assert not later.cluster.of("kill")
    after = Jobs(later)
    assert ((jobs.find(running).task_id, "agent-1"),) in later.cluster.of("reconcile")
    after.finish(running)
    assert after.find(running).state is JobState.SUCCEEDED
    assert after.find(waiting).state is JobState.QUEUED


def test_the_task_of_a_job_that_nobody_knows_is_killed(jobs: Jobs) -> None:
    job_id = jobs.run()
    task = jobs.find(job_id).task_id
    jobs.report(job_id, "TASK_LOST")
    status = {"task_id": {"value": task}, "state": "TASK_RUNNING", "uuid": "late"}
    jobs.driven.step(events.TaskStatusReceived(task_status.read(status)))
    assert task in jobs.killed()


def test_what_could_not_be_sent_waits_again_and_counts_as_no_try(jobs: Jobs) -> None:
    job_id = jobs.request()

    def refuse(call: str) -> None:
        if call == "accept":
            raise Unavailable("The Mesos master")

    jobs.driven.cluster.before = refuse
    jobs.offer()
    assert (jobs.find(job_id).state, jobs.find(job_id).tries) == (JobState.QUEUED, 0)


def test_an_app_that_is_removed_ends_its_jobs_first(jobs: Jobs) -> None:
    running, waiting = jobs.run(), jobs.request(mem=9999)
    jobs.driven.commands.remove_app("hello")
    jobs.driven.step()
    assert jobs.driven.forgotten == []
    records = jobs.driven.records.jobs
    assert records.job("hello", waiting).state is JobState.CANCELLED
    assert records.job("hello", running).state is JobState.ENDING
    jobs.report(running, "TASK_KILLED", Phase.ENDED)
    jobs.driven.step()
    assert jobs.driven.forgotten == ["hello"]
    jobs.driven.step(events.MirrorRemoved("hello"))
    assert not jobs.driven.znodes.jobs


def test_an_app_of_its_own_name_has_other_jobs(jobs: Jobs) -> None:
    jobs.driven.add_app(AppRecord("other", "/srv/other"))
    job_id = jobs.request()
    assert ("other", job_id) not in jobs.driven.service.snapshot.jobs


def test_the_last_progress_may_come_with_the_end(jobs: Jobs) -> None:
    job_id = jobs.run()
    last = Progress(100, "all of it")
    jobs.report(job_id, "TASK_FINISHED", Phase.ENDED, exit_code=0, progress=last)
    assert jobs.find(job_id).state is JobState.SUCCEEDED
    assert jobs.find(job_id).progress == last


def test_the_end_of_a_cancelled_job_is_no_failure(jobs: Jobs) -> None:
    def failures(cause: Cause) -> float | None:
        return jobs.driven.count("prevs_attempts_failed_total", cause=cause.value)

    other, job_id = jobs.run(), jobs.run()
    jobs.cancel(job_id)
    jobs.report(job_id, "TASK_KILLED", Phase.ENDED, cause=Cause.TASK_LOST)
    assert jobs.find(job_id).state is JobState.CANCELLED
    assert jobs.find(job_id).failure is None
    assert failures(Cause.TASK_LOST) == 0
    jobs.report(other, "TASK_LOST", Phase.ENDED, cause=Cause.TASK_LOST)
    assert failures(Cause.TASK_LOST) == 1


def test_the_task_of_a_job_that_has_not_begun_is_queried_once(jobs: Jobs) -> None:
    job_id = jobs.place()
    one = ((jobs.find(job_id).task_id, "agent-1"),)
    jobs.driven.cluster.calls.clear()
    jobs.driven.tick(SILENT_SECONDS + 1)
    assert jobs.driven.cluster.of("reconcile") == [one]
    jobs.report(job_id, "TASK_STAGING")
    for _ in range(5):
        jobs.driven.tick(2.0)
    assert jobs.find(job_id).state is JobState.PLACED
    assert jobs.driven.cluster.of("reconcile") == [one]
