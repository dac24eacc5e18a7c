"""Jobs with a role of their own in Mesos, over fakes: which offers are requested, and for whom."""

from typing import Any

import pytest

from framework import events
from framework.matching.agents import EXECUTOR_MEM
from framework.matching.roles import Roles
from prevs.jobs import JobState
from prevs.states import Phase, State
from tests.fakes.driven import APP, A, B, Driven
from tests.fakes.driven_jobs import Jobs
from tests.fakes.offers import offer

ROLE = "prevs-jobs"
BIG = APP.mem + EXECUTOR_MEM


@pytest.fixture
def jobs() -> Jobs:
    driven = Driven(roles=Roles("prevs", ROLE))
    driven.add_app()
    return Jobs(driven)


def calls(jobs: Jobs, *names: str) -> list[tuple[str, Any]]:
    """Return the calls of these names since the last time."""
    found = [call for call in jobs.driven.cluster.calls if call[0] in names]
    jobs.driven.cluster.calls.clear()
    return found


def test_offers_are_requested_for_the_role_for_which_something_waits(jobs: Jobs) -> None:
    asks = ("revive", "suppress")
    assert calls(jobs, *asks) == []
    job_id = jobs.request()
    assert calls(jobs, *asks) == [("revive", ROLE)]
    jobs.driven.start(A)
    assert calls(jobs, *asks) == [("revive", "prevs")]
    jobs.offer("o1", role=ROLE)
    assert jobs.find(job_id).state is JobState.PLACED
    assert calls(jobs, *asks) == [("suppress", ROLE)]
    jobs.offer("o2")
    assert jobs.driven.preview(A).state is State.PLACED
    assert calls(jobs, *asks) == [("suppress", "prevs")]


def test_offers_of_one_agent_to_two_roles_are_accepted_one_by_one(jobs: Jobs) -> None:
    """Mesos refuses an ACCEPT of both."""
    job_id = jobs.request()
    jobs.driven.start(A)
    jobs.driven.step(events.Offered([offer("o1"), offer("o2", role=ROLE), offer("o3")]))
    accepted = jobs.driven.cluster.of("accept")
    assert accepted == [
        (["o1", "o3"], [jobs.driven.task(A)]),
        (["o2"], [jobs.find(job_id).task_id]),
    ]


def test_the_rest_of_an_agent_comes_again_soon_only_if_something_waits_for_that_role(
    jobs: Jobs,
) -> None:
    jobs.request()
    jobs.request(mem=9999)
    jobs.driven.start(A)
    jobs.driven.step(events.Offered([offer("o1"), offer("o2", role=ROLE)]))
    assert jobs.driven.cluster.refusals == [3600.0, 0.0]


def test_an_offer_that_is_rescinded_is_not_used(jobs: Jobs) -> None:
    jobs.driven.step(events.Rescinded("o1"))
    job_id = jobs.request()
    jobs.offer("o1", role=ROLE)
    assert jobs.find(job_id).state is JobState.QUEUED


def test_jobs_take_all_that_mesos_offers_to_their_role(jobs: Jobs) -> None:
    """PREVS_JOBS_SHARE would be a part of what a quota has cut already."""
    job_id = jobs.request()
    jobs.offer("o1", mem=BIG, role=ROLE)
    assert jobs.find(job_id).state is JobState.PLACED


def test_a_job_without_an_offer_says_so_and_names_the_role(jobs: Jobs) -> None:
    job_id = jobs.request()
    jobs.driven.start(A)
    for _ in range(5):
        jobs.driven.tick(1.0)
    assert "to the role prevs-jobs; an operator can raise its quota." in jobs.find(job_id).reason
    assert "role" not in jobs.driven.preview(A).reason


def test_no_preview_stops_for_a_job(jobs: Jobs) -> None:
    jobs.driven.start(A)
    jobs.offer("o1", mem=BIG)
    jobs.driven.report("TASK_RUNNING", Phase.RUNNING, sha=A)
    jobs.driven.tick(90.0)
    job_id = jobs.request()
    jobs.offer("o2", mem=5, role=ROLE)
    jobs.driven.tick(2.0)
    jobs.driven.tick(2.0)
    assert jobs.driven.preview(A).state is State.RUNNING
    assert jobs.find(job_id).reason == (
        "No agent has 128 MB free; the most is 0. Jobs get only what Mesos offers to the role "
        "prevs-jobs; an operator can raise its quota."
    )


def test_a_preemptible_job_gives_way_to_a_visitor(jobs: Jobs) -> None:
    job_id = jobs.request(preemptible=True)
    jobs.offer("o1", mem=BIG, role=ROLE)
    jobs.report(job_id, "TASK_RUNNING", Phase.RUNNING)
    jobs.driven.tick(70.0)
    jobs.driven.start(B)
    jobs.offer("o2", cpus=0.01, mem=5)
    jobs.driven.tick(2.0)
    assert jobs.find(job_id).state is JobState.ENDING
    jobs.report(job_id, "TASK_KILLED", Phase.ENDED)
    # Mesos may offer it to the role of jobs first: the job leaves it to whom it is reserved.
    jobs.offer("freed", mem=BIG, role=ROLE)
    assert jobs.find(job_id).state is JobState.QUEUED
    jobs.offer("again", mem=BIG)
    assert jobs.driven.preview(B).state is State.PLACED
