"""Two years of a clock in five zones, against the rule of Debian's cron.

The rule is written again here, as its main loop works (cron.c), without cronsim: the clock on the
wall is read every half hour. Jobs with a wildcard run when it matches. The others run for each
minute that it has not shown before: at once for what it has skipped, and not again for what it
shows twice. In these years all five zones but Kolkata change their clocks, Lord Howe by half an
hour, and Sao Paulo at midnight.
"""

import datetime
import functools
import random
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise, takewhile
from typing import NamedTuple
from zoneinfo import ZoneInfo

import pytest

from framework.schedules import cron, fires, times
from prevs.schedules import Missed, Overlap, ScheduleRecord

ZONES = (
    "Europe/Berlin",
    "America/New_York",
    "Asia/Kolkata",
    "Australia/Lord_Howe",
    "America/Sao_Paulo",
)
EACH = [
    *("Europe/Berlin", "Australia/Lord_Howe", "America/Sao_Paulo"),
    # They change like Berlin and not at all.
    *(pytest.param(zone, marks=pytest.mark.night) for zone in ("America/New_York", "Asia/Kolkata")),
]
BEGIN, END = (
    int(datetime.datetime(year, 6, 1, tzinfo=datetime.UTC).timestamp()) for year in (2017, 2019)
)
SLOT = 30 * 60
"""Seconds. All of these zones are half hours or hours from UTC, and change at such times."""


class Meaning(NamedTuple):
    """What an expression means, in Python: no code that reads expressions is used here."""

    minutes: Sequence[int]
    hours: Sequence[int]
    is_day: Callable[[datetime.date], bool] = lambda day: True
    wildcard: bool = False


EVERY_HOUR = range(24)
CRONS = {
    "30 2 * * *": Meaning([30], [2]),
    "15,45 1-3 * * *": Meaning([15, 45], [1, 2, 3]),
    "5 0 * * *": Meaning([5], [0]),
    "30 23,0 * * *": Meaning([30], [23, 0]),
    "0 6 * * mon-fri": Meaning([0], [6], lambda day: day.weekday() < 5),
    "0 12 13 * 5": Meaning([0], [12], lambda day: day.day == 13 or day.weekday() == 4),
    "0 1 */2 * 0": Meaning([0], [1], lambda day: day.day % 2 == 1 and day.weekday() == 6),
    "17 * * * *": Meaning([17], EVERY_HOUR, wildcard=True),
    "*/15 1-3 * * sun": Meaning(
        [0, 15, 30, 45], [1, 2, 3], lambda day: day.weekday() == 6, wildcard=True
    ),
    "*/20 0,23 * * *": Meaning([0, 20, 40], [0, 23], wildcard=True),
    "*/10 1-2 28 10 *": Meaning(
        range(0, 60, 10),
        [1, 2],
        lambda day: (day.month, day.day) == (10, 28),  # in 2018 the end of Berlin's summer time
        wildcard=True,
    ),
    "* * 1 4,10,11 *": Meaning(
        range(60), EVERY_HOUR, lambda day: day.day == 1 and day.month in {4, 10, 11}, wildcard=True
    ),
}


@functools.cache
def read_wall(zone: str) -> list[int]:
    """Return what the clock on the wall shows at each slot, in slots since 1970."""
    there = ZoneInfo(zone)
    begin = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
    return [
        (datetime.datetime.fromtimestamp(now, there).replace(tzinfo=datetime.UTC) - begin)
        // datetime.timedelta(seconds=SLOT)
        for now in range(BEGIN, END, SLOT)
    ]


def run_cron(meaning: Meaning, zone: str) -> list[int]:
    """Return when Debian's cron runs a job, each moment once."""
    is_day = functools.cache(
        lambda day: meaning.is_day(datetime.date(1970, 1, 1) + datetime.timedelta(days=day))
    )

    def match(slot: int) -> Iterator[int]:
        """Yield the seconds from the beginning of a slot of the wall's clock."""
        day, rest = divmod(slot, 48)
        if rest // 2 in meaning.hours and is_day(day):
            first = rest % 2 * 30
            yield from ((m - first) * 60 for m in meaning.minutes if first <= m < first + 30)

    found = list[int]()
    unseen = read_wall(zone)[0]
    for now, slot in zip(range(BEGIN, END, SLOT), read_wall(zone), strict=True):
        if meaning.wildcard:
            found += [now + second for second in match(slot)]
            continue
        for one in range(unseen, slot + 1):
            found += [now + (second if one == slot else 0) for second in match(one)]
        unseen = max(unseen, slot + 1)
    return list(dict.fromkeys(found))


@pytest.mark.parametrize("zone", EACH)
@pytest.mark.parametrize("text", CRONS)
def test_the_times_are_those_of_debians_cron(text: str, zone: str) -> None:
    expected = run_cron(CRONS[text], zone)
    found = takewhile(lambda time: time < END, cron.iterate(text, ZoneInfo(zone), BEGIN - 1))
    assert list(found) == expected


def test_the_zones_have_every_kind_of_change() -> None:
    """Without them, the test above would show nothing."""
    skips = {}
    for zone in ZONES:
        wall = read_wall(zone)
        skips[zone] = {after - before for before, after in pairwise(wall)}
    assert skips == {
        "Europe/Berlin": {-1, 1, 3},
        "America/New_York": {-1, 1, 3},
        "Asia/Kolkata": {1},
        "Australia/Lord_Howe": {0, 1, 2},
        "America/Sao_Paulo": {-1, 1, 3},
    }


@pytest.mark.parametrize("zone", EACH)
@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("30 2 * * *", CRONS["30 2 * * *"]),
        ("30 */6 * * *", Meaning([30], [0, 6, 12, 18], wildcard=True)),
    ],
)
def test_a_framework_that_decides_now_and_then_fires_each_time_once(
    text: str, meaning: Meaning, zone: str
) -> None:
    clock = random.Random(zone)
    schedule = ScheduleRecord(
        app="shop",
        name="report",
        label="main",
        job="report",
        cron=text,
        zone=zone,
        end_at=END - 1,
        overlap=Overlap.ALLOW,
        missed=Missed.ALL,
        spread=600.0,
        created=BEGIN,
        last=BEGIN - 1,
    )
    fired = list[int]()
    due = times.find_due(schedule)
    while due is not None:
        decision = fires.decide(schedule, due + clock.uniform(0, 5 * 86_400), [])
        assert decision.skipped == ()
        schedule, fired = decision.schedule, [*fired, *decision.fires]
        due = times.find_due(schedule)
    assert fired == run_cron(meaning, zone)
    assert schedule.count == len(fired)
