import dataclasses
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework.jobs import outcomes
from framework.jobs.transitions import follow
from framework.units.lifecycle import JOB_WITH_TASK, Event
from framework.units.transitions import Again, AttemptEnded, Ended, Failed
from prevs.job_settings import JobSettings
from prevs.jobs import JobRecord, JobState
from prevs.records import Failure
from prevs.states import Cause, Phase

EXITED = Failure(Cause.APP_EXITED, "It ended with exit code 3.", 3)
LOST = Failure(Cause.TASK_LOST, "Its agent is gone.")
NOW = 1000.0


def _job(state: JobState = JobState.RUNNING, began: float | None = 900.0, **work: Any) -> JobRecord:
    settings = dataclasses.replace(JobSettings(("true",)), **work)
    return JobRecord(
        "shop", "a" * 16, "b" * 40, "main", settings, state, tries=1, began=began, agent_id="one"
    )


def test_a_job_without_retries_fails_with_its_exit_code() -> None:
    assert outcomes.decide(_job(), EXITED, NOW) == Failed(EXITED)


def test_retries_are_used_up_by_the_application_alone() -> None:
    job = _job(retries=2)
    for failures in (1, 2):
        outcome = outcomes.decide(job, EXITED, NOW)
        assert isinstance(outcome, Again)
        assert (outcome.event, outcome.failures) == (Event.TRIED_AGAIN, failures)
        job = dataclasses.replace(job, failures=failures)
        lost = outcomes.decide(job, LOST, NOW)
        assert isinstance(lost, Again)
        assert (lost.event, lost.failures) == (Event.LOST, failures)
    assert isinstance(outcomes.decide(job, EXITED, NOW), Failed)


@pytest.mark.parametrize(
    ("work", "again"),
    [
        ({"no_retry": (3,)}, False),
        ({"no_retry": (4,)}, True),
        ({"retry_only": (3,)}, True),
        ({"retry_only": (4,)}, False),
    ],
)
def test_the_exit_code_decides_about_a_retry(work: dict[str, Any], again: bool) -> None:
    outcome = outcomes.decide(_job(retries=1, **work), EXITED, NOW)
    assert isinstance(outcome, Again) is again


@pytest.mark.parametrize(
    "cause", [Cause.BUILD_FAILED, Cause.COMMIT_MISSING, Cause.SETTINGS_INVALID]
)
def test_what_would_fail_in_the_same_way_is_not_tried_again(cause: Cause) -> None:
    failure = Failure(cause, "It cannot work.")
    assert outcomes.decide(_job(retries=5), failure, NOW) == Failed(failure)


@pytest.mark.parametrize(
    ("state", "phase", "began", "cause", "again"),
    [
        (JobState.RUNNING, Phase.RUNNING, 900.0, Cause.TASK_LOST, False),
        (JobState.RUNNING, Phase.RUNNING, 900.0, Cause.DOCKER_UNAVAILABLE, False),
        # Its report that the command runs may have been lost with the agent.
        (JobState.BUILDING, Phase.FETCHING, None, Cause.TASK_LOST, False),
        (JobState.PLACED, None, None, Cause.EXECUTOR_FAILED, False),
        # Docker went away while it was to start the container.
        (JobState.BUILDING, Phase.STARTING, None, Cause.DOCKER_UNAVAILABLE, False),
        # The executor itself says that it got no image: its command never began.
        (JobState.BUILDING, Phase.BUILDING, None, Cause.DOCKER_UNAVAILABLE, True),
        (JobState.BUILDING, Phase.FETCHING, None, Cause.REPOSITORY_UNREACHABLE, True),
    ],
)
def test_a_job_that_runs_once_never_starts_again_once_it_may_have_run(
    state: JobState, phase: Phase | None, began: float | None, cause: Cause, again: bool
) -> None:
    job = _job(state, began, once=True)
    job = dataclasses.replace(job, phase=phase.value if phase else "")
    outcome = outcomes.decide(job, Failure(cause, "Lost."), NOW)
    assert isinstance(outcome, Again) is again
    if not again:
        assert isinstance(outcome, Failed)
        assert "not started again" in outcome.failure.message


