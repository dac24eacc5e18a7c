"""Reconciliation of attempts: when a status is missing, and from time to time."""

from framework import events
from prevs.states import State
from tests.fakes.driven import A, B, Driven


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
