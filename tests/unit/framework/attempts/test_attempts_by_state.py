"""The table of task states: their effect on a running preview (docs/reliability.md)."""

import pytest

from framework import events
from prevs.states import State
from tests.fakes.driven import A, Driven
from tests.fakes.offers import offer

ENDS = {
    "TASK_FINISHED": State.QUEUED,
    "TASK_FAILED": State.QUEUED,
    "TASK_KILLED": State.QUEUED,
    "TASK_ERROR": State.FAILED,
    "TASK_DROPPED": State.QUEUED,
    "TASK_GONE": State.QUEUED,
    "TASK_GONE_BY_OPERATOR": State.QUEUED,
    "TASK_LOST": State.QUEUED,
}


@pytest.mark.parametrize(("status", "state"), ENDS.items())
def test_an_unrequested_end_frees_the_port_and_kills_a_returning_task_before_another_try(
    driven: Driven, status: str, state: State
) -> None:
    driven.run()
    old = driven.task()
    driven.update(status)
    assert driven.preview().state is state
    assert driven.placements() == {}
    driven.update("TASK_RUNNING", task=old, reason="REASON_SLAVE_REREGISTERED")
    assert driven.placements() == {}
    assert driven.cluster.of("kill") == [(old, "agent-1")]
    driven.tick(1)
    driven.step(events.Offered([offer("o2")]))
    after = State.PLACED if state is State.QUEUED else state
    assert (driven.preview().state, driven.task() != old) == (after, after is State.PLACED)


@pytest.mark.parametrize("status", ["TASK_STAGING", "TASK_STARTING"])
def test_a_starting_task_is_alive_and_has_no_placement(driven: Driven, status: str) -> None:
    driven.place()
    placed = driven.preview()
    driven.update(status)
    assert driven.preview() == placed
    assert driven.placements() == {}


@pytest.mark.parametrize("status", ["TASK_UNREACHABLE", "TASK_UNKNOWN"])
def test_an_unreachable_task_is_kept_replaced_after_a_minute_and_killed_on_return(
    driven: Driven, status: str
) -> None:
    driven.run()
    old = driven.task()
    driven.update(status)
    assert driven.preview().state is State.RUNNING
    assert driven.placements() == ({} if status == "TASK_UNREACHABLE" else {A: ("main",)})
    driven.tick(59)
    assert driven.preview().state is State.RUNNING
    driven.tick(1)
    assert driven.preview().state is State.QUEUED
    driven.update("TASK_RUNNING", task=old)
    assert driven.placements() == {}
    assert driven.cluster.of("kill") == [(old, "agent-1")]


def test_a_task_that_somebody_else_kills_has_no_placement_at_once_and_starts_again_after_its_end(
    driven: Driven,
) -> None:
    driven.run()
    task = driven.task()
    driven.update("TASK_KILLING")
    assert (driven.preview().state, driven.task()) == (State.DRAINING, task)
    assert driven.placements() == {}
    driven.update("TASK_KILLED", reason="REASON_AGENT_DRAINING")
    assert driven.preview().state is State.QUEUED
