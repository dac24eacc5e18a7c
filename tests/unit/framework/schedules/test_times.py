"""The times of a schedule: intervals, start and end, the last ones, and the moment they are due."""

import time
from itertools import islice, takewhile
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework.errors import InvalidSettings
from framework.schedules import times
from prevs.schedules import ScheduleRecord

CREATED = 1_700_000_000.75


def schedule(**fields: Any) -> ScheduleRecord:
    given = {"app": "shop", "name": "report", "label": "main", "created": CREATED, "last": CREATED}
    return ScheduleRecord(**{**given, **fields})


def first(record: ScheduleRecord, after: float, most: int = 3) -> list[int]:
    return list(islice(times.iterate(record, after), most))


def test_an_interval_counts_from_its_creation() -> None:
    record = schedule(every=100)
    assert first(record, 0.0) == [1_700_000_100, 1_700_000_200, 1_700_000_300]
    assert first(record, 1_700_000_200.0) == [1_700_000_300, 1_700_000_400, 1_700_000_500]
    assert first(record, 1_700_000_199.5)[0] == 1_700_000_200


def test_an_interval_counts_from_its_start_which_is_the_first_time() -> None:
    record = schedule(every=100, start_at=1_700_000_050)
    assert first(record, CREATED) == [1_700_000_050, 1_700_000_150, 1_700_000_250]
    assert first(record, 1_700_000_050.0)[0] == 1_700_000_150


def test_no_time_is_before_the_start_or_after_the_end() -> None:
    record = schedule(cron="0 * * * *", start_at=1_700_006_400, end_at=1_700_013_600)
    assert first(record, CREATED, 9) == [1_700_006_400, 1_700_010_000, 1_700_013_600]
    assert first(schedule(every=100, end_at=1_700_000_200), CREATED, 9) == [
        1_700_000_100,
        1_700_000_200,
    ]


@pytest.mark.parametrize("fields", [{}, {"cron": "soon"}, {"cron": "0 * * * *", "zone": "Mars"}])
def test_what_a_later_version_may_have_written_is_told(fields: dict[str, Any]) -> None:
    with pytest.raises(InvalidSettings):
        times.find_due(schedule(**fields))


@given(
    fields=st.sampled_from([{"every": 60}, {"every": 7000}, {"cron": "*/20 1-5 * * *"}]),
    span=st.integers(0, 3 * 86_400),
    most=st.integers(1, 40),
)
def test_the_last_times_are_the_end_of_all(fields: dict[str, Any], span: int, most: int) -> None:
    record = schedule(**fields)
    until = CREATED + span
    every = list(takewhile(lambda time: time <= until, times.iterate(record, CREATED)))
    assert list(times.list_last(record, CREATED, until, most)) == every[-most:]


def test_there_is_no_last_time_before_the_first_moment() -> None:
    assert times.list_last(schedule(every=60), CREATED, CREATED - 1000, 5) == ()


@pytest.mark.parametrize("fields", [{}, {"end_at": 2_300_000_000}])
def test_the_last_times_of_decades_are_found_without_all_the_others(fields: dict[str, Any]) -> None:
    """All ten million of them would take a minute or two."""
    record, until = schedule(cron="* * * * *", **fields), CREATED + 20 * 365 * 86_400
    begin = time.process_time()
    assert len(times.list_last(record, CREATED, until, 34)) == 34
    assert time.process_time() - begin < 5


def test_schedules_of_the_same_time_are_due_at_different_moments() -> None:
    delays = {
        name: times.find_delay(schedule(name=name, every=60, spread=600.0)) for name in "abcdefgh"
    }
    assert len(set(delays.values())) == 8
    assert all(0 <= delay < 600 for delay in delays.values())
    assert max(delays.values()) - min(delays.values()) > 200
    other = schedule(app="cart", name="a", every=60, spread=600.0)
    assert times.find_delay(other) != delays["a"]
    assert times.find_delay(schedule(every=60)) == 0


def test_the_next_time_is_due_after_its_delay_and_not_while_paused_or_at_the_end() -> None:
    record = schedule(every=100, spread=50.0)
    assert times.find_due(record) == 1_700_000_100 + times.find_delay(record)
    assert times.find_due(schedule(every=100, last=1_700_000_100.0)) == 1_700_000_200
    assert times.find_due(schedule(every=100, paused=True)) is None
    assert times.find_due(schedule(every=100, times=3, count=3)) is None
    assert times.find_due(schedule(every=100, times=3, count=2)) == 1_700_000_100
    assert times.find_due(schedule(every=100, end_at=1_700_000_099)) is None
