import pytest

from framework import events
from framework.attempts.attempts import NO_ANSWER
from framework.attempts.reconciliation import UNANSWERED_SECONDS
from framework.service.refused_connections import (
    LAPSE_SECONDS,
    PATIENCE_SECONDS,
    REASON,
    RefusingTask,
    has_lapsed,
    has_lasted,
    note_refusal,
)
from prevs.states import Cause, Phase, State
from tests.fakes.driven import A, B, Driven

LASTS = PATIENCE_SECONDS + 1


def confirm_running(driven: Driven) -> None:
    """Let Mesos answer that the task runs."""
    driven.report("TASK_RUNNING", Phase.RUNNING)


def test_a_refused_connection_is_the_previews_reason_and_its_task_is_reconciled_at_once(
    driven: Driven,
) -> None:
    driven.run()
    driven.refuse(0)
    assert driven.preview().reason == REASON.text
    assert driven.preview().state is State.RUNNING
    assert driven.cluster.of("reconcile")[-1] == ((driven.task(), "agent-1"),)
    queries = len(driven.cluster.of("reconcile"))
    confirm_running(driven)
    assert driven.preview().reason == REASON.text, "an answer of Mesos clears none of it"
    driven.refuse(4)
    assert len(driven.cluster.of("reconcile")) == queries, "it has answered"
    driven.clock.pass_seconds(LAPSE_SECONDS + 1)
    driven.refuse(0)
    assert len(driven.cluster.of("reconcile")) == queries + 1, "that is a new one"


def test_an_attempt_that_mesos_calls_running_fails_when_refusals_last(driven: Driven) -> None:
    driven.run()
    first = driven.task()
    driven.refuse(0)
    confirm_running(driven)
    driven.refuse(PATIENCE_SECONDS - 1)
    assert driven.preview().state is State.RUNNING
    driven.refuse(2)
    preview = driven.preview()
    assert (preview.state, preview.consecutive_losses, preview.avoid_agent) == (
        State.QUEUED,
        1,
        "agent-1",
    )
    assert preview.reason.startswith("Its container refused connections for 15 s, though Mesos")
    unhealthy = {"cause": Cause.UNHEALTHY.value}
    assert driven.registry.get_sample_value("prevs_attempts_failed_total", unhealthy) == 1
    assert driven.placements() == {}
    assert driven.cluster.of("kill") == [(first, "agent-1")]
    driven.update("TASK_KILLED", task=first)
    driven.tick(2)
    driven.offer("o2")
    assert driven.preview().state is State.PLACED
    assert driven.task() != first


def test_without_an_answer_of_mesos_nothing_is_ended(driven: Driven) -> None:
    driven.run()
    driven.refuse(2 * LASTS)
    assert driven.preview().state is State.RUNNING
    confirm_running(driven)
    driven.refuse(2)
    assert driven.preview().state is State.QUEUED


def test_after_a_minute_without_an_answer_of_mesos_it_starts_again_elsewhere(
    driven: Driven,
) -> None:
    driven.run()
    driven.step(events.Subscribed("framework-1"))
    driven.refuse(UNANSWERED_SECONDS - 2)
    assert driven.preview().state is State.RUNNING
    driven.refuse(2)
    preview = driven.preview()
    assert (preview.state, preview.avoid_agent) == (State.QUEUED, "agent-1")
    assert preview.reason.startswith(NO_ANSWER.message)


def test_an_unreachable_task_is_left_to_its_own_handling(driven: Driven) -> None:
    driven.run()
    driven.refuse(0)
    driven.update("TASK_UNREACHABLE")
    away = driven.preview().reason
    assert away.startswith("Its agent does not answer")
    driven.refuse(2 * LASTS)
    assert (driven.preview().state, driven.preview().reason) == (State.RUNNING, away)
    driven.tick(LAPSE_SECONDS + 1)
    assert driven.preview().reason == away


def test_an_unknown_or_unhealthy_task_is_not_ended_for_refusals(driven: Driven) -> None:
    driven.run()
    driven.refuse(0)
    driven.update("TASK_UNKNOWN")
    driven.refuse(2 * LASTS)
    assert driven.preview().state is State.RUNNING
    driven.update("TASK_RUNNING", healthy=False)
    driven.refuse(2)
    assert driven.preview().state is State.RUNNING
    confirm_running(driven)
    assert driven.preview().state is State.QUEUED


def test_after_a_new_subscription_nothing_is_ended_before_mesos_answers_again(
    driven: Driven,
) -> None:
    driven.run()
    driven.refuse(0)
    confirm_running(driven)
    driven.step(events.Disconnected())
    driven.refuse(LASTS)
    driven.step(events.Subscribed("framework-1"))
    driven.refuse(0)
    assert driven.preview().state is State.RUNNING
    confirm_running(driven)
    assert driven.preview().state is State.QUEUED


def test_an_old_refusal_during_a_lost_link_does_not_count(driven: Driven) -> None:
    driven.run()
    driven.step(events.Disconnected())
    driven.refuse(0)
    driven.tick(10 * LASTS)
    driven.refuse(0)
    driven.step(events.Subscribed("framework-1"))
    confirm_running(driven)
    assert driven.preview().state is State.RUNNING
    driven.refuse(LASTS)
    assert driven.preview().state is State.QUEUED


def test_without_further_refusals_the_reason_goes_and_the_next_count_starts_at_zero(
    driven: Driven,
) -> None:
    driven.run()
    driven.refuse(10)
    confirm_running(driven)
    driven.tick(LAPSE_SECONDS)
    assert driven.preview().reason == REASON.text
    driven.tick(1)
    assert driven.preview().reason == ""
    driven.refuse(10)
    confirm_running(driven)
    assert driven.preview().state is State.RUNNING
    driven.refuse(6)
    assert driven.preview().state is State.QUEUED


