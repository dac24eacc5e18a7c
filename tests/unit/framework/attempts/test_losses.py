"""What went with a lost attempt, and whether the loss counts."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework import events
from framework.attempts import retry
from framework.attempts.losses import SETTLED_SECONDS, Loss, Losses
from framework.attempts.retry import LOST_LIMIT
from framework.units.lifecycle import Event
from framework.units.transitions import Again, Failed
from prevs.records import Failure, PreviewRecord
from prevs.states import Cause, Phase, State
from tests.fakes.driven import Driven
from tests.fakes.offers import offer

NOW = 10_000.0
GONE = {"reason": "REASON_RECONCILIATION", "message": "Task is unknown to the agent"}
TAKEN = (Cause.TASK_LOST, Cause.EXECUTOR_FAILED, Cause.DOCKER_UNAVAILABLE)


def test_an_attempt_that_nobody_has_seen_since_a_stop_was_lost_in_it() -> None:
    for after_stop, loss in ((True, Loss.IN_STOP), (False, Loss.WITH_CLUSTER)):
        losses = Losses(["t1", "t2"], after_stop=after_stop)
        losses.saw("t2")
        for cause in TAKEN:
            assert losses.judge("t1", cause, was_away=False) is loss
        assert losses.judge("t2", Cause.TASK_LOST, was_away=False) is Loss.WITH_AGENT


@pytest.mark.parametrize("cause", Cause)
def test_what_was_lost_while_the_framework_led(cause: Cause) -> None:
    losses = Losses((), after_stop=True)
    with_agent = cause in {Cause.TASK_LOST, Cause.DOCKER_UNAVAILABLE}
    expected = Loss.WITH_AGENT if with_agent else Loss.ALONE
    assert losses.judge("t1", cause, was_away=False) is expected
    away = Loss.WITH_AGENT if cause in TAKEN else Loss.ALONE
    assert losses.judge("t1", cause, was_away=True) is away


def test_a_report_of_an_executor_is_no_loss_of_the_stop() -> None:
    losses = Losses(["t1"], after_stop=True)
    for cause in set(Cause) - set(TAKEN):
        assert losses.judge("t1", cause, was_away=False) is Loss.ALONE


def end(preview: PreviewRecord, loss: Loss, cause: Cause, ran: float | None) -> object:
    """Return what becomes of a preview whose attempt is lost, having `ran` or not."""
    state = State.STARTING if ran is None else State.RUNNING
    started = None if ran is None else NOW - ran
    before = dataclasses.replace(preview, state=state, started=started)
    return retry.decide(before, Failure(cause, "Lost."), NOW, loss)


PREVIEW = PreviewRecord("hello", "a" * 40, State.RUNNING, agent_id="agent-1")
RUNS = st.none() | st.floats(0, 10 * SETTLED_SECONDS)


@given(st.lists(st.tuples(st.sampled_from(TAKEN), RUNS), max_size=30))
def test_no_number_of_stops_in_order_fails_a_preview_or_makes_it_wait(
    stops: list[tuple[Cause, float | None]],
) -> None:
    for cause, ran in stops:
        outcome = end(PREVIEW, Loss.IN_STOP, cause, ran)
        assert isinstance(outcome, Again)
        assert (outcome.losses, outcome.avoid_agent) == (0, None)
        assert outcome.retry_at <= NOW + 1


@given(st.sampled_from((Loss.WITH_AGENT, Loss.WITH_CLUSTER)), st.floats(SETTLED_SECONDS + 1, 1e6))
def test_what_ran_for_a_minute_is_not_to_blame_for_its_agent(loss: Loss, ran: float) -> None:
    outcome = end(PREVIEW, loss, Cause.TASK_LOST, ran)
    assert isinstance(outcome, Again)
    assert (outcome.losses, outcome.retry_at) == (0, 0.0)
    assert outcome.avoid_agent == ("agent-1" if loss is Loss.WITH_AGENT else None)


HARM = st.tuples(
    st.sampled_from((Loss.ALONE, Loss.WITH_AGENT, Loss.WITH_CLUSTER)),
    st.sampled_from(TAKEN),
    st.none() | st.floats(0, SETTLED_SECONDS - 1),  # times since the epoch are rounded
)


@given(st.lists(HARM, min_size=LOST_LIMIT + 1, max_size=LOST_LIMIT + 1))
def test_what_may_have_ended_its_executor_agent_or_machine_each_time_stays_failed(
    losses: list[tuple[Loss, Cause, float | None]],
) -> None:
    preview = PREVIEW
    for loss, cause, ran in losses[:-1]:
        outcome = end(preview, loss, cause, ran)
        assert isinstance(outcome, Again)
        preview = dataclasses.replace(preview, consecutive_losses=outcome.losses)
    given_up = end(preview, *losses[-1])
    assert isinstance(given_up, Failed)
    assert given_up.event is Event.GIVEN_UP


def test_stops_in_order_cost_a_preview_nothing(driven: Driven) -> None:
    driven.run()
    for _ in range(3 * LOST_LIMIT):
        driven.clock.pass_seconds(2)
        driven = Driven(driven.znodes, driven.clock, after_stop=True)
        driven.update("TASK_GONE", **GONE)
        preview = driven.preview()
        assert (preview.state, preview.consecutive_losses) == (State.QUEUED, 0)
        assert preview.reason.endswith("It starts again at once; this loss does not count.")
        driven.step(events.Offered([offer()]))
        assert driven.preview().state is State.PLACED
        driven.report("TASK_RUNNING", Phase.RUNNING)


def test_a_preview_that_ends_the_whole_machine_again_and_again_stays_failed(
    driven: Driven,
) -> None:
    driven.run()
    for _ in range(LOST_LIMIT):
        driven.clock.pass_seconds(SETTLED_SECONDS - 1)
        driven = Driven(driven.znodes, driven.clock, after_stop=False)
        driven.update("TASK_GONE", **GONE)
        driven.tick(60)
        driven.step(events.Offered([offer()]))
        driven.report("TASK_RUNNING", Phase.RUNNING)
    driven = Driven(driven.znodes, driven.clock, after_stop=False)
    driven.update("TASK_GONE", **GONE)
    assert driven.preview().state is State.FAILED


def test_an_attempt_that_came_back_after_a_stop_may_be_to_blame_for_what_follows(
    driven: Driven,
) -> None:
    driven.run()
    driven = Driven(driven.znodes, driven.clock, after_stop=True)
    driven.update("TASK_RUNNING", reason="REASON_RECONCILIATION")
    driven.update("TASK_FAILED", reason="REASON_EXECUTOR_TERMINATED")
    assert driven.preview().consecutive_losses == 1
