import pytest

from framework.attempts.losses import SETTLED_SECONDS, Loss
from framework.attempts.retry import LONGEST_SECONDS, LOST_LIMIT, STEADY_SECONDS, decide, delay
from framework.units.lifecycle import WITH_TASK, Event
from framework.units.transitions import Again, Failed
from prevs.records import Failure, PreviewRecord
from prevs.states import Cause, State

NOW = 10_000.0
STICKY = {
    Cause.COMMIT_MISSING,
    Cause.DOCKERFILE_MISSING,
    Cause.BUILD_FAILED,
    Cause.START_FAILED,
    Cause.NEVER_LISTENED,
    Cause.TASK_REJECTED,
    Cause.SETTINGS_INVALID,
    Cause.HOOK_FAILED,
    Cause.DISK_FULL,
    Cause.COMMIT_TOO_LARGE,
    # Only jobs have these.
    Cause.TIMED_OUT,
    Cause.EXPIRED,
    Cause.RESULT_UNUSABLE,
    Cause.PREVIEW_STOPPED,
}
CRASHES = {Cause.APP_EXITED, Cause.COMPANION_FAILED, Cause.OUT_OF_MEMORY, Cause.UNHEALTHY}
UNLUCKY = set(Cause) - STICKY - CRASHES
AGENTS = {
    Cause.AGENT_OPEN,
    Cause.AGENT_UNFIT,
    Cause.DOCKER_UNAVAILABLE,
    Cause.EXECUTOR_FAILED,
    Cause.REGISTRY_UNREACHABLE,
    Cause.TASK_LOST,
    Cause.UNHEALTHY,
}


def preview(state: State = State.RUNNING, **fields: object) -> PreviewRecord:
    given = {"agent_id": "agent-1", "started": NOW - 1, **fields}
    return PreviewRecord("hello", "a" * 40, state, **given)  # type: ignore[arg-type] # fields vary per test


def failure(cause: Cause = Cause.APP_EXITED) -> Failure:
    return Failure(cause, "It broke.", 3)


def again(before: PreviewRecord, cause: Cause = Cause.APP_EXITED) -> Again:
    """Return how a preview is retried after its attempt has ended."""
    outcome = decide(before, failure(cause), NOW)
    assert isinstance(outcome, Again)
    return outcome


@pytest.mark.parametrize("cause", Cause)
def test_the_outcome_of_an_attempt_that_never_answered(cause: Cause) -> None:
    for state in WITH_TASK - {State.RUNNING, State.DRAINING}:
        outcome = decide(preview(state), failure(cause), NOW)
        if cause in UNLUCKY:
            assert isinstance(outcome, Again)
            assert (outcome.event, outcome.retry_at) == (Event.LOST, NOW + 1)
        else:
            assert outcome == Failed(failure(cause))


@pytest.mark.parametrize("cause", Cause)
def test_the_outcome_of_an_attempt_that_ran(cause: Cause) -> None:
    event = decide(preview(), failure(cause), NOW).event
    if cause in STICKY:
        assert event is Event.FAILED
    else:
        assert event is (Event.TRIED_AGAIN if cause in CRASHES else Event.LOST)


def test_the_delay_grows_and_is_capped() -> None:
    assert [delay(count) for count in range(1, 6)] == [1, 4, 16, LONGEST_SECONDS, LONGEST_SECONDS]


@pytest.mark.parametrize("cause", [Cause.TASK_LOST, Cause.EXECUTOR_FAILED])
def test_the_first_loss_of_a_task_that_ran_costs_no_delay(cause: Cause) -> None:
    assert again(preview(), cause).retry_at == 0.0
    assert again(preview(consecutive_losses=1), cause).retry_at == NOW + 4
    assert again(preview(), Cause.DOCKER_UNAVAILABLE).retry_at == NOW + 1


