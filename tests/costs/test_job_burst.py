"""What a burst of jobs costs the framework: writes, calls to Mesos, and calls of functions.

The same on any machine. The statuses wait in the inbox, as they do when jobs end faster than the
framework stores them.
"""

import base64
import cProfile
import functools
from collections.abc import Collection, Iterator
from typing import NamedTuple

from framework import events
from framework.jobs.orders import JobOrder
from framework.matching.limits import Limits
from framework.mesos import task_status
from framework.service.jobs.job_commands import JobCommands
from framework.state.jobs.job_records import JobRecords
from prevs.job_settings import JobSettings
from prevs.jobs import JobRecord, JobState
from prevs.messages import TaskReport
from prevs.records import AppRecord
from prevs.states import Phase
from tests.fakes.driven import A, Driven
from tests.fakes.offers import offer

JOBS, AGENTS = 200, 10

MOST_WRITES = 0.2
"""Found: 0.175 for a job: one for what each agent gets, and one for every 16 statuses."""
MOST_CALLS = 0.2
"""How often a job lets the framework wait for Mesos. Found: 0.18, likewise."""
MOST_FUNCTIONS = 1_700
"""Found: 1,560, of which log lines are 300."""


class Cost(NamedTuple):
    """What a job took."""

    writes: float
    calls: float
    functions: float


def test_a_burst_of_jobs_takes_few_writes_and_calls() -> None:
    cost = measure()
    assert 0 < cost.writes <= MOST_WRITES, cost
    assert 0 < cost.calls <= MOST_CALLS, cost
    assert 0 < cost.functions <= MOST_FUNCTIONS, cost


def measure() -> Cost:
    """Let all jobs of an app start, run and end; return what each took on the average."""
    limits = Limits(jobs=JOBS, jobs_share=1.0, starts_per_agent=JOBS, starts_per_app=JOBS)
    driven = Driven(limits=limits)
    driven.add_app(AppRecord("hello", "/srv/hello", mem=16, cpus=0.01, max_jobs=JOBS))
    commands = JobCommands(driven.records, driven.records.vault, driven.clock.clock)
    driven.call(lambda: commands.request([_order(number) for number in range(JOBS)]))
    jobs, store = driven.records.jobs, driven.store.jobs
    writes, calls = store.writes, driven.cluster.waits
    profile = cProfile.Profile()
    for batch in (_offers, functools.partial(_run, jobs), functools.partial(_end, jobs)):
        events_now = list(batch())
        profile.enable()
        driven.service.step(events_now)
        profile.disable()
    ended = [*jobs.of_app("hello"), *jobs.archived("hello")]
    assert [job.state for job in ended] == [JobState.SUCCEEDED] * JOBS
    functions = sum(entry.callcount for entry in profile.getstats())
    return Cost(
        (store.writes - writes) / JOBS, (driven.cluster.waits - calls) / JOBS, functions / JOBS
    )


def _order(number: int) -> JobOrder:
    return JobOrder(f"{number:016d}", "hello", "main", A, JobSettings(("true",)))


def _offers() -> Iterator[events.Event]:
    cpus, mem = 0.1 * JOBS / AGENTS, 100 * JOBS / AGENTS
    agents = [(f"offer-{number}", f"agent-{number}") for number in range(AGENTS)]
    yield events.Offered([offer(one, agent=agent, cpus=cpus, mem=mem) for one, agent in agents])


def _run(jobs: JobRecords) -> Iterator[events.Event]:
    return _report(jobs.in_state(JobState.PLACED), "TASK_RUNNING", TaskReport(Phase.RUNNING))


def _end(jobs: JobRecords) -> Iterator[events.Event]:
    report = TaskReport(Phase.ENDED, exit_code=0)
    return _report(jobs.in_state(JobState.RUNNING), "TASK_FINISHED", report)


def _report(
    jobs: Collection[JobRecord], state: str, report: TaskReport
) -> Iterator[events.TaskStatusReceived]:
    for job in jobs:
        status = {
            "task_id": {"value": job.task_id},
            "agent_id": {"value": job.agent_id},
            "state": state,
            "uuid": f"{job.id} {state}",
            "data": base64.b64encode(report.encode()).decode(),
        }
        yield events.TaskStatusReceived(task_status.read(status))
