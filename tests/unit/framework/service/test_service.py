import pytest

from framework import events
from framework.errors import Refused, SessionLost, Superseded, Unavailable
from framework.ports import Use
from framework.ports.tasks import StatusKind, TaskStatus
from framework.service.service import STUCK_SECONDS
from prevs.records import PreviewRecord
from prevs.states import Phase, State
from prevs.units import preview_unit
from program.http import health
from tests.fakes.driven import APP, A, B, Driven
from tests.fakes.mishaps import Fate
from tests.fakes.offers import offer


def test_a_preview_goes_from_request_to_placement(driven: Driven) -> None:
    assert driven.start().state is State.QUEUED
    driven.offer()
    assert driven.preview().state is State.PLACED
    driven.report("TASK_STARTING", Phase.BUILDING)
    assert driven.preview().state is State.BUILDING
    driven.report("TASK_STARTING", Phase.CHECKING)
    assert (driven.preview().state, driven.preview().phase) == (State.STARTING, "checking")
    assert driven.placements() == {}
    driven.report("TASK_RUNNING", Phase.RUNNING)
    assert driven.preview().state is State.RUNNING
    assert driven.placements() == {A: ("main",)}


def test_the_attempt_is_stored_before_the_offer_is_accepted(driven: Driven) -> None:
    driven.start()
    seen: list[PreviewRecord] = []

    def look(call: str) -> None:
        record, _ = driven.znodes.records["previews", "hello", A]
        if call == "accept" and isinstance(record, PreviewRecord):
            seen.append(record)

    driven.cluster.before = look
    driven.offer()
    (record,) = seen
    assert record.state is State.PLACED
    assert driven.cluster.of("accept") == [(["o1"], [record.task_id])]
    assert (record.agent_id, record.agent_host) == ("agent-1", "127.0.0.1")


def test_the_framework_id_is_stored_before_anything_is_launched() -> None:
    driven = Driven(subscribed=False)
    driven.add_app()
    driven.start()
    driven.mishaps.plan([Fate.REFUSED] * 2)
    driven.step(events.Subscribed("framework-1"), events.Offered([offer()]))
    driven.tick()
    assert (driven.mishaps.met, driven.znodes.framework_id) == (2, None)
    assert driven.preview().state is State.QUEUED
    assert driven.cluster.of("accept") == []
    driven.tick()
    assert driven.znodes.framework_id == "framework-1"
    assert len(driven.cluster.of("accept")) == 1


def test_another_framework_id_ends_the_program(driven: Driven) -> None:
    driven.step(events.Subscribed("framework-2"))
    assert isinstance(driven.service.ended, Refused)


def test_a_new_framework_takes_over_running_previews(driven: Driven) -> None:
    driven.run()
    again = Driven(driven.znodes, driven.clock)
    assert again.service.framework_id == "framework-1"
    assert again.cluster.of("reconcile") == [(), ((again.task(), "agent-1"),)]
    again.update("TASK_RUNNING", reason="REASON_RECONCILIATION")
    assert again.preview().state is State.RUNNING
    assert again.cluster.of("kill") == []
    assert again.placements() == {A: ("main",)}


def test_only_one_of_two_frameworks_at_one_root_goes_on(driven: Driven) -> None:
    second = Driven(driven.znodes, driven.clock)
    driven.run()
    second.update("TASK_STARTING", task=driven.task())
    with pytest.raises(Superseded):
        second.start()
    assert isinstance(second.service.ended, Superseded)


def test_while_zookeeper_is_away_nothing_is_decided_and_nothing_forgotten(driven: Driven) -> None:
    driven.start()
    driven.step(events.StoreSuspended())
    driven.offer()
    assert driven.cluster.of("accept") == []
    assert health.why_not(driven.service.readiness()) == "ZooKeeper does not answer."
    with pytest.raises(Unavailable, match="ZooKeeper"):
        driven.start(B, "other")
    driven.step(events.StoreResumed())
    assert len(driven.cluster.of("accept")) == 1
    assert health.why_not(driven.service.readiness()) is None


