import pytest

from bench.harness.machine import MOST, Load, find_busy

BEFORE = "cpu  100 0 50 800 50 0 0 0 7 0\ncpu0 1 2 3 4 5 6 7 8 9 10\n"


def test_time_that_is_neither_idle_nor_waiting_for_a_disk_is_busy() -> None:
    assert find_busy(BEFORE, "cpu  160 0 80 900 60 0 0 0 7 0\n") == pytest.approx(0.45)
    assert find_busy(BEFORE, "cpu  100 0 50 800 50 0 0 100 9 0\n") == 1.0, "another guest's time"


def test_the_load_of_the_last_minute_does_not_count_on_an_idle_machine() -> None:
    assert not Load(busy=MOST, load=9.0, cores=2).is_high
    assert Load(busy=MOST + 0.01, load=0.0, cores=2).is_high
    assert "45% of the time of 2 cores" in str(Load(busy=0.45, load=1.0, cores=2))
