from framework import events
from prevs.states import Cause, Phase, State
from tests.fakes.driven import A, Driven
from tests.fakes.offers import offer


def test_an_update_is_acknowledged_only_once_it_is_stored(driven: Driven) -> None:
    driven.start()
    driven.step(events.Offered([offer()]))
    driven.store.away = True
    driven.report("TASK_STARTING", Phase.BUILDING)
    assert driven.cluster.of("acknowledge") == []
    assert driven.preview().state is State.PLACED
    driven.store.away = False
    driven.report("TASK_STARTING", Phase.BUILDING)
    assert len(driven.cluster.of("acknowledge")) == 1
    assert driven.preview().state is State.BUILDING


def test_a_repeated_update_is_acknowledged_and_writes_nothing(driven: Driven) -> None:
    driven.run()
    before = len(driven.store.written)
    driven.clock.pass_seconds(5)
    driven.report("TASK_RUNNING", Phase.RUNNING)
    assert len(driven.store.written) == before
    assert len(driven.cluster.of("acknowledge")) == 2


def test_an_unexpected_update_is_counted_and_acknowledged(driven: Driven) -> None:
    driven.run()
    driven.report("TASK_STARTING", Phase.BUILDING)
    assert driven.registry.get_sample_value("prevs_illegal_transitions_total") == 1
    assert driven.preview().state is State.RUNNING
    assert len(driven.cluster.of("acknowledge")) == 2


def test_an_unknown_task_state_is_acknowledged(driven: Driven) -> None:
    driven.run()
    driven.update("TASK_ODD")
    assert driven.preview().state is State.RUNNING
    assert len(driven.cluster.of("acknowledge")) == 2


def test_a_failed_task_fails_the_preview_with_its_reason(driven: Driven) -> None:
    driven.run()
    driven.report(
        "TASK_FAILED",
        Phase.ENDED,
        cause=Cause.APP_EXITED,
        exit_code=3,
        message="The application exited with status 3.",
    )
    preview = driven.preview()
    assert preview.state is State.FAILED
    assert preview.failure is not None
    assert (preview.failure.cause, preview.failure.exit_code) == (Cause.APP_EXITED, 3)
    assert preview.failure.message == "The application exited with status 3."
    assert driven.placements() == {}


def test_a_failed_preview_stays_failed_until_a_retry(driven: Driven) -> None:
    driven.run()
    driven.report("TASK_FAILED", Phase.ENDED, cause=Cause.BUILD_FAILED)
    assert driven.start().state is State.FAILED
    assert driven.stop().state is State.FAILED
    queued = driven.retry()
    assert (queued.state, queued.failure) == (State.QUEUED, None)


def test_a_lost_task_is_launched_again_three_times_and_then_fails(driven: Driven) -> None:
    driven.start()
    for number in range(4):
        driven.step(events.Offered([offer(f"o{number}")]))
        assert driven.preview().state is State.PLACED
        driven.update("TASK_GONE", message="agent removed")
    failure = driven.preview().failure
    assert driven.preview().state is State.FAILED
    assert failure is not None
    assert failure.cause is Cause.TASK_LOST
    assert "4 attempts in a row were lost" in failure.message


def test_running_in_between_forgives_what_was_lost(driven: Driven) -> None:
    driven.run()
    for number in range(6):
        driven.update("TASK_GONE")
        driven.step(events.Offered([offer(f"o{number}")]))
        driven.report("TASK_RUNNING", Phase.RUNNING)
    assert driven.preview().state is State.RUNNING


def test_an_old_attempt_never_touches_the_preview(driven: Driven) -> None:
    driven.run()
    old = driven.task()
    driven.update("TASK_GONE")
    driven.step(events.Offered([offer("o2")]))
    driven.report("TASK_RUNNING", Phase.RUNNING)
    driven.update("TASK_FAILED", task=old)
    assert driven.preview().state is State.RUNNING
    driven.update("TASK_RUNNING", task=old)
    assert driven.cluster.of("kill") == [(old, "agent-1")]
    assert driven.preview().state is State.RUNNING