def test_while_zookeeper_is_away_nothing_is_sent_to_mesos(driven: Driven) -> None:
    driven.run()
    driven.stop()
    driven.start(B, "other")
    driven.step(events.StoreSuspended())
    sent = list(driven.cluster.calls)
    driven.tick(60)
    driven.tick(901)
    assert driven.cluster.calls == sent
    driven.step(events.StoreResumed())
    repeated = {call for call, _ in driven.cluster.calls[len(sent) :]}
    assert repeated >= {"kill", "reconcile", "revive"}


def test_zookeeper_may_go_away_again_before_it_is_back(driven: Driven) -> None:
    driven.step(events.StoreSuspended(), events.StoreSuspended(), events.StoreResumed())
    assert health.why_not(driven.service.readiness()) is None


def test_mesos_events_of_the_meantime_are_handled_in_order(driven: Driven) -> None:
    driven.start()
    driven.step(events.StoreSuspended())
    driven.step(events.Offered([offer()]), events.Rescinded("o1"))
    driven.step(events.StoreResumed())
    assert driven.cluster.of("accept") == []


def test_usage_that_is_reported_meanwhile_counts_from_the_time_of_the_report(
    driven: Driven,
) -> None:
    driven.run()
    driven.tick(100.0)
    driven.step(events.StoreSuspended())
    driven.step(events.UsageReported("proxy-1", [Use(driven.task(), open=0, requests=1)]))
    reported = driven.clock.clock.now()
    driven.tick(100.0)
    driven.step(events.StoreResumed())
    [preview] = driven.service.snapshot.previews.values()
    assert preview.last_used == reported


def test_a_lost_session_ends_the_service_and_later_events_do_nothing(driven: Driven) -> None:
    driven.start()
    stray = TaskStatus(f"hello.{B}.t9", "agent-1", StatusKind.HEALTHY, uuid="u")
    calls = len(driven.cluster.calls)
    driven.step(
        events.EdgeFailed(SessionLost()),
        events.TaskStatusReceived(stray),
        events.Offered([offer()]),
    )
    assert isinstance(driven.service.ended, SessionLost)
    with pytest.raises(Unavailable):
        driven.start(B)
    assert len(driven.cluster.calls) == calls


def test_a_service_that_learns_of_another_leader_does_nothing_more() -> None:
    driven = Driven(subscribed=False)
    driven.znodes.epoch += 1
    driven.step(events.Subscribed("framework-1"))
    assert isinstance(driven.service.ended, Superseded)
    assert driven.cluster.calls == []


def test_an_unexpected_error_loses_one_event_and_not_the_service(driven: Driven) -> None:
    driven.step(events.Offered(None))  # type: ignore[arg-type] # a defect
    assert driven.count("prevs_service_errors_total") == 1
    driven.run()
    assert driven.preview().state is State.RUNNING


def test_a_preview_with_an_unreadable_app_affects_no_other(driven: Driven) -> None:
    driven.start()
    del driven.znodes.records["apps", "hello"]
    again = Driven(driven.znodes, driven.clock)
    again.add_app(APP.__class__(name="other", repository="/srv/other"))
    again.start(B, "main", app="other")
    again.offer()
    assert again.preview(B, "other").state is State.PLACED
    assert (
        again.records.preview(preview_unit("hello", A)).reason
        == "The settings of its app cannot be read."
    )


def test_a_service_without_a_working_thread_is_unhealthy(driven: Driven) -> None:
    driven.tick(STUCK_SECONDS)
    assert driven.service.health().ok
    driven.clock.pass_seconds(STUCK_SECONDS + 1)
    assert not driven.service.health().ok
    assert [check.name for check in driven.service.readiness() if not check.ok] == ["service"]