def test_a_job_of_a_group_waits_until_the_attempt_that_nobody_saw_end_is_over() -> None:
    outcome = outcomes.decide(_job(exclusive="db"), LOST, NOW, until=5000.0)
    assert isinstance(outcome, Again)
    assert outcome.retry_at == 5000.0
    seen = Failure(Cause.DOCKER_UNAVAILABLE, "Docker is away.")
    outcome = outcomes.decide(_job(exclusive="db"), seen, NOW, until=5000.0)
    assert isinstance(outcome, Again)
    assert outcome.retry_at < 1100.0


def test_a_loss_that_does_not_count_starts_a_job_again_at_once() -> None:
    job = dataclasses.replace(_job(), consecutive_losses=outcomes.LOST_LIMIT)
    outcome = outcomes.decide(job, LOST, NOW, is_counted=False)
    assert isinstance(outcome, Again)
    assert (outcome.losses, outcome.retry_at) == (outcomes.LOST_LIMIT, NOW)
    assert outcome.avoid_agent is None
    alone = dataclasses.replace(job, terms=dataclasses.replace(job.terms, exclusive="db"))
    outcome = outcomes.decide(alone, LOST, NOW, until=5000.0, is_counted=False)
    assert isinstance(outcome, Again)
    assert outcome.retry_at == 5000.0
    once = _job(once=True)
    assert isinstance(outcomes.decide(once, LOST, NOW, is_counted=False), Failed)


def test_a_job_that_is_lost_too_often_fails() -> None:
    job = _job()
    for losses in range(1, outcomes.LOST_LIMIT + 1):
        outcome = outcomes.decide(job, LOST, NOW)
        assert isinstance(outcome, Again)
        assert outcome.losses == losses
        job = dataclasses.replace(job, consecutive_losses=losses)
    outcome = outcomes.decide(job, LOST, NOW)
    assert isinstance(outcome, Failed)
    assert outcome.event is Event.GIVEN_UP


def test_a_cancelled_job_ends_cancelled_and_a_preempted_one_waits_again() -> None:
    ending = _job(JobState.ENDING)
    assert outcomes.decide(ending, EXITED, NOW) == Ended(wanted=False)
    again = dataclasses.replace(ending, starts_again=True)
    assert outcomes.decide(again, EXITED, NOW) == Ended(wanted=True)
    once = dataclasses.replace(again, terms=dataclasses.replace(again.terms, once=True))
    assert isinstance(outcomes.decide(once, EXITED, NOW), Failed)


@given(
    st.sampled_from(sorted(JOB_WITH_TASK, key=lambda state: state.value)),
    st.sampled_from(Cause),
    st.booleans(),
    st.booleans(),
    st.one_of(st.none(), st.just(900.0)),
)
def test_every_end_of_an_attempt_is_legal(
    state: JobState, cause: Cause, once: bool, again: bool, began: float | None
) -> None:
    job = dataclasses.replace(
        _job(state, began, once=once, retries=0 if once else 1), starts_again=again
    )
    failure = Failure(cause, "It ended.", 1)
    outcome = outcomes.decide(job, failure, NOW)
    ended = follow(job, AttemptEnded(outcome, failure, NOW), NOW)
    assert ended.state not in JOB_WITH_TASK
    assert len(ended.attempts) == 1


@given(st.integers(1, 40), st.floats(0.1, 3600), st.text("ab", min_size=1, max_size=3))
def test_delays_double_up_to_an_hour_and_differ_by_a_fifth(
    failures: int, first: float, app: str
) -> None:
    job = dataclasses.replace(_job(delay=first), app=app)
    wanted = min(3600.0, first * 2 ** (failures - 1))
    assert 0.8 * wanted <= outcomes.delay(job, failures) <= 1.2 * wanted