@pytest.mark.parametrize(("open_", "requests"), [(0, 1), (1, 0)])
def test_a_task_that_another_proxy_reaches_is_not_ended(
    driven: Driven, open_: int, requests: int
) -> None:
    driven.run()
    driven.refuse(0)
    confirm_running(driven)
    for _ in range(20):
        driven.use(proxy="p2", open=open_, requests=requests)
        driven.use(proxy="p1", open=1)
        driven.refuse(2)
    assert driven.preview().state is State.RUNNING
    driven.refuse(PATIENCE_SECONDS - 3)
    assert driven.preview().state is State.RUNNING
    driven.refuse(4)
    assert driven.preview().state is State.QUEUED, "nobody has reached it for a while"


@pytest.mark.parametrize(
    ("proxy", "open_"),
    [("p1", 1), ("p2", 0)],
    ids=["its count of refused requests", "a report without use"],
)
def test_a_report_of_refusals_is_not_a_sign_of_life(driven: Driven, proxy: str, open_: int) -> None:
    driven.run()
    driven.refuse(0)
    confirm_running(driven)
    for _ in range(9):
        driven.use(proxy=proxy, open=open_)
        driven.refuse(2)
    assert driven.preview().state is State.QUEUED


def test_refusals_of_an_earlier_or_stopped_attempt_are_ignored(driven: Driven) -> None:
    driven.run()
    driven.start(B, "dev")
    waits = driven.preview(B)
    strangers = ["ct-0", "", "\x00.\ud800.t1", f"{driven.task()}x", f"hello.{B}.t9"]
    driven.step(events.ConnectionsRefused("p1", strangers))
    assert driven.preview().reason == ""
    assert driven.preview(B) == waits
    driven.step(events.ConnectionsRefused("p1", [*strangers, driven.task()]))
    assert driven.preview().reason == REASON.text
    driven.stop()
    reason = driven.preview().reason
    driven.refuse(2 * LASTS)
    assert (driven.preview().state, driven.preview().reason) == (State.DRAINING, reason)


def test_a_preview_that_is_stopped_meanwhile_is_forgotten(driven: Driven) -> None:
    driven.run()
    driven.refuse(10)
    confirm_running(driven)
    driven.stop()
    driven.update("TASK_KILLED")
    assert driven.preview().state is State.STOPPED
    stopped = driven.preview().reason
    driven.tick(20)
    assert driven.preview().reason == stopped != REASON.text
    assert driven.service._parts.refused_connections._refusing == {}
    assert driven.count("prevs_service_errors_total") == 0


def test_a_change_that_cannot_be_stored_is_repeated_at_the_next_turn(driven: Driven) -> None:
    driven.run()
    driven.store.away = True
    driven.refuse(0)
    assert driven.preview().reason == ""
    driven.store.away = False
    driven.tick()
    assert driven.preview().reason == REASON.text


def test_refusals_are_received_while_zookeeper_is_away(driven: Driven) -> None:
    driven.run()
    driven.step(events.StoreSuspended())
    driven.refuse(LASTS)
    driven.step(events.StoreResumed())
    assert driven.preview().state is State.RUNNING
    confirm_running(driven)
    assert driven.preview().state is State.QUEUED


def test_a_new_leader_clears_reasons_it_has_no_report_for_and_counts_from_zero(
    driven: Driven,
) -> None:
    driven.run()
    driven.refuse(10)
    later = Driven(driven.znodes, driven.clock)
    assert later.preview().reason == REASON.text
    confirm_running(later)
    assert later.preview().reason == ""
    later.refuse(10)
    confirm_running(later)
    assert later.preview().state is State.RUNNING
    later.refuse(6)
    assert later.preview().state is State.QUEUED


def test_each_preview_has_its_own_period_of_refusals(driven: Driven) -> None:
    driven.run(A)
    driven.run(B, "dev")
    driven.refuse(0, sha=A)
    confirm_running(driven)
    driven.refuse(LASTS, sha=A)
    assert (driven.preview(A).state, driven.preview(B).state) == (State.QUEUED, State.RUNNING)


@pytest.mark.parametrize(
    ("spell", "lasted"),
    [
        (RefusingTask(0, 15, {"p1": 15}), True),
        (RefusingTask(0, 14.9, {"p1": 14.9}), False),
        (RefusingTask(0, 15, {"p1": 15}, {"p2": 1}), False),
        (RefusingTask(0, 15, {"p1": 15}, {"p2": 0}), True),
        (RefusingTask(0, 15, {"p1": 15, "p2": 3}, {"p2": 11}), True),
        (RefusingTask(0, 15, {"p1": 15, "p2": 3}, {"p2": 11.1}), False),
        (RefusingTask(0, 15, {"p1": 15}, {"p1": 15}), True),
    ],
)
def test_a_period_that_lasts_too_long_is_one_in_which_no_proxy_reached_the_task(
    spell: RefusingTask, lasted: bool
) -> None:
    assert has_lasted(spell) is lasted


def test_a_period_of_refusals_begins_once_and_ends_without_reports() -> None:
    first = note_refusal(None, "p1", 5.0)
    later = note_refusal(first, "p2", 9.0)
    assert (first.since, first.last) == (5.0, 5.0)
    assert (later.since, later.last, later.refused) == (5.0, 9.0, {"p1": 5.0, "p2": 9.0})
    assert not has_lapsed(later, 9.0 + LAPSE_SECONDS)
    assert has_lapsed(later, 9.1 + LAPSE_SECONDS)
    assert note_refusal(later, "p1", 9.1 + LAPSE_SECONDS) == note_refusal(
        None, "p1", 9.1 + LAPSE_SECONDS
    )
