"""executor/container/rate.py: how fast something may be read."""

from hypothesis import given
from hypothesis import strategies as st

from executor.container.rate import Pace


def test_a_burst_passes_at_once_and_what_follows_at_the_rate() -> None:
    pace = Pace(100, 1000, 0.0)
    assert pace.delay(1000, 0.0) == 0
    assert pace.delay(50, 0.0) == 0.5
    assert pace.delay(50, 0.5) == 0.5


def test_who_was_quiet_for_long_may_burst_again_and_no_more() -> None:
    pace = Pace(100, 1000, 0.0)
    pace.delay(1000, 0.0)
    assert pace.delay(1000, 3600.0) == 0
    assert pace.delay(100, 3600.0) == 1.0


@given(st.lists(st.integers(0, 5000)))
def test_who_waits_as_told_never_passes_more_than_the_rate_and_one_burst(sizes: list[int]) -> None:
    pace, now, passed = Pace(100, 1000, 0.0), 0.0, 0
    for size in sizes:
        passed += size
        now += pace.delay(size, now)
        assert passed <= 1000 + now * 100 + 0.001
