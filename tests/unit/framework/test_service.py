import pytest

from framework import events
from framework.errors import (
    OutcomeUnknown,
    Refused,
    SessionLost,
    Superseded,
    Unavailable,
    UnknownApp,
)
from prevs.records import PreviewRecord, ProxyRecord
from prevs.states import Cause, Phase, State
from tests.fakes.driven import APP, A, B, C, D, Driven
from tests.fakes.offers import offer


@pytest.fixture
def driven() -> Driven:
    driven = Driven()
    driven.add_app()
    return driven


def test_a_preview_goes_from_request_to_placement(driven: Driven) -> None:
    assert driven.start().state is State.QUEUED
    driven.step(events.Offered([offer()]))
    assert driven.preview().state is State.PLACED
    driven.report("TASK_STARTING", Phase.BUILDING)
    assert driven.preview().state is State.BUILDING
    driven.report("TASK_STARTING", Phase.CHECKING)
    assert (driven.preview().state, driven.preview().phase) == (State.STARTING, "checking")
    assert driven.placements() == {}
    driven.report("TASK_RUNNING", Phase.RUNNING)
    assert driven.preview().state is State.RUNNING
    assert driven.placements() == {A: ("main",)}


def test_the_intent_is_stored_before_the_offer_is_taken(driven: Driven) -> None:
    driven.start()
    seen: list[PreviewRecord] = []

    def look(call: str) -> None:
        record, _ = driven.znodes.records["previews", "hello", A]
        if call == "accept" and isinstance(record, PreviewRecord):
            seen.append(record)

    driven.cluster.before = look
    driven.step(events.Offered([offer()]))
    (record,) = seen
    assert record.state is State.PLACED
    assert driven.cluster.of("accept") == [(["o1"], [record.task_id])]
    assert (record.agent_id, record.agent_host) == ("agent-1", "127.0.0.1")


def test_the_framework_id_is_stored_before_anything_is_launched() -> None:
    driven = Driven(subscribed=False)
    driven.add_app()
    driven.start()
    driven.store.away = True
    driven.step(events.Subscribed("framework-1"), events.Offered([offer()]))
    assert driven.cluster.of("accept") == []
    driven.store.away = False
    driven.tick()
    assert driven.znodes.framework_id == "framework-1"
    assert len(driven.cluster.of("accept")) == 1


def test_another_framework_id_ends_the_program(driven: Driven) -> None:
    driven.step(events.Subscribed("framework-2"))
    assert isinstance(driven.service.ended, Refused)


def test_offers_are_asked_for_when_something_waits_and_not_before(driven: Driven) -> None:
    assert driven.cluster.of("revive") == []
    driven.start()
    assert len(driven.cluster.of("revive")) == 1
    driven.step(events.Offered([offer(), offer("o2", agent="agent-2", host="127.0.0.2")]))
    assert driven.cluster.of("decline") == [(["o2"], 3600.0)]
    assert len(driven.cluster.of("suppress")) == 1
    driven.start(B, "other")
    assert len(driven.cluster.of("revive")) == 2


def test_asking_for_offers_is_repeated_while_something_waits(driven: Driven) -> None:
    driven.start()
    driven.tick()
    assert len(driven.cluster.of("revive")) == 1
    driven.tick(10)
    assert len(driven.cluster.of("revive")) == 2


def test_offers_that_are_too_small_are_given_back_for_a_short_time(driven: Driven) -> None:
    driven.start()
    driven.step(events.Offered([offer(mem=100)]))
    assert driven.cluster.of("decline") == [(["o1"], 5.0)]
    assert driven.preview().reason == "No agent has 128 MB free; the most is 68."


def test_what_waits_without_any_offer_says_so(driven: Driven) -> None:
    driven.start()
    driven.tick(4)
    assert "No agent offers anything" in driven.preview().reason


def test_a_rescinded_offer_is_not_used(driven: Driven) -> None:
    driven.step(events.Offered([offer()]), events.Rescinded("o1"))
    driven.start()
    assert driven.cluster.of("accept") == []


def test_offers_are_void_when_the_link_is_gone(driven: Driven) -> None:
    driven.step(events.Disconnected())
    driven.start()
    assert driven.cluster.of("accept") == []
    assert driven.service.not_ready() == "The Mesos master has not accepted this framework yet."


