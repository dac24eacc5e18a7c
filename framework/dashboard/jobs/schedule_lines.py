"""Schedules as lines of a page: when they make jobs, and what the last time has come to. Pure."""

import datetime
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from framework.errors import InvalidSettings
from framework.http_api.jobs.job_models import Job
from framework.http_api.schedules import schedule_presenter
from framework.http_api.schedules.schedule_models import FileTrouble, Schedule
from framework.jobs import ids
from framework.schedules import times, zones
from framework.state.jobs.schedule_records import ScheduleKey
from framework.state.snapshot import Snapshot
from prevs.jobs import JobRecord
from prevs.schedules import ScheduleRecord

MOST = 200
"""How many schedules a page lists."""
_UNITS = ((86_400, "d"), (3600, "h"), (60, "min"), (1, "s"))


class Time(NamedTuple):
    """A time of a schedule, and what a clock in its zone shows then.

    One that has come has made the job `job_id`, or says `why` it has made none. `job` is None if
    only a block has it any more.
    """

    at: float
    local: str
    why: str = ""
    job_id: str = ""
    job: Job | None = None


class ScheduleLine(NamedTuple):
    """A schedule as pages show it: `when` it makes jobs, in words, and times.

    It makes none before it `begins` and after it `ends`; "" if there is no such limit.
    `skipped` are the last times that have made no job, the newest first.
    """

    schedule: Schedule
    when: str
    begins: str
    ends: str
    next: Sequence[Time]
    last: Time | None
    skipped: Sequence[Time]


class ShownSchedules(NamedTuple):
    """The schedules that a page shows, of `total`; `trouble` is why those of a file do not hold."""

    lines: Sequence[ScheduleLine] = ()
    total: int = 0
    trouble: FileTrouble | None = None


ShowJob = Callable[[JobRecord], Job]


def show_app(snapshot: Snapshot, app: str, name: str, show_job: ShowJob) -> ShownSchedules:
    """Return an app's schedules, or the one of that name alone."""
    known = [one for one in snapshot.list_schedules(app) if name in ("", one.name)]
    lines = _show(known[:MOST], snapshot, show_job)
    trouble = schedule_presenter.show_trouble(snapshot, app)
    return ShownSchedules(lines, len(known), trouble)


def show_next(
    snapshot: Snapshot, sees: Callable[[str], bool], show_job: ShowJob, *, most: int
) -> ShownSchedules:
    """Return the first schedules of the apps that somebody sees, by their next times."""
    seen = [one for one in snapshot.list_schedules() if sees(one.app)]
    seen.sort(key=_find_due)
    return ShownSchedules(_show(seen[:most], snapshot, show_job), len(seen))


def _show(
    shown: Sequence[ScheduleRecord], snapshot: Snapshot, show_job: ShowJob
) -> Sequence[ScheduleLine]:
    made = _find_last_jobs(shown, snapshot.jobs.values())
    active = {
        app: schedule_presenter.find_active(snapshot, app) for app in {one.app for one in shown}
    }
    lines = []
    for one in shown:
        schedule = schedule_presenter.show(one, snapshot, active[one.app])
        lines.append(_make_line(one, schedule, made.get((one.app, one.name)), show_job))
    return lines


def spell_every(seconds: int) -> str:
    """Return an interval in its largest unit that leaves no rest: "every 90 min"."""
    size, unit = next(one for one in _UNITS if seconds % one[0] == 0)
    return f"every {seconds // size} {unit}"


def spell_local(at: float, zone: str) -> str:
    """Return what a clock in a zone shows: "Mon 2026-11-30 02:30 CET"; in UTC if it is unknown."""
    try:
        known: datetime.tzinfo = zones.read(zone)
    except InvalidSettings:
        known = datetime.UTC
    moment = datetime.datetime.fromtimestamp(at, known)
    clock = "%H:%M:%S" if moment.second else "%H:%M"
    return f"{moment:%a %Y-%m-%d} {moment.strftime(clock)} {moment:%Z}"


def _make_line(
    record: ScheduleRecord, schedule: Schedule, made: JobRecord | None, show_job: ShowJob
) -> ScheduleLine:
    zone = record.zone
    return ScheduleLine(
        schedule,
        spell_every(record.every) if record.every else f"{record.cron} in {zone}",
        spell_local(record.start_at, zone) if record.start_at is not None else "",
        spell_local(record.end_at, zone) if record.end_at is not None else "",
        [Time(one.at, spell_local(one.at, zone)) for one in schedule.next],
        _find_last(record, made, show_job),
        [Time(one.at, spell_local(one.at, zone), one.why) for one in schedule.skipped],
    )


def _find_last(record: ScheduleRecord, made: JobRecord | None, show_job: ShowJob) -> Time | None:
    """Return the last time that was decided; None if none was."""
    skipped = {one.nominal: one.why for one in record.skipped}
    known = [*skipped, *([made.nominal] if made is not None and made.nominal else ())]
    at = max(known, default=0.0)
    if record.count and record.last > at and _is_time(record, record.last):
        at = record.last  # only a block has its job
    if not at:
        return None
    time = Time(at, spell_local(at, record.zone), skipped.get(math.floor(at), ""))
    if time.why:
        return time
    job = show_job(made) if made is not None and made.nominal == at else None
    return time._replace(job=job, job_id=ids.of_schedule(record.app, record.name, at))


def _is_time(record: ScheduleRecord, at: float) -> bool:
    """Return whether a moment is a time of a schedule, and not when somebody wrote it."""
    try:
        return next(times.iterate(record, at - 1), None) == at
    except InvalidSettings:
        return False


def _find_last_jobs(
    schedules: Iterable[ScheduleRecord], jobs: Iterable[JobRecord]
) -> Mapping[ScheduleKey, JobRecord]:
    """Return the job of the last time of each schedule that has one among some jobs."""
    wanted = {(one.app, one.name) for one in schedules}
    found: dict[ScheduleKey, JobRecord] = {}
    made = (job for job in jobs if job.nominal is not None and (job.app, job.schedule) in wanted)
    for job in sorted(made, key=lambda job: job.nominal or 0.0):
        found[job.app, job.schedule] = job
    return found


def _find_due(schedule: ScheduleRecord) -> float:
    """Return when the next time is due, infinity if there is none."""
    try:
        due = times.find_due(schedule)
    except InvalidSettings:
        return math.inf
    return math.inf if due is None else due
