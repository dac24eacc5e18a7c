from framework import events
from prevs.records import ProxyRecord
from prevs.states import Cause, Phase, State
from tests.fakes.driven import A, B, C, Driven
from tests.fakes.offers import offer


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