def test_a_launch_that_was_not_sent_is_queued_again(driven: Driven) -> None:
    driven.start()
    driven.cluster.failure = Unavailable("Mesos")
    driven.step(events.Offered([offer()]))
    assert driven.preview().state is State.QUEUED
    driven.cluster.failure = None
    driven.tick(11)
    driven.step(events.Offered([offer("o2")]))
    assert driven.preview().state is State.PLACED


def test_a_launch_with_an_unknown_outcome_is_asked_for_and_never_sent_again(
    driven: Driven,
) -> None:
    driven.start()
    driven.cluster.failure = OutcomeUnknown("ACCEPT", "timed out")
    driven.step(events.Offered([offer()]))
    driven.cluster.failure = None
    driven.tick()
    driven.step(events.Offered([offer("o2")]))
    assert driven.preview().state is State.PLACED
    assert len(driven.cluster.of("accept")) == 1
    assert ((driven.task(), "agent-1"),) in driven.cluster.of("reconcile")


def test_a_task_that_mesos_never_got_is_launched_again_under_a_new_id(driven: Driven) -> None:
    driven.start()
    driven.step(events.Offered([offer()]))
    first = driven.task()
    driven.update("TASK_UNKNOWN", reason="REASON_RECONCILIATION")
    assert driven.preview().state is State.QUEUED
    driven.step(events.Offered([offer("o2")]))
    assert driven.task() != first


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


def test_stopping_kills_once_the_placement_is_gone(driven: Driven) -> None:
    driven.run()
    assert driven.stop().state is State.DRAINING
    assert driven.placements() == {}
    assert driven.cluster.of("kill") == [(driven.task(), "agent-1")]
    driven.update("TASK_KILLING")
    driven.update("TASK_KILLED")
    assert driven.preview().state is State.STOPPED


def test_stopping_waits_for_every_live_proxy_to_let_go(driven: Driven) -> None:
    driven.run()
    driven.znodes.proxies = [ProxyRecord({"hello": 0}), ProxyRecord({"hello": 1})]
    driven.stop()
    driven.tick(0.5)
    assert driven.cluster.of("kill") == []
    driven.znodes.proxies[0] = ProxyRecord({"hello": 1})
    driven.tick(0.1)
    assert len(driven.cluster.of("kill")) == 1


def test_a_silent_proxy_holds_nobody_up_for_more_than_two_seconds(driven: Driven) -> None:
    driven.run()
    driven.znodes.proxies = [ProxyRecord()]
    driven.stop()
    driven.tick(1.9)
    assert driven.cluster.of("kill") == []
    driven.tick(0.2)
    assert len(driven.cluster.of("kill")) == 1


def test_a_kill_is_repeated_until_the_task_has_ended(driven: Driven) -> None:
    driven.run()
    driven.stop()
    driven.tick(9)
    assert len(driven.cluster.of("kill")) == 1
    driven.tick(1)
    assert len(driven.cluster.of("kill")) == 2
    driven.update("TASK_FAILED")
    driven.tick(20)
    assert len(driven.cluster.of("kill")) == 2
    assert driven.preview().state is State.STOPPED


def test_a_port_is_not_given_again_before_the_proxies_have_let_go(driven: Driven) -> None:
    driven.run()
    driven.znodes.proxies = [ProxyRecord({"hello": 0})]
    driven.report("TASK_FAILED", Phase.ENDED, cause=Cause.APP_EXITED)
    driven.start(B, "other")
    driven.step(events.Offered([offer("o2")]))
    assert driven.preview(B).host_port == 31001


def test_stopping_a_queued_preview_ends_it_at_once(driven: Driven) -> None:
    driven.start()
    assert driven.stop().state is State.STOPPED
    driven.step(events.Offered([offer()]))
    assert driven.cluster.of("accept") == []


def test_a_start_while_it_drains_queues_it_again_afterwards(driven: Driven) -> None:
    driven.run()
    driven.stop()
    assert driven.start().state is State.DRAINING
    driven.update("TASK_KILLED")
    assert driven.preview().state is State.QUEUED


def test_a_stop_after_that_start_holds(driven: Driven) -> None:
    driven.run()
    driven.stop()
    driven.start()
    driven.stop()
    driven.update("TASK_KILLED")
    assert driven.preview().state is State.STOPPED


def test_a_stopped_preview_starts_again_where_its_image_is(driven: Driven) -> None:
    driven.run()
    driven.stop()
    driven.update("TASK_KILLED")
    driven.start()
    driven.step(events.Offered([offer("o2", agent="agent-2", host="127.0.0.2", mem=300)]))
    assert driven.preview().state is State.QUEUED
    driven.step(events.Offered([offer("o3")]))
    assert driven.preview().agent_id == "agent-1"


