import dataclasses
from typing import Any

from framework.preview import history
from framework.preview.history import ActivityEvent, History
from framework.schedules import fires
from framework.state.snapshot import Snapshot
from prevs.records import AppRecord
from prevs.schedules import ScheduleRecord, SkippedTime

NINE, HOUR = 1_795_942_800, 3600  # 2026-11-29 09:00 UTC
APPS = {"shop": AppRecord("shop", "/srv/shop")}
NIGHTLY = ScheduleRecord(
    "shop", "report", "main", "report", cron="0 * * * *", last=NINE - HOUR, count=1
)
BUSY = "Its job k4z7q2n5v3w6x2y7 had not ended."


def skip(schedule: ScheduleRecord, *whys: str) -> ScheduleRecord:
    """Return a schedule whose next times were skipped for these reasons."""
    new = [SkippedTime(int(schedule.last) + n * HOUR, why) for n, why in enumerate(whys, 1)]
    return dataclasses.replace(
        schedule, last=float(new[-1].nominal), skipped=(*schedule.skipped, *new)
    )


def fire(schedule: ScheduleRecord, **fields: Any) -> ScheduleRecord:
    """Return a schedule whose next time has made a job."""
    count = schedule.count + 1
    return dataclasses.replace(schedule, last=schedule.last + HOUR, count=count, **fields)


def note(before: ScheduleRecord | None, now: ScheduleRecord) -> list[ActivityEvent]:
    then, later = (
        Snapshot(APPS, {}, schedules={(one.app, one.name): one} if one else {})
        for one in (before, now)
    )
    return list(history.note(History("e"), then, later, 5.0).events)


def test_a_time_that_makes_no_job_is_an_event_with_the_reason() -> None:
    (event,) = note(NIGHTLY, skip(NIGHTLY, BUSY))
    assert (event.type, event.app, event.subject) == ("schedule", "shop", "report")
    said = "schedule report of shop made no job at 2026-11-29 09:00 UTC: its job k4z7q2n5v3w6x2y7"
    assert event.sentence == f"{said} had not ended"
    (event,) = note(NIGHTLY, skip(NIGHTLY, "Only the last.", "Only the last.", BUSY))
    assert "made no job at 3 times, last at 2026-11-29 11:00 UTC: its job" in event.sentence


def test_the_same_reason_is_told_once_until_a_time_makes_a_job_again() -> None:
    once = skip(NIGHTLY, BUSY)
    twice = skip(once, BUSY)
    assert note(once, twice) == []
    assert len(note(twice, skip(twice, "Its label leads nowhere."))) == 1
    fired = fire(twice)
    assert note(twice, fired) == []
    assert note(fired, fire(fired)) == []
    (event,) = note(fired, skip(fired, BUSY))
    assert "made no job at 2026-11-29 12:00 UTC" in event.sentence


def test_what_people_do_to_a_schedule_is_no_event() -> None:
    assert note(None, skip(NIGHTLY, BUSY)) == []
    paused = fires.pause(NIGHTLY)
    assert note(NIGHTLY, paused) == []
    resumed = fires.resume(paused, NINE + 2 * HOUR)
    assert len(resumed.skipped) == 3
    assert note(paused, resumed) == []
