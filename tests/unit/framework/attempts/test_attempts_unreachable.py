"""Unreachable attempts, and unknown tasks."""

import pytest

from framework import events
from framework.errors import OutcomeUnknown
from prevs.states import Phase, State
from tests.fakes.driven import A, B, Driven
from tests.fakes.offers import offer


def test_an_old_attempt_never_changes_the_preview(driven: Driven) -> None:
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


def test_an_unreachable_preview_has_no_placement_and_is_kept(driven: Driven) -> None:
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


def test_a_new_master_that_knows_nothing_yet_removes_no_placement(driven: Driven) -> None:
    driven.run()
    driven.step(events.Disconnected())
    driven.step(events.Subscribed("framework-1"))
    driven.update("TASK_UNKNOWN", reason="REASON_RECONCILIATION")
    assert driven.placements() == {A: ("main",)}
    driven.update("TASK_RUNNING", reason="REASON_RECONCILIATION")
    driven.tick(61)
    assert driven.preview().state is State.RUNNING


def test_a_task_that_a_new_master_does_not_know_yet_is_not_launched_again(driven: Driven) -> None:
    driven.place()
    driven.step(events.Disconnected())
    driven.step(events.Subscribed("framework-1"))
    driven.update("TASK_UNKNOWN", reason="REASON_RECONCILIATION")
    driven.step(events.Offered([offer("o2")]))
    assert len(driven.cluster.of("accept")) == 1
    driven.update("TASK_RUNNING")
    driven.tick(61)
    assert driven.preview().state is State.RUNNING


def test_a_task_that_no_record_knows_is_killed_until_it_has_ended(driven: Driven) -> None:
    driven.update("TASK_RUNNING", task="somebody.else")
    assert driven.cluster.of("kill") == [("somebody.else", "agent-1")]
    assert len(driven.cluster.of("acknowledge")) == 1
    driven.tick(10)
    assert driven.cluster.of("kill") == [("somebody.else", "agent-1")] * 2
    driven.update("TASK_KILLING", task="somebody.else")
    driven.tick(10)
    assert len(driven.cluster.of("kill")) == 3
    driven.update("TASK_KILLED", task="somebody.else")
    driven.tick(60)
    assert len(driven.cluster.of("kill")) == 3


def test_an_extra_task_that_no_kill_reaches_is_killed_when_it_is_back(driven: Driven) -> None:
    for away in ("TASK_UNREACHABLE", "TASK_UNKNOWN"):
        driven.cluster.calls.clear()
        driven.update("TASK_RUNNING", task="somebody.else")
        driven.update(away, task="somebody.else")
        driven.tick(60)
        assert len(driven.cluster.of("kill")) == 1
        driven.update("TASK_RUNNING", task="somebody.else")
        assert len(driven.cluster.of("kill")) == 2
        driven.update("TASK_GONE", task="somebody.else")


def test_the_end_of_a_task_that_no_record_knows_is_acknowledged_and_dropped(
    driven: Driven,
) -> None:
    driven.update("TASK_FAILED", task="somebody.else")
    assert len(driven.cluster.of("acknowledge")) == 1
    assert driven.cluster.of("kill") == []


def test_a_master_is_believed_after_a_minute(driven: Driven) -> None:
    driven.run()
    driven.tick(60)
    driven.update("TASK_UNKNOWN")
    assert driven.preview().state is State.QUEUED
    assert driven.placements() == {}


@pytest.mark.parametrize("ran", [True, False], ids=["it ran", "its launch was never sent"])
def test_a_new_framework_replaces_a_stored_task_that_mesos_does_not_have(
    driven: Driven, ran: bool
) -> None:
    if ran:
        driven.run()
    else:
        driven.cluster.failure = OutcomeUnknown("ACCEPT", "no answer")
        driven.place()
    again = Driven(driven.znodes, driven.clock)
    phantom = again.task()
    assert again.cluster.of("reconcile") == [(), ((phantom, "agent-1"),)]
    again.update("TASK_GONE", reason="REASON_RECONCILIATION")
    assert again.placements() == {}
    again.tick()
    again.step(events.Offered([offer("o2")]))
    assert again.preview().state is State.PLACED
    assert again.task() != phantom


def test_a_stored_attempt_whose_launch_was_sent_is_kept_by_the_next_framework(
    driven: Driven,
) -> None:
    driven.place()
    again = Driven(driven.znodes, driven.clock)
    again.update("TASK_STAGING", reason="REASON_RECONCILIATION")
    again.tick(10)
    again.update("TASK_RUNNING")
    assert again.placements() == {A: ("main",)}
    assert again.task() == driven.task()
    assert again.cluster.of("kill") == again.cluster.of("accept") == []


def test_while_mesos_is_away_nothing_is_given_up(driven: Driven) -> None:
    driven.run()
    driven.start(B, "other")
    driven.step(events.Offered([offer("o2")]))
    driven.update("TASK_UNREACHABLE")
    driven.step(events.Disconnected())
    driven.tick(301)
    driven.step(events.Subscribed("framework-1"))
    driven.tick(29)
    assert driven.preview().state is State.RUNNING
    assert driven.preview(B).state is State.PLACED
    driven.tick(31)
    assert driven.preview().state is State.QUEUED
    driven.tick(241)
    assert driven.preview(B).state is State.QUEUED


def test_a_new_framework_routes_nobody_to_an_unreachable_task(driven: Driven) -> None:
    driven.run()
    driven.update("TASK_UNREACHABLE")
    again = Driven(driven.znodes, driven.clock)
    again.tick()
    assert again.placements() == {}
    again.update("TASK_RUNNING", reason="REASON_RECONCILIATION")
    assert again.placements() == {A: ("main",)}


def test_a_new_framework_replaces_a_task_that_stays_unreachable(driven: Driven) -> None:
    driven.run()
    driven.update("TASK_UNREACHABLE")
    again = Driven(driven.znodes, driven.clock)
    again.tick(60)
    assert again.preview().state is State.QUEUED


def test_nobody_is_routed_to_a_running_task_that_is_not_healthy(driven: Driven) -> None:
    driven.run()
    driven.update("TASK_RUNNING", healthy=False)
    assert driven.placements() == {}
    driven.tick(3600)
    assert driven.preview().state is State.RUNNING
    driven.update("TASK_RUNNING", healthy=True)
    assert driven.placements() == {A: ("main",)}


def test_a_task_that_was_never_healthy_is_not_running(driven: Driven) -> None:
    driven.place()
    driven.update("TASK_RUNNING", healthy=False)
    assert driven.preview().state is State.PLACED
    driven.update("TASK_RUNNING", healthy=True)
    assert driven.placements() == {A: ("main",)}


def test_an_old_status_routes_nobody_to_an_unreachable_task(driven: Driven) -> None:
    driven.run()
    driven.update("TASK_UNREACHABLE")
    driven.report("TASK_STARTING", Phase.BUILDING)
    assert driven.placements() == {}
    driven.tick(61)
    assert driven.preview().state is State.QUEUED


def test_a_status_that_could_not_be_stored_is_requested_again(driven: Driven) -> None:
    driven.run()
    driven.step(events.Disconnected())
    driven.step(events.Subscribed("framework-1"))
    driven.store.away = True
    driven.update("TASK_GONE", reason="REASON_RECONCILIATION")
    driven.store.away = False
    driven.cluster.calls.clear()
    driven.tick(2)
    assert driven.cluster.of("reconcile") == [((driven.task(), "agent-1"),)]