def test_it_does_not_wait_long_for_that_agent(driven: Driven) -> None:
    driven.run()
    driven.stop()
    driven.update("TASK_KILLED")
    driven.start()
    driven.step(events.Offered([offer("o2", agent="agent-2", host="127.0.0.2")]))
    driven.tick(1.1)
    assert driven.preview().agent_id == "agent-2"


def test_a_kill_by_somebody_else_unroutes_it_and_starts_it_elsewhere(driven: Driven) -> None:
    driven.run()
    driven.update("TASK_KILLING")
    assert driven.placements() == {}
    driven.update("TASK_KILLED", reason="REASON_AGENT_DRAINING")
    assert driven.preview().state is State.QUEUED


def test_a_second_label_of_a_running_preview_leads_there_at_once(driven: Driven) -> None:
    driven.run()
    assert driven.start(A, "v1").state is State.RUNNING
    assert driven.placements() == {A: ("main", "v1")}


def test_a_moved_branch_is_served_by_the_old_commit_until_the_new_one_runs(
    driven: Driven,
) -> None:
    driven.run()
    driven.step(events.Heads("hello", {"main": B}))
    assert driven.preview(B).state is State.QUEUED
    assert driven.preview(B).labels == ("main",)
    assert driven.placements() == {A: ("main",)}
    driven.step(events.Offered([offer("o2")]))
    before = len(driven.store.written)
    driven.report("TASK_RUNNING", Phase.RUNNING, sha=B)
    assert driven.placements() == {A: (), B: ("main",)}
    changes = [r for r in driven.store.written[before:] if not hasattr(r, "state")]
    assert len(changes) == 1
    assert driven.preview(A).state is State.RUNNING


def test_a_branch_that_moves_back_leads_to_the_old_commit_again(driven: Driven) -> None:
    driven.run()
    driven.start(B, "main")
    driven.step(events.Offered([offer("o2")]))
    driven.report("TASK_RUNNING", Phase.RUNNING, sha=B)
    driven.start(A, "main")
    assert driven.placements() == {A: ("main",), B: ()}


def test_the_old_commit_gives_its_label_up_when_it_stops(driven: Driven) -> None:
    driven.run()
    driven.start(B, "main")
    driven.stop(A)
    assert driven.preview(A).labels == ()
    assert driven.preview(B).labels == ("main",)


def test_a_branch_that_moves_twice_before_the_first_runs_waits_for_the_last(
    driven: Driven,
) -> None:
    driven.run()
    driven.start(B, "main")
    driven.start(C, "main")
    assert driven.preview(B).labels == ()
    assert driven.placements() == {A: ("main",)}
    driven.step(events.Offered([offer("o2")]))
    driven.report("TASK_RUNNING", Phase.RUNNING, sha=B)
    assert driven.placements() == {A: ("main",), B: ()}
    driven.report("TASK_RUNNING", Phase.RUNNING, sha=C)
    assert driven.placements() == {A: (), B: (), C: ("main",)}


def test_following_does_not_overrule_who_stopped_the_new_commit(driven: Driven) -> None:
    driven.run()
    driven.step(events.Heads("hello", {"main": B}))
    driven.stop(B)
    driven.step(events.Heads("hello", {"main": B}))
    assert driven.preview(B).state is State.STOPPED


def test_heads_of_labels_that_nobody_runs_start_nothing(driven: Driven) -> None:
    driven.run()
    driven.step(events.Heads("hello", {"other": B, "main": A}), events.Heads("gone", {"x": B}))
    assert list(driven.service.snapshot.previews) == [("hello", A)]


def test_beyond_the_limit_of_an_app_a_preview_waits_with_the_reason(driven: Driven) -> None:
    for sha, label in ((A, "one"), (B, "two"), (C, "three")):
        driven.run(sha, label)
    driven.start(D, "four")
    revived = len(driven.cluster.of("revive"))
    driven.tick(11)
    assert driven.preview(D).reason == (
        "hello has 3 previews already, which is its max_previews. Stop one, or raise the limit."
    )
    assert len(driven.cluster.of("revive")) == revived
    driven.stop(A)
    driven.update("TASK_KILLED")
    driven.step(events.Offered([offer("o9")]))
    assert driven.preview(D).state is State.PLACED
    assert driven.preview(D).reason == ""


