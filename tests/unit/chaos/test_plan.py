"""The plan of the faults: the same for the same seed, and within its time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.chaos.plan import KINDS, Strike, draw

SEEDS = st.integers(0, 2**32)
SECONDS = st.floats(30, 4000)


@given(SEEDS, SECONDS)
def test_the_same_seed_makes_the_same_plan_and_a_longer_run_only_goes_on(
    seed: int, seconds: float
) -> None:
    plan = draw(seed, seconds)
    assert plan == draw(seed, seconds)
    assert draw(seed, seconds * 2)[: len(plan)] == plan


@given(SEEDS, SECONDS)
def test_every_fault_has_ended_in_time_and_is_of_a_kind(seed: int, seconds: float) -> None:
    kinds = {kind.name: kind for kind in KINDS}
    for strike in draw(seed, seconds):
        kind = kinds[strike.name]
        assert strike.target in kind.targets
        assert kind.seconds[0] <= strike.seconds <= kind.seconds[1]
        assert 0 < strike.at <= strike.at + strike.seconds <= seconds + 0.1  # rounded


@given(SEEDS)
def test_two_come_at_once_at_most_never_of_one_part_and_some_come_alone(seed: int) -> None:
    plan = draw(seed, 4000)
    alone = {kind.name for kind in KINDS if kind.alone}
    for strike in plan:
        others = [one for one in plan if one is not strike and _overlap(one, strike)]
        assert len(others) <= 1
        assert not (others and strike.name in alone)
        assert all(_part(one) != _part(strike) for one in others)


def test_every_kind_and_every_target_comes_in_the_end() -> None:
    seen = {(strike.name, strike.target) for strike in draw(1, 200_000)}
    assert seen == {(kind.name, target) for kind in KINDS for target in kind.targets}


@pytest.mark.parametrize("seconds", [0.0, 5.0])
def test_a_run_that_is_too_short_has_no_fault(seconds: float) -> None:
    assert draw(1, seconds) == []


def _overlap(one: Strike, other: Strike) -> bool:
    return one.at <= other.at + other.seconds and other.at <= one.at + one.seconds


def _part(strike: Strike) -> str:
    return strike.target.partition(">")[0]
