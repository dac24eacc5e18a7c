"""How much more memory jobs may take: a share of what is free and of what is ours on an agent."""

import dataclasses

from framework import events
from framework.matching.agents import EXECUTOR_MEM
from framework.scheduling.job_room import find_job_room
from tests.fakes.driven import APP, A, Driven
from tests.fakes.driven_jobs import Jobs
from tests.fakes.offers import offer

PREVIEW, JOB = APP.mem + EXECUTOR_MEM, 40 + EXECUTOR_MEM


def test_jobs_may_take_their_share_of_what_is_free_and_of_what_is_ours() -> None:
    driven = Driven()
    driven.add_app(dataclasses.replace(APP, max_jobs=9))
    jobs = Jobs(driven)
    for number in (1, 2):
        jobs.request(mem=40)
        jobs.offer(f"o{number}", agent=f"agent-{number}", host=f"h{number}")
    driven.start(A)
    driven.step(events.Offered([offer("o3")]))
    free = {"agent-1": 1000.0, "agent-2": 500.0, "agent-3": 300.0}
    assert find_job_room(driven.records, free, 0.25) == {
        "agent-1": 0.25 * (1000 + PREVIEW + JOB) - JOB,
        "agent-2": 0.25 * (500 + JOB) - JOB,
        "agent-3": 0.25 * 300,
    }
    assert find_job_room(driven.records, {}, 0.25) == {}