def test_removing_an_app_stops_its_previews_and_then_forgets_everything(driven: Driven) -> None:
    driven.run()
    driven.start(B, "other")
    task = driven.task()
    driven.ask(lambda: driven.service.requests.remove_app("hello"))
    assert driven.service.snapshot == ({}, {})
    with pytest.raises(UnknownApp):
        driven.start(C, "third")
    with pytest.raises(Unavailable, match="still being removed"):
        driven.add_app()
    assert driven.forgotten == []
    driven.update("TASK_KILLED", task=task)
    assert driven.forgotten == ["hello"]
    driven.step(events.Forgotten("hello"))
    assert driven.znodes.records == {}
    assert driven.add_app().name == "hello"


def test_an_interrupted_removal_goes_on_after_a_restart(driven: Driven) -> None:
    driven.run()
    task = driven.task()
    driven.ask(lambda: driven.service.requests.remove_app("hello"))
    again = Driven(driven.znodes, driven.clock)
    assert again.cluster.of("kill") == [(task, "agent-1")]
    again.update("TASK_KILLED", task=task)
    assert again.forgotten == ["hello"]


def test_a_new_framework_takes_over_what_runs(driven: Driven) -> None:
    driven.run()
    again = Driven(driven.znodes, driven.clock)
    assert again.service.framework_id == "framework-1"
    assert again.cluster.of("reconcile") == [(), ((again.task(), "agent-1"),)]
    again.update("TASK_RUNNING", reason="REASON_RECONCILIATION")
    assert again.preview().state is State.RUNNING
    assert again.cluster.of("kill") == []
    assert again.placements() == {A: ("main",)}


def test_a_new_framework_goes_on_with_what_drained(driven: Driven) -> None:
    driven.run()
    driven.stop()
    again = Driven(driven.znodes, driven.clock)
    assert again.cluster.of("kill") == [(again.task(), "agent-1")]


def test_two_frameworks_at_one_root_do_not_both_go_on(driven: Driven) -> None:
    second = Driven(driven.znodes, driven.clock)
    driven.run()
    second.update("TASK_STARTING", task=driven.task())
    with pytest.raises(Superseded):
        second.start()
    assert isinstance(second.service.ended, Superseded)


def test_while_zookeeper_is_away_nothing_is_decided_and_nothing_forgotten(
    driven: Driven,
) -> None:
    driven.start()
    driven.step(events.StoreSuspended())
    driven.step(events.Offered([offer()]))
    assert driven.cluster.of("accept") == []
    assert driven.service.not_ready() == "ZooKeeper does not answer."
    with pytest.raises(Unavailable, match="ZooKeeper"):
        driven.start(B, "other")
    driven.step(events.StoreResumed())
    assert len(driven.cluster.of("accept")) == 1
    assert driven.service.not_ready() is None


def test_zookeeper_may_go_away_twice_before_it_is_back(driven: Driven) -> None:
    driven.step(events.StoreSuspended(), events.StoreSuspended(), events.StoreResumed())
    assert driven.service.not_ready() is None


def test_what_mesos_says_meanwhile_is_handled_in_its_order(driven: Driven) -> None:
    driven.start()
    driven.step(events.StoreSuspended())
    driven.step(events.Offered([offer()]), events.Rescinded("o1"))
    driven.step(events.StoreResumed())
    assert driven.cluster.of("accept") == []


def test_a_lost_session_ends_the_program(driven: Driven) -> None:
    driven.step(events.Ended(SessionLost()))
    assert isinstance(driven.service.ended, SessionLost)
    assert driven.service.ended.exit_code == 4


def test_an_unexpected_error_costs_one_event_and_not_the_service(driven: Driven) -> None:
    driven.step(events.Updated({"state": "TASK_RUNNING"}))
    assert driven.registry.get_sample_value("prevs_service_errors_total") == 1
    driven.run()
    assert driven.preview().state is State.RUNNING


def test_a_preview_whose_app_cannot_be_read_costs_only_itself(driven: Driven) -> None:
    driven.start()
    del driven.znodes.records["apps", "hello"]
    again = Driven(driven.znodes, driven.clock)
    again.add_app(APP.__class__(name="other", repository="/srv/other"))
    again.start(B, "main", app="other")
    again.step(events.Offered([offer()]))
    assert again.preview(B, "other").state is State.PLACED
