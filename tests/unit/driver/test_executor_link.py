"""How fast an executor reconnects."""

from hypothesis import given
from hypothesis import strategies as st

from driver.environment import Environment
from driver.executor_link import read_pace
from driver.pace import retry_delay


@given(
    window=st.floats(0.1, 15.0),
    failures=st.integers(0, 50),
    chance=st.floats(0, 1, exclude_max=True),
)
def test_several_tries_fit_into_the_window_of_an_agent_e2(
    window: float, failures: int, chance: float
) -> None:
    """E2: an executor that comes after the window is destroyed."""
    pace = read_pace(Environment("a:1", "f", "e", True, 900.0, window))
    assert retry_delay(pace, failures, chance) <= window / 5
