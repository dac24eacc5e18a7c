"""A schedule as people write it: what is wrong with it, and the record that it makes."""

import dataclasses
import datetime
from typing import Any

import pytest

from framework.errors import InvalidSettings
from framework.schedules import times
from framework.schedules.written_schedule import check, read_moment
from prevs.schedules import Missed, Overlap, ScheduleRecord, SkippedTime

NOW = 1_795_860_000.5  # 2026-11-28T10:00:00.5Z
HOUR = 3600
NO_WORK: dict[str, Any] = {"job": ""}
NO_TIME: dict[str, Any] = {"cron": ""}


def write(**fields: Any) -> ScheduleRecord:
    given = {"label": "main", "job": "report", "cron": "0 6 * * mon-fri"}
    return ScheduleRecord(**{"app": "shop", "name": "daily", "token": "ada", **given, **fields})


def make(written: ScheduleRecord, **more: Any) -> ScheduleRecord:
    return check(written, **{"now": NOW, **more})


def date(text: str, zone: str = "UTC") -> int:
    moment = read_moment(datetime.datetime.fromisoformat(text), zone)
    assert moment is not None
    return moment


def test_what_is_written_is_what_is_stored() -> None:
    written = write(
        job="",
        command=("python", "report.py"),
        cron=" 0  6 * * mon-fri ",
        zone="Europe/Berlin",
        start_at=date("2026-12-01T00:00", "Europe/Berlin"),
        end_at=date("2027-12-01T00:00-03:00", "Europe/Berlin"),
        times=100,
        overlap=Overlap.QUEUE,
        missed=Missed.ALL,
        deadline=HOUR,
        spread=300,
        from_file=True,
    )
    assert make(written) == ScheduleRecord(
        app="shop",
        name="daily",
        label="main",
        command=("python", "report.py"),
        cron="0 6 * * mon-fri",
        zone="Europe/Berlin",
        start_at=1_796_079_600,
        end_at=1_827_630_000,
        times=100,
        overlap=Overlap.QUEUE,
        missed=Missed.ALL,
        deadline=HOUR,
        spread=300,
        last=NOW,
        created=NOW,
        token="ada",
        from_file=True,
    )


def test_an_interval_needs_neither_zone_nor_expression() -> None:
    record = make(write(cron="", every=60))
    assert (record.every, record.cron, record.zone) == (60, "", "UTC")
    assert times.find_due(record) == int(NOW) + 60


@pytest.mark.parametrize(
    ("fields", "field", "wrong"),
    [
        ({"label": "Main"}, "label", "must be a label"),
        ({"job": "", "command": ()}, "job", "is missing, and so is command"),
        ({"command": ("true",)}, "command", "cannot go with job"),
        ({"job": "no name"}, "job", "must be the name of a job"),
        (NO_WORK | {"command": ("", "x")}, "command", "must begin with a program"),
        (NO_WORK | {"command": ("a", "b\0")}, "command", "no zero bytes"),
        (NO_WORK | {"command": ("a", "ö" * 4096)}, "command", "may have 8192 bytes"),
        (NO_WORK | {"command": ("a", "\ud800")}, "command", "cannot be encoded"),
        ({"every": 60}, "every", "cannot go with cron"),
        (NO_TIME, "cron", "is missing, and so is every"),
        ({"cron": "0 25 * * *"}, "cron", "has '25' as its hour"),
        ({"cron": "0 0 30 2 *"}, "cron", "never comes"),
        ({"zone": "Europe/Berln"}, "zone", "Did you mean Europe/Berlin"),
        ({"zone": "berlin"}, "zone", "Did you mean Europe/Berlin"),
        ({"zone": "../../etc/passwd"}, "zone", "is not the name of a time zone: "),
        ({"zone": "localtime"}, "zone", "is not the name of a time zone: "),
        (
            {"start_at": date("2027-01-02T00:00Z"), "end_at": date("2027-01-01T00:00Z")},
            "end_at",
            "is before start_at",
        ),
        ({"start_at": date("2037-01-01T00:00Z")}, "start_at", "within the next ten years"),
        ({"start_at": date("1066-10-14T09:00")}, "start_at", "must be after 1970"),
        ({"end_at": date("9999-12-31T23:59")}, "end_at", "within the next hundred years"),
        ({"end_at": date("2026-11-28T11:00Z")}, "end_at", "is before the next time"),
        ({"end_at": date("2020-01-01T00:00Z")}, "end_at", "is before the next time"),
    ],
)
def test_what_is_wrong_is_told_with_its_field(
    fields: dict[str, Any], field: str, wrong: str
) -> None:
    with pytest.raises(InvalidSettings) as refused:
        make(write(**fields))
    (problem,) = refused.value.problems
    assert problem.field == field
    assert wrong in problem.message


def test_all_problems_are_told_at_once() -> None:
    with pytest.raises(InvalidSettings) as refused:
        make(write(name="No Name", label="", cron="x", zone="x"))
    assert [problem.field for problem in refused.value.problems] == [
        "name",
        "label",
        "cron",
        "zone",
    ]


def test_a_moment_in_a_zone_that_nobody_knows_is_left_to_the_check() -> None:
    assert read_moment(datetime.datetime(2026, 12, 1), "Nowhere") is None  # noqa: DTZ001
    with pytest.raises(InvalidSettings, match="zone: is not the name of a time zone"):
        make(write(zone="Nowhere"))


BEFORE = dataclasses.replace(
    make(write()),
    last=NOW - 10 * HOUR,
    created=NOW - 99 * HOUR,
    count=3,
    paused=True,
    skipped=(SkippedTime(1_795_000_000, "The schedule was paused."),),
)


def test_a_change_of_what_it_does_keeps_what_was_decided() -> None:
    record = make(write(label="v1", overlap=Overlap.ALLOW), before=BEFORE)
    assert record == dataclasses.replace(BEFORE, label="v1", overlap=Overlap.ALLOW)


@pytest.mark.parametrize("fields", [{"cron": "0 7 * * *"}, {"zone": "Asia/Tokyo"}, {"times": 9}])
def test_a_change_of_its_times_makes_up_no_time_before_it(fields: dict[str, Any]) -> None:
    record = make(write(**fields), before=BEFORE)
    assert record.last == NOW
    assert (record.created, record.count, record.paused) == (BEFORE.created, 3, True)
    assert record.skipped == BEFORE.skipped


def test_a_schedule_that_has_ended_may_be_written_again_as_it_is() -> None:
    written = write(end_at=date("2026-11-20T00:00Z"), times=3)
    before = make(written, now=NOW - 30 * 86_400)
    before = dataclasses.replace(before, count=3)
    assert make(written, before=before) == before
    with pytest.raises(InvalidSettings, match="times: is 2, and 3 of its times"):
        make(write(times=2), before=before)
