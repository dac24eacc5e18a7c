import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.cluster.restart_policy import (
    LONGEST_START,
    START_LIMIT,
    Action,
    PartState,
    Phase,
    advance,
    clear_failures,
    failed,
    is_slow,
    stop_order,
)


def look(
    state: PartState,
    now: float,
    *,
    needs_met: bool = True,
    ready: bool = False,
    problem: str | None = None,
    used: float = 0.0,
) -> tuple[PartState, Action]:
    return advance(state, needs_met=needs_met, ready=ready, problem=problem, now=now, used=used)


def test_a_part_waits_for_what_it_needs() -> None:
    assert look(PartState(), 1, needs_met=False) == (PartState(), Action.NOTHING)
    state, action = look(PartState(), 1)
    assert (state.phase, action) == (Phase.STARTING, Action.START)


def test_a_part_that_answers_is_ready_and_stays_so() -> None:
    starting, _ = look(PartState(), 1)
    state, action = look(starting, 3, ready=True)
    assert (state.phase, state.since, action) == (Phase.READY, 3, Action.NOTHING)
    assert look(state, 500, needs_met=False) == (state, Action.NOTHING)


def test_a_part_that_exits_is_stopped_and_started_again_after_a_pause() -> None:
    ready = PartState(Phase.READY, since=10)
    state, action = look(ready, 11, problem="exited with status 1")
    assert (state.phase, action) == (Phase.WAITING, Action.STOP)
    assert state.problem == "exited with status 1"
    assert look(state, 11.4)[1] is Action.NOTHING
    assert look(state, 11.6)[1] is Action.START


def test_a_part_that_was_held_starts_at_once_when_it_is_released() -> None:
    ready = PartState(Phase.READY, since=10)
    state = clear_failures(failed(failed(ready, "ended by SIGKILL", 11), "ended by SIGKILL", 12))
    assert look(state, 12.1)[1] is Action.START
    assert (state.restarts, state.problem) == (2, "ended by SIGKILL")
    assert clear_failures(ready) == ready


def test_a_part_that_does_not_get_ready_is_given_up() -> None:
    starting = PartState(Phase.STARTING, since=0)
    assert look(starting, START_LIMIT)[1] is Action.NOTHING
    state, action = look(starting, START_LIMIT + 1)
    assert action is Action.STOP
    assert "not ready" in state.problem


def test_a_part_that_makes_progress_may_take_longer_to_start() -> None:
    """A machine that is twenty times slower starts a part in minutes instead of seconds."""
    state, _ = look(PartState(), 0)
    for minute in range(1, 11):
        state, action = look(state, minute * 60, used=minute * 12.0)
        assert action is Action.NOTHING
    # It now waits in vain, and its polling takes little CPU time.
    state, action = look(state, 640, used=122.0)
    assert action is Action.NOTHING
    state, action = look(state, 600 + START_LIMIT + 1, used=124.0)
    assert (action, state.late, state.problem) == (Action.STOP, True, "was not ready after 691 s")


def test_a_part_that_makes_progress_for_ever_is_given_up_too() -> None:
    state, _ = look(PartState(), 0)
    now, action = 0.0, Action.NOTHING
    while action is Action.NOTHING:
        now += 60
        state, action = look(state, now, used=now)
    assert LONGEST_START < now <= LONGEST_START + 60
    assert state.late


def test_the_next_start_of_a_part_counts_from_its_own_beginning() -> None:
    state, _ = look(PartState(), 0)
    state, _ = look(state, 60, used=50.0)
    state = failed(state, "exited with status 1", 61)
    assert not state.late
    state, _ = look(state, 70)
    state, _ = look(state, 150, used=10.0)
    assert look(state, 235, used=10.0)[1] is Action.NOTHING


def test_a_start_is_slow_once_it_takes_half_a_minute() -> None:
    starting, _ = look(PartState(), 10)
    assert not is_slow(starting, 40)
    assert is_slow(starting, 41)
    ready, _ = look(starting, 50, ready=True)
    assert not is_slow(ready, 100)


@given(st.integers(1, 40))
def test_the_pause_grows_and_stays_below_half_a_minute(failures: int) -> None:
    state = PartState(Phase.STARTING)
    pauses = []
    for _ in range(failures):
        state = failed(state, "exited", 100)
        pauses.append(state.not_before - 100)
    assert pauses == sorted(pauses)
    assert pauses[-1] <= 30
    assert state.restarts == failures


def test_a_part_that_was_ready_for_long_starts_again_at_once() -> None:
    state = failed(PartState(Phase.READY, since=0, failures=9, restarts=9), "exited", 61)
    assert state.not_before - 61 == 0.5
    assert state.restarts == 10


def test_parts_are_stopped_after_all_that_need_them() -> None:
    needs = {"zookeeper": (), "agent-1": ("master",), "agent-2": ("master",), "master": ()}
    needs["framework"] = ("agent-1", "agent-2", "zookeeper", "not-here")
    assert stop_order(needs) == [["framework"], ["zookeeper", "agent-1", "agent-2"], ["master"]]


def test_parts_that_need_each_other_are_refused() -> None:
    with pytest.raises(ValueError, match="circle"):
        stop_order({"a": ("b",), "b": ("a",)})