def test_a_task_that_no_record_knows_is_killed(driven: Driven) -> None:
    driven.update("TASK_RUNNING", task="somebody.else")
    assert driven.cluster.of("kill") == [("somebody.else", "agent-1")]
    assert len(driven.cluster.of("acknowledge")) == 1


def test_an_unreachable_preview_is_unrouted_and_kept(driven: Driven) -> None:
    driven.run()
    driven.update("TASK_UNREACHABLE")
    assert driven.placements() == {}
    assert driven.preview().state is State.RUNNING
    driven.tick(50)
    driven.update("TASK_RUNNING")
    assert driven.placements() == {A: ("main",)}
    assert driven.preview().reason == ""
    driven.tick(50)
    assert driven.preview().state is State.RUNNING


def test_after_a_minute_away_it_is_replaced_and_killed_on_return(driven: Driven) -> None:
    driven.run()
    old = driven.task()
    driven.update("TASK_UNREACHABLE")
    driven.tick(61)
    assert driven.preview().state is State.QUEUED
    driven.step(events.Offered([offer("o2", agent="agent-2", host="127.0.0.2")]))
    driven.report("TASK_RUNNING", Phase.RUNNING)
    driven.update("TASK_RUNNING", task=old)
    assert driven.cluster.of("kill") == [(old, "agent-1")]
    assert driven.placements() == {A: ("main",)}
    assert driven.preview().agent_host == "127.0.0.2"


def test_a_new_master_that_knows_nothing_yet_takes_no_route_away(driven: Driven) -> None:
    driven.run()
    driven.step(events.Disconnected())
    driven.step(events.Subscribed("framework-1"))
    driven.update("TASK_UNKNOWN", reason="REASON_RECONCILIATION")
    assert driven.placements() == {A: ("main",)}
    driven.update("TASK_RUNNING", reason="REASON_RECONCILIATION")
    driven.tick(61)
    assert driven.preview().state is State.RUNNING


def test_a_task_that_stays_unknown_is_replaced(driven: Driven) -> None:
    driven.run()
    driven.update("TASK_UNKNOWN")
    driven.tick(61)
    assert driven.preview().state is State.QUEUED
    assert driven.placements() == {}


def test_each_subscription_asks_for_every_task_until_it_answers(driven: Driven) -> None:
    driven.run()
    driven.cluster.calls.clear()
    driven.step(events.Subscribed("framework-1"))
    one = ((driven.task(), "agent-1"),)
    assert driven.cluster.of("reconcile") == [(), one]
    driven.tick(1.5)
    assert driven.cluster.of("reconcile") == [(), one, one]
    driven.update("TASK_RUNNING")
    driven.tick(10)
    assert driven.cluster.of("reconcile") == [(), one, one]


def test_everything_is_asked_for_again_in_a_quarter_of_an_hour(driven: Driven) -> None:
    driven.run()
    driven.cluster.calls.clear()
    driven.tick(901)
    assert driven.cluster.of("reconcile") == [(), ((driven.task(), "agent-1"),)]


def test_an_agent_that_may_have_failed_is_asked_for(driven: Driven) -> None:
    driven.run()
    driven.cluster.calls.clear()
    driven.step(events.AgentFailed("agent-1", None))
    assert driven.cluster.of("reconcile") == [((driven.task(), "agent-1"),)]


def test_a_launched_task_that_says_nothing_is_asked_for_and_given_up(driven: Driven) -> None:
    driven.start()
    driven.step(events.Offered([offer()]))
    driven.cluster.calls.clear()
    driven.tick(31)
    assert driven.cluster.of("reconcile") == [((driven.task(), "agent-1"),)]
    driven.tick(300)
    assert driven.preview().state is State.QUEUED


def test_a_kill_by_somebody_else_unroutes_it_and_starts_it_elsewhere(driven: Driven) -> None:
    driven.run()
    driven.update("TASK_KILLING")
    assert driven.placements() == {}
    driven.update("TASK_KILLED", reason="REASON_AGENT_DRAINING")
    assert driven.preview().state is State.QUEUED
