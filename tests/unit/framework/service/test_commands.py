import pytest

from framework.errors import NotRestartable
from framework.service.commands import RESTARTED, STOPPED
from prevs.states import Phase, State
from tests.fakes.driven import A, B, C, Driven


def test_stopping_kills_after_the_placement_is_gone_and_again_until_the_task_has_ended(
    driven: Driven,
) -> None:
    driven.run()
    draining = driven.stop()
    assert (draining.state, draining.reason) == (State.DRAINING, STOPPED.text)
    assert driven.placements() == {}
    kill = (driven.task(), "agent-1")
    driven.tick(9)
    assert driven.cluster.of("kill") == [kill]
    driven.tick(1)
    assert driven.cluster.of("kill") == [kill] * 2
    driven.update("TASK_KILLING")
    driven.update("TASK_KILLED")
    driven.tick(20)
    assert len(driven.cluster.of("kill")) == 2
    assert driven.preview().state is State.STOPPED


def test_stopping_a_queued_preview_ends_it_at_once(driven: Driven) -> None:
    driven.start()
    stopped = driven.stop()
    assert (stopped.state, stopped.reason) == (State.STOPPED, STOPPED.text)
    driven.offer()
    assert driven.cluster.of("accept") == []


def test_a_start_while_a_preview_drains_queues_it_again_afterwards(driven: Driven) -> None:
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


def test_a_branch_that_moves_back_routes_to_the_old_commit_again(driven: Driven) -> None:
    driven.run()
    driven.start(B, "main")
    driven.offer("o2")
    driven.report("TASK_RUNNING", Phase.RUNNING, sha=B)
    driven.start(A, "main")
    assert driven.placements() == {A: ("main",), B: ()}


def test_the_old_commit_loses_its_label_when_it_stops(driven: Driven) -> None:
    driven.run()
    driven.start(B, "main")
    driven.stop(A)
    assert driven.preview(A).labels == ()
    assert driven.preview(B).labels == ("main",)


def test_a_branch_that_moves_twice_before_the_first_runs_waits_for_the_last(driven: Driven) -> None:
    driven.run()
    driven.start(B, "main")
    driven.start(C, "main")
    assert driven.preview(B).labels == ()
    assert driven.placements() == {A: ("main",)}
    driven.offer("o2")
    driven.report("TASK_RUNNING", Phase.RUNNING, sha=B)
    assert driven.placements() == {A: ("main",), B: ()}
    driven.report("TASK_RUNNING", Phase.RUNNING, sha=C)
    assert driven.placements() == {A: (), B: (), C: ("main",)}


def test_a_start_of_a_known_preview_is_one_write_including_the_label(driven: Driven) -> None:
    driven.start(A, "main")
    driven.stop(A)
    driven.start(B, "v1")
    written = driven.store.writes
    started = driven.commands.start("hello", A, "v1")
    assert driven.store.writes == written + 1
    assert (started.state, started.labels) == (State.QUEUED, ("main", "v1"))
    assert driven.preview(B).labels == ()


def test_a_restart_ends_the_attempt_and_queues_the_next(driven: Driven) -> None:
    driven.run()
    first = driven.task()
    draining = driven.commands.restart("hello", A)
    assert (draining.state, draining.reason) == (State.DRAINING, RESTARTED.text)
    assert draining.labels == ("main",)
    driven.step()
    assert driven.cluster.of("kill") == [(first, "agent-1")]
    driven.update("TASK_KILLED", task=first)
    assert driven.preview().state is State.QUEUED
    driven.offer("o2")
    assert driven.task() != first


def test_only_a_preview_with_an_attempt_is_restarted(driven: Driven) -> None:
    driven.start()
    with pytest.raises(NotRestartable) as refused:
        driven.commands.restart("hello", A)
    assert refused.value.state == "queued"
    driven.place()
    driven.stop()
    with pytest.raises(NotRestartable):
        driven.commands.restart("hello", A)
