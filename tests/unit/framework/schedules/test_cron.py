"""Expressions of cron: what is wrong with one, and its times from any moment."""

import datetime
from itertools import islice, takewhile
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from framework.errors import InvalidSettings
from framework.schedules import cron

DAY = 86_400


def moment(text: str, zone: str = "UTC") -> int:
    return int(datetime.datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp())


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("60 * * * *", "has '60' as its minute. Write 0 to 59;"),
        ("0 24 * * *", "has '24' as its hour. Write 0 to 23;"),
        ("0 0 0 * *", "has '0' as its day of the month. Write 1 to 31;"),
        ("0 0 * 13 *", "has '13' as its month. Write 1 to 12, or jan to dec;"),
        ("0 0 * * mo", "has 'mo' as its day of the week. Write 0 to 7, or sun to sat"),
        ("*/0 * * * *", "has '*/0' as its minute."),
        ("5-1 * * * *", "has '5-1' as its minute."),
        ("0 6 * *", "must have 5 fields"),
        ("0 0 6 * * *", "must have 5 fields"),
        ("@daily", "must have 5 fields"),
        ("", "must have 5 fields"),
        ("0 0 " + "1," * 100 + "1 * *", "must have 5 fields"),
        ("0 0 30 2 *", "never comes"),
        ("0 0 31 2,4,6,9,11 *", "never comes"),
    ],
)
def test_a_wrong_expression_is_told_with_its_field(text: str, wrong: str) -> None:
    problem = cron.find_problem(text)
    assert problem is not None
    assert wrong in problem
    with pytest.raises(InvalidSettings) as refused:
        cron.iterate(text, datetime.UTC, 0)
    assert refused.value.problems[0].field == "cron"


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("0 0 29 2 *", "2028-02-29"),
        ("0 0 * 2 mon#5", "2044-02-29"),
        ("0 0 30 2 1", "2027-02-01"),  # the 30th or a Monday
        ("0 0 l 2 *", "2027-02-28"),
        ("0\t6 1 JAN  *", "2027-01-01T06:00"),
    ],
)
def test_what_comes_seldom_is_found(text: str, first: str) -> None:
    assert cron.find_problem(text) is None
    after = moment("2026-11-28")
    for zone in ("UTC", "Europe/Berlin"):
        assert next(cron.iterate(text, ZoneInfo(zone), after)) == moment(first, zone)


def test_several_times_that_the_clock_skips_are_one() -> None:
    zone = ZoneInfo("Europe/Berlin")
    after = moment("2026-03-29T01:59:59", "Europe/Berlin")
    assert [
        datetime.datetime.fromtimestamp(time, zone).isoformat()
        for time in islice(cron.iterate("15,45 2-3 * * *", zone, after), 4)
    ] == [
        "2026-03-29T03:00:00+02:00",
        "2026-03-29T03:15:00+02:00",
        "2026-03-29T03:45:00+02:00",
        "2026-03-30T02:15:00+02:00",
    ]


@pytest.mark.parametrize("zone", ["Europe/Berlin", "Australia/Lord_Howe", "America/Sao_Paulo"])
@pytest.mark.parametrize("text", ["30 0,2 * * *", "*/15 0-3 * * *", "10 * * * *"])
@given(day=st.integers(0, 365), second=st.integers(0, DAY - 1))
@example(day=126, second=16 * 3600)  # 4 November: Sao Paulo's clocks are put forward
@example(day=97, second=55_800)  # 7 October: Lord Howe's
def test_from_any_moment_the_times_are_the_same(
    text: str, zone: str, day: int, second: int
) -> None:
    begin = moment("2018-07-01") + day * DAY
    end = begin + 2 * DAY
    found = takewhile(lambda time: time <= end, cron.iterate(text, ZoneInfo(zone), begin))
    after = begin + second
    rest = takewhile(lambda time: time <= end, cron.iterate(text, ZoneInfo(zone), after))
    assert list(rest) == [time for time in found if time > after]


@given(st.text("0123456789*/,-#LWlw monfriJAN@\t²é", max_size=24))
@example("0 0 l/2,3 * *")
@example("0 0 * * 5l/2")
@example("0 0 * * mon#1/2")
def test_any_text_is_told_or_has_times(text: str) -> None:
    if cron.find_problem(text) is None:
        first, second = islice(cron.iterate(text, ZoneInfo("Europe/Berlin"), 0), 2)
        assert 0 < first < second
