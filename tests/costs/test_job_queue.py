"""What many waiting jobs cost a decision, in calls of Python functions: the same on any machine."""

import cProfile

from bench import waiting_jobs
from prevs.jobs import JobState

ROUNDS = 3
MOST_MORE = 1.3
"""Found: 1.06: some lists are longer. Who looks at each job has ten times as many calls."""


def count(jobs: int) -> float:
    scene = waiting_jobs.build(jobs)
    placed = len(scene.records.jobs.in_state(JobState.PLACED))
    profile = cProfile.Profile()
    profile.enable()
    try:
        for _ in range(ROUNDS):
            waiting_jobs.decide(scene)
    finally:
        profile.disable()
    assert len(scene.records.jobs.in_state(JobState.PLACED)) > placed, "nothing was decided"
    return sum(entry.callcount for entry in profile.getstats()) / ROUNDS


def test_ten_thousand_waiting_jobs_cost_a_decision_no_more_than_a_hundred() -> None:
    few, many = count(100), count(10_000)
    assert many <= MOST_MORE * few, (few, many)
