"""How long a framework waits before it tries a master again."""

from hypothesis import given
from hypothesis import strategies as st

from driver.pace import retry_delay
from driver.scheduler_link import PACE

CHANCES = st.floats(0, 1, exclude_max=True)


@given(chance=CHANCES)
def test_the_first_try_comes_at_once(chance: float) -> None:
    assert retry_delay(PACE, 0, chance) == 0.0


@given(failures=st.integers(1, 10_000), chance=CHANCES)
def test_every_other_try_waits_and_never_longer_than_the_longest_delay(
    failures: int, chance: float
) -> None:
    assert 0.25 <= retry_delay(PACE, failures, chance) <= 15.0


def test_delays_double_up_to_the_longest() -> None:
    delays = [retry_delay(PACE, failures, 1.0) for failures in range(1, 8)]
    assert delays == [0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 15.0]


def test_half_of_a_delay_is_random() -> None:
    assert retry_delay(PACE, 3, 0.0) == 1.0
    assert retry_delay(PACE, 3, 0.5) == 1.5
