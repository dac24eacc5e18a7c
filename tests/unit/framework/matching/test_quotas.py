import pytest

from framework.matching.limits import Limits
from framework.matching.quotas import Quotas
from framework.matching.refusals import Shortage
from prevs.job_settings import JobSettings
from prevs.jobs import JobRecord, JobState
from prevs.records import AppRecord, PreviewRecord
from prevs.states import State
from prevs.units import job_unit, preview_unit
from tests.fakes.offers import quotas

UNIT = preview_unit("hello", "b" * 40)
HOLDING = {State.PLACED, State.BUILDING, State.STARTING, State.RUNNING, State.DRAINING}
STARTING = {State.PLACED, State.BUILDING, State.STARTING}


def one(state: State) -> list[PreviewRecord]:
    return [PreviewRecord("hello", "a" * 40, state, agent_id="agent-1")]


@pytest.mark.parametrize("state", State)
def test_a_preview_with_a_task_counts(state: State) -> None:
    refusal = quotas(one(state), max_previews=1).refusal(UNIT)
    assert (refusal is not None) is (state in HOLDING)
    if refusal:
        assert refusal.shortage is Shortage.APP_SLOT
        assert refusal.reason.startswith("hello has 1 previews already")
    refusal = quotas(one(state), Limits(previews=1)).refusal(UNIT)
    assert (refusal is not None) is (state in HOLDING)
    if refusal:
        assert refusal.shortage is Shortage.SLOT


@pytest.mark.parametrize("state", State)
def test_a_preview_on_its_way_to_running_counts_as_starting(state: State) -> None:
    limits = Limits(starts_per_app=1, starts_per_agent=1)
    refusal = quotas(one(state), limits).refusal(UNIT)
    assert (refusal is not None) is (state in STARTING)
    assert quotas(one(state), limits).start_slots_left("agent-1") == (0 if state in STARTING else 1)
    assert quotas(one(state), limits).agents_at_start_limit() == (
        {"agent-1"} if state in STARTING else set()
    )


def test_a_planned_start_counts() -> None:
    left = quotas((), Limits(starts_per_agent=1, starts_per_app=1))
    assert left.refusal(UNIT) is None
    left.reserve(UNIT, "agent-2")
    assert left.refusal(UNIT) is not None
    assert left.agents_at_start_limit() == {"agent-2"}


BUSY = {JobState.PLACED, JobState.BUILDING}
"""A job has begun with its command, and is no start any more."""


@pytest.mark.parametrize("state", JobState)
def test_a_job_takes_a_start_of_its_agent_until_its_command_begins(state: JobState) -> None:
    job = JobRecord("hello", "j1", "a" * 40, "main", JobSettings(("x",)), state, agent_id="agent-1")
    left = Quotas(
        {"hello": AppRecord("hello", "/srv/hello")},
        with_task=(),
        starting=(),
        limits=Limits(starts_per_agent=1),
        jobs=[job],
    )
    assert left.start_slots_left("agent-1") == (0 if state in BUSY else 1)
    assert left.agents_at_start_limit() == ({"agent-1"} if state in BUSY else set())


def test_a_planned_job_takes_a_start_of_its_agent_and_none_of_its_app() -> None:
    left = quotas((), Limits(starts_per_agent=2, starts_per_app=1))
    left.reserve(job_unit("hello", "j1"), "agent-1")
    assert left.start_slots_left("agent-1") == 1
    assert left.start_slots_left("agent-2") == 2
    assert left.refusal(UNIT) is None
    left.reserve(job_unit("hello", "j2"), "agent-1")
    assert left.agents_at_start_limit() == {"agent-1"}


@pytest.mark.parametrize(
    ("most_of_app", "most", "why"),
    [
        (2, 9, "2 jobs of hello run already, which is its max_jobs"),
        (9, 2, "2 jobs run already, which is PREVS_MAX_JOBS"),
    ],
)
def test_jobs_are_limited_by_app_and_in_all(most_of_app: int, most: int, why: str) -> None:
    left = quotas((), Limits(jobs=most), max_jobs=most_of_app)
    for name in ("j1", "j2"):
        assert left.refusal(job_unit("hello", name)) is None
        left.reserve(job_unit("hello", name), "agent-1")
    refusal = left.refusal(job_unit("hello", "j3"))
    assert refusal is not None
    assert refusal.shortage is Shortage.JOB_SLOT
    assert refusal.reason == f"{why}; it starts when one has ended."