@pytest.mark.parametrize(
    ("cause", "what"),
    [(Cause.APP_EXITED, "failed soon after they ran"), (Cause.TASK_LOST, "were lost")],
)
def test_after_so_many_in_a_row_it_stays_failed_with_the_last_reason(
    cause: Cause, what: str
) -> None:
    assert again(preview(consecutive_losses=LOST_LIMIT - 1), cause).losses == LOST_LIMIT
    sentence = f"{LOST_LIMIT + 1} attempts in a row {what}. The last: It broke."
    given_up = Failed(Failure(cause, sentence, 3), Event.GIVEN_UP, LOST_LIMIT + 1)
    assert decide(preview(consecutive_losses=LOST_LIMIT), failure(cause), NOW) == given_up


def test_the_count_restarts_after_minutes_of_running_and_not_before() -> None:
    def count(ran: float, state: State = State.RUNNING) -> object:
        return again(
            preview(state, consecutive_losses=3, started=NOW - ran), Cause.TASK_LOST
        ).losses

    assert count(STEADY_SECONDS) == 1
    assert count(STEADY_SECONDS - 1) == 4
    assert count(STEADY_SECONDS, State.STARTING) == 4


@pytest.mark.parametrize("cause", sorted(UNLUCKY | CRASHES, key=str))
def test_an_agent_that_may_be_at_fault_is_avoided(cause: Cause) -> None:
    avoided = again(preview(), cause).avoid_agent
    assert avoided == ("agent-1" if cause in AGENTS else None)


def test_the_reason_names_the_failure_and_the_next_try() -> None:
    reason = again(preview(consecutive_losses=1)).reason.text
    assert reason.startswith("It broke. It is tried again in 4 s; ")
    assert reason.endswith("if it ends like that 4 more times in a row, it stays failed.")
    last = again(preview(consecutive_losses=LOST_LIMIT - 1)).reason.text
    assert last.endswith("if it ends like that once more, it stays failed.")
    lost = again(preview(), Cause.TASK_LOST).reason.text
    assert "tried again at once" in lost


@pytest.mark.parametrize("loss", Loss)
@pytest.mark.parametrize(
    ("cause", "wait", "when"),
    [
        (Cause.TASK_LOST, 0.0, "at once"),
        (Cause.EXECUTOR_FAILED, 0.0, "at once"),
        (Cause.DOCKER_UNAVAILABLE, 1.0, "in 1 s"),
    ],
)
def test_what_had_run_for_a_minute_is_not_to_blame_if_more_than_it_is_lost(
    loss: Loss, cause: Cause, wait: float, when: str
) -> None:
    ran = preview(consecutive_losses=2, started=NOW - SETTLED_SECONDS)
    outcome = decide(ran, failure(cause), NOW, loss)
    assert isinstance(outcome, Again)
    if loss is Loss.ALONE:
        assert (outcome.losses, outcome.retry_at) == (3, NOW + 16)
        return
    assert (outcome.event, outcome.losses) == (Event.LOST, 2)
    assert outcome.retry_at == (NOW + wait if wait else 0.0)
    assert outcome.avoid_agent == ("agent-1" if loss is Loss.WITH_AGENT else None)
    assert outcome.reason.text == f"It broke. It starts again {when}; this loss does not count."


@pytest.mark.parametrize(
    "young",
    [
        preview(started=NOW - SETTLED_SECONDS + 1),
        preview(started=None),
        preview(State.STARTING, started=NOW - 2 * SETTLED_SECONDS),
    ],
    ids=["it ran for less", "its start is not known", "it never ran"],
)
@pytest.mark.parametrize("loss", Loss)
def test_only_a_stop_in_order_excuses_what_had_not_run_for_a_minute(
    young: PreviewRecord, loss: Loss
) -> None:
    outcome = decide(young, failure(Cause.TASK_LOST), NOW, loss)
    assert isinstance(outcome, Again)
    assert outcome.losses == (0 if loss is Loss.IN_STOP else 1)
