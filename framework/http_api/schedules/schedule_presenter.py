"""Schedules as the API shows them, from their records."""

import datetime
import itertools
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from framework.apps.manifest import declared
from framework.errors import InvalidSettings
from framework.http_api.jobs import job_presenter
from framework.http_api.models.preview_models import Mistake
from framework.http_api.schedules import schedule_models as models
from framework.schedules import times, zones
from framework.state.snapshot import Snapshot
from prevs.jobs import ENDED, JobRecord
from prevs.schedules import ScheduleRecord

_NEXT = 3

ActiveJobs = Mapping[str, Sequence[JobRecord]]
"""The jobs of an app that have not ended, by schedule."""


def find_active(snapshot: Snapshot, app: str) -> ActiveJobs:
    """Return the jobs that schedules of an app have made and that have not ended, newest first."""
    found: defaultdict[str, list[JobRecord]] = defaultdict(list)
    made = (job for job in snapshot.jobs.values() if job.app == app and job.schedule)
    active = (job for job in made if job.state not in ENDED)
    for job in sorted(active, key=lambda job: -job.created):
        found[job.schedule].append(job)
    return found


def show(schedule: ScheduleRecord, snapshot: Snapshot, active: ActiveJobs) -> models.Schedule:
    """Return a schedule with its next times and its active jobs."""
    following = show_times(schedule, _NEXT)
    return models.Schedule(
        app=schedule.app,
        name=schedule.name,
        label=schedule.label,
        job=schedule.job or None,
        command=list(schedule.command) or None,
        **declared.show(schedule),
        delay=times.find_delay(schedule),
        paused=schedule.paused,
        reason=following.reason,
        hindrance=snapshot.hindrances.get((schedule.app, schedule.name), ""),
        next=following.times,
        last=schedule.last,
        count=schedule.count,
        skipped=[
            models.SkippedTime(at=one.nominal, why=one.why) for one in reversed(schedule.skipped)
        ],
        active=[_show_job(job) for job in active.get(schedule.name, ())],
        created=schedule.created,
        by=schedule.token or None,
        from_file=schedule.from_file,
    )


def show_trouble(snapshot: Snapshot, app: str) -> models.FileTrouble | None:
    """Return why schedules of an app's file do not hold, None if all do."""
    trouble = snapshot.file_troubles.get(app)
    if trouble is None:
        return None
    mistakes = [Mistake(line=one.line, message=one.message) for one in trouble.mistakes]
    return models.FileTrouble(
        label=trouble.label, commit=trouble.sha, why=trouble.why, mistakes=mistakes
    )


def show_times(schedule: ScheduleRecord, most: int) -> models.ScheduledTimes:
    """Return the next times of a schedule, at most so many, or why there are none."""
    try:
        found, reason = list(_find_next(schedule, most)), ""
        zone: datetime.tzinfo = zones.read(schedule.zone)
    except InvalidSettings as exc:
        found, reason, zone = [], f"This version cannot read its times: {exc}", datetime.UTC
    if not found and not reason:
        reason = _tell_end(schedule)
    return models.ScheduledTimes(
        zone=schedule.zone, times=[_show_time(time, zone) for time in found], reason=reason
    )


def _find_next(schedule: ScheduleRecord, most: int) -> Iterable[int]:
    if schedule.paused:
        return ()
    left = schedule.times - schedule.count if schedule.times else most
    return itertools.islice(times.iterate(schedule, schedule.last), max(0, min(left, most)))


def _tell_end(schedule: ScheduleRecord) -> str:
    """Return why a schedule has no next time."""
    if schedule.paused:
        return (
            f"It is paused. `prevs schedule resume {schedule.app} {schedule.name}` lets it go on."
        )
    if times.has_ended(schedule):
        return f"It has made all of its {schedule.times} jobs."
    return "Its end has come."


def _show_time(time: int, zone: datetime.tzinfo) -> models.ScheduledTime:
    at = datetime.datetime.fromtimestamp(time, datetime.UTC)
    return models.ScheduledTime(
        at=time,
        utc=at.isoformat().replace("+00:00", "Z"),
        local=at.astimezone(zone).isoformat(),
    )


def _show_job(job: JobRecord) -> models.ActiveJob:
    return models.ActiveJob(
        id=job.id, state=job.state, nominal=job.nominal, url=job_presenter.path(job)
    )
