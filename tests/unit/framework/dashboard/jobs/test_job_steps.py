from typing import Any

import pytest

from framework.dashboard.jobs.job_steps import find_steps
from prevs.job_settings import JobSettings
from prevs.jobs import JobRecord, JobState
from prevs.records import EndedAttempt

DONE, NOW, NEXT, FAILED = "done", "now", "next", "failed"


def attempt(reached: str) -> EndedAttempt:
    return EndedAttempt(1, "t1", 1.0, 2.0, "S0", None, reached)


@pytest.mark.parametrize(
    ("state", "fields", "statuses", "last"),
    [
        ("queued", {}, (NOW, NEXT, NEXT, NEXT, NEXT), "ended"),
        ("placed", {}, (DONE, NOW, NEXT, NEXT, NEXT), "ended"),
        ("building", {}, (DONE, DONE, NOW, NEXT, NEXT), "ended"),
        ("running", {}, (DONE, DONE, DONE, NOW, NEXT), "ended"),
        ("ending", {}, (DONE, DONE, NEXT, NEXT, NOW), "ending"),
        ("ending", {"phase": "building"}, (DONE, DONE, DONE, NEXT, NOW), "ending"),
        ("ending", {"began": 1.0}, (DONE, DONE, DONE, DONE, NOW), "ending"),
        ("succeeded", {}, (DONE, DONE, DONE, DONE, DONE), "succeeded"),
        ("cancelled", {}, (DONE, NEXT, NEXT, NEXT, DONE), "cancelled"),
        ("failed", {}, (FAILED, NEXT, NEXT, NEXT, FAILED), "failed"),
        ("failed", {"tries": 1}, (DONE, FAILED, NEXT, NEXT, FAILED), "failed"),
        ("failed", {"began": 1.0}, (DONE, DONE, DONE, FAILED, FAILED), "failed"),
    ],
)
def test_the_steps_show_how_far_a_job_is(
    state: str, fields: dict[str, Any], statuses: tuple[str, ...], last: str
) -> None:
    if fields.get("tries"):
        fields = {**fields, "attempts": (attempt("placed"),)}
    terms = JobSettings(("work",))
    steps = find_steps(JobRecord("a", "b", "c" * 40, "main", terms, JobState(state), **fields))
    assert tuple(step.status.value for step in steps) == statuses
    assert steps[-1].name == last


def test_a_build_that_failed_is_where_it_failed() -> None:
    job = JobRecord(
        "a",
        "b",
        "c" * 40,
        "main",
        JobSettings(("work",)),
        JobState.FAILED,
        tries=1,
        attempts=(attempt("fetching"),),
    )
    assert [step.name for step in find_steps(job) if step.status.value == FAILED] == [
        "building",
        "failed",
    ]
