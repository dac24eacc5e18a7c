import dataclasses
from typing import Any

import pytest

from framework.dashboard.jobs.schedule_lines import show_app, show_next, spell_every, spell_local
from framework.http_api.jobs.job_presenter import JobPresenter
from framework.jobs import ids
from framework.state.snapshot import Snapshot
from prevs.job_settings import JobSettings
from prevs.jobs import JobRecord, JobState
from prevs.records import AppRecord
from prevs.schedules import ScheduleRecord, SkippedTime

HALF_PAST_TWO = 1_795_915_800  # 2026-11-29 02:30 in Berlin, a Sunday
DAY = 86_400
SHOW = JobPresenter(lambda: None, dict, lambda: 0.0, lambda *_: None).show


def schedule(name: str = "nightly", **fields: Any) -> ScheduleRecord:
    made = ScheduleRecord(
        "shop", name, "main", "report", cron="30 2 * * *", zone="Europe/Berlin", last=HALF_PAST_TWO
    )
    return dataclasses.replace(made, **fields)


def job(nominal: float | None, state: JobState = JobState.SUCCEEDED) -> JobRecord:
    job_id = ids.of_schedule("shop", "nightly", nominal or 0.0)
    terms = JobSettings(("work",))
    return JobRecord(
        "shop", job_id, "a" * 40, "main", terms, state, schedule="nightly", nominal=nominal
    )


def snapshot(*schedules: ScheduleRecord, jobs: tuple[JobRecord, ...] = ()) -> Snapshot:
    return Snapshot(
        {name: AppRecord(name, "/shop.git") for name in ("shop", "other")},
        {},
        jobs={(one.app, one.id): one for one in jobs},
        schedules={(one.app, one.name): one for one in schedules},
    )


def last_of(record: ScheduleRecord, *jobs: JobRecord) -> tuple[float, str, str] | None:
    """Return the last time of a schedule, its job's state ("?": not known) and why it has none."""
    [line] = show_app(snapshot(record, jobs=jobs), "shop", "", SHOW).lines
    last = line.last
    if last is None:
        return None
    if last.job_id:
        assert last.job_id == ids.of_schedule("shop", "nightly", last.at)
    state = "" if last.why else last.job.state.value if last.job else "?"
    return last.at, state, last.why


def test_the_last_time_has_its_job_or_why_there_is_none() -> None:
    assert last_of(schedule()) is None
    before, other = job(HALF_PAST_TWO - DAY), job(HALF_PAST_TWO, JobState.RUNNING)
    assert last_of(schedule(count=2), before, other, job(None)) == (HALF_PAST_TWO, "running", "")
    skipped = (SkippedTime(HALF_PAST_TWO, "No."),)
    assert last_of(schedule(count=1, skipped=skipped), before) == (HALF_PAST_TWO, "", "No.")


def test_a_job_that_only_a_block_has_is_the_last_one_too() -> None:
    skipped = (SkippedTime(HALF_PAST_TWO - DAY, "No."),)
    assert last_of(schedule(count=1, skipped=skipped)) == (HALF_PAST_TWO, "?", "")
    # It was resumed or written since, which is no time of it.
    resumed = schedule(count=1, skipped=skipped, last=HALF_PAST_TWO + 7.5)
    assert last_of(resumed) == (HALF_PAST_TWO - DAY, "", "No.")


def test_schedules_of_all_apps_come_in_the_order_of_their_next_times() -> None:
    late = schedule("a", cron="30 4 1 * *")
    soon = schedule("b", app="other")
    never = schedule("c", paused=True)
    broken = schedule("d", cron="so to say")
    hidden = schedule("e", app="gone")
    found = snapshot(never, broken, late, soon, hidden)
    shown = show_next(found, lambda _: True, SHOW, most=3)
    assert [line.schedule.name for line in shown.lines] == ["b", "a", "c"]
    assert shown.total == 4
    assert [one.local for one in shown.lines[0].next[:1]] == ["Mon 2026-11-30 02:30 CET"]
    assert shown.lines[2].next == []
    [line] = show_next(found, lambda app: app == "other", SHOW, most=3).lines
    assert line.when == "30 2 * * * in Europe/Berlin"


@pytest.mark.parametrize(
    ("zone", "shown"),
    [
        ("UTC", "Sun 2026-11-29 01:30:05 UTC"),
        ("Asia/Kathmandu", "Sun 2026-11-29 07:15:05 +0545"),
        ("Nowhere/Town", "Sun 2026-11-29 01:30:05 UTC"),
    ],
)
def test_a_time_is_what_a_clock_in_its_zone_shows(zone: str, shown: str) -> None:
    assert spell_local(HALF_PAST_TWO + 5, zone) == shown


def test_an_interval_has_the_unit_that_leaves_no_rest() -> None:
    spelt = [spell_every(seconds) for seconds in (86_400, 5400, 3600, 61)]
    assert spelt == ["every 1 d", "every 90 min", "every 1 h", "every 61 s"]
