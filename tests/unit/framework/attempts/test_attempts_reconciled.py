"""Reconciliation of attempts: when a status is missing, and from time to time."""

import pytest

from framework import events
from framework.attempts.attempts import LATE_SECONDS, NO_ANSWER
from framework.attempts.kills import REPEAT_SECONDS
from framework.attempts.reconciliation import UNANSWERED_SECONDS
from framework.units.reasons import ReasonKind
from prevs.states import Phase, State
from tests.fakes.driven import A, B, Driven
from tests.fakes.offers import offer


def test_each_subscription_reconciles_every_task_until_it_answers(driven: Driven) -> None:
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


def test_a_task_that_the_master_does_not_know_yet_is_reconciled_again(driven: Driven) -> None:
    driven.run()
    driven.step(events.Subscribed("framework-1"))
    driven.update("TASK_UNKNOWN", reason="REASON_RECONCILIATION")
    driven.cluster.calls.clear()
    driven.tick(1)
    assert driven.cluster.of("reconcile") == [((driven.task(), "agent-1"),)]


def test_a_replaced_task_is_reconciled_until_mesos_knows_it_no_more(
    driven: Driven,
) -> None:
    driven.run()
    old = driven.task()
    driven.tick(200)
    driven.update("TASK_RUNNING")
    driven.step(events.AgentFailed("agent-1", None))
    driven.update("TASK_UNKNOWN", reason="REASON_RECONCILIATION")
    assert driven.preview().state is State.QUEUED
    driven.cluster.calls.clear()
    driven.tick()
    assert driven.cluster.of("reconcile") == [((old, "agent-1"),)]
    driven.update("TASK_UNKNOWN", task=old, reason="REASON_RECONCILIATION")
    driven.tick(60)
    assert len(driven.cluster.of("reconcile")) == 1


def test_every_task_is_reconciled_again(driven: Driven) -> None:
    driven.run()
    driven.cluster.calls.clear()
    driven.tick(61)
    assert driven.cluster.of("reconcile") == [(), ((driven.task(), "agent-1"),)]


def test_tasks_of_an_agent_that_may_have_failed_are_reconciled(driven: Driven) -> None:
    for sha, label in ((A, "main"), (B, "other")):
        driven.run(sha, label)
    before = driven.preview()
    one, other = ((driven.task(sha), "agent-1") for sha in (A, B))
    for sha in (A, B):
        driven.update("TASK_RUNNING", sha=sha)
    driven.cluster.calls.clear()
    driven.step(events.AgentFailed("agent-1", driven.task()))
    assert driven.cluster.of("reconcile") == [(one,)]
    driven.step(events.AgentFailed("agent-1", None))
    assert driven.cluster.of("reconcile")[1:] == [(one, other)]
    driven.step(events.AgentFailed("agent-2", None), events.AgentFailed(None, "somebody.else"))
    assert len(driven.cluster.of("reconcile")) == 2
    assert driven.preview() == before


@pytest.mark.parametrize("wanted", [False, True], ids=["stopped", "requested again"])
def test_a_stop_ends_though_mesos_does_not_answer_for_its_task(
    driven: Driven, wanted: bool
) -> None:
    driven.run()
    old = driven.task()
    driven.stop()
    driven.step(events.Disconnected())
    driven.step(events.Subscribed("framework-1"))
    if wanted:
        driven.start()
    driven.tick(UNANSWERED_SECONDS - 1)
    assert driven.preview().state is State.DRAINING
    driven.tick(1)
    after = driven.preview().state
    assert after is (State.QUEUED if wanted else State.STOPPED)
    driven.tick(REPEAT_SECONDS)
    driven.cluster.calls.clear()
    driven.update("TASK_RUNNING", task=old)
    driven.tick(REPEAT_SECONDS)
    assert (old, "agent-1") in driven.cluster.of("kill"), "it is killed where it comes back"
    assert driven.preview().state is after


def test_who_waits_for_a_late_end_learns_of_it(driven: Driven) -> None:
    driven.run()
    driven.stop()
    why = driven.preview().reason
    driven.tick(LATE_SECONDS)
    assert driven.preview().reason == why, "nobody waits for it"
    driven.start()
    driven.tick()
    assert driven.preview().reason_kind == ReasonKind.ENDS_LATE
    driven.update("TASK_KILLED")
    driven.step(events.Offered([offer("o2")]))
    preview = driven.preview()
    assert (preview.state, preview.reason) == (State.PLACED, "")


def test_a_build_begins_elsewhere_if_mesos_does_not_answer_for_its_task(driven: Driven) -> None:
    driven.place()
    driven.report("TASK_STARTING", Phase.BUILDING)
    driven.step(events.Subscribed("framework-1"))
    driven.tick(UNANSWERED_SECONDS)
    preview = driven.preview()
    assert (preview.state, preview.avoid_agent) == (State.QUEUED, "agent-1")
    assert preview.reason.startswith(NO_ANSWER.message)


def test_a_preview_that_runs_is_served_though_mesos_does_not_answer_for_its_task(
    driven: Driven,
) -> None:
    driven.run()
    driven.step(events.Subscribed("framework-1"))
    driven.tick(10 * UNANSWERED_SECONDS)
    assert driven.preview().state is State.RUNNING
    assert driven.placements() == {A: ("main",)}


def test_a_silent_launched_task_is_reconciled_and_given_up(driven: Driven) -> None:
    driven.place()
    driven.cluster.calls.clear()
    driven.tick(31)
    assert driven.cluster.of("reconcile") == [((driven.task(), "agent-1"),)]
    for _ in range(14):  # reconciled with growing pauses: after 1, 3 and 7 seconds
        driven.tick()
    assert len(driven.cluster.of("reconcile")) == 4
    task = driven.task()
    driven.tick(300)
    assert driven.preview().state is State.QUEUED
    assert driven.cluster.of("kill") == [(task, "agent-1")]
    driven.tick(11)
    assert driven.cluster.of("kill") == [(task, "agent-1")] * 2
    driven.update("TASK_UNKNOWN", task=task)
    driven.tick(11)
    assert len(driven.cluster.of("kill")) == 2
