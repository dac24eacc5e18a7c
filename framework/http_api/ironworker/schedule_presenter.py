"""Schedules as IronWorker shows them. Pure."""

from framework.errors import InvalidSettings
from framework.http_api.ironworker.models import Schedule
from framework.http_api.ironworker.task_presenter import show_time
from framework.schedules import times
from prevs.schedules import ScheduleRecord


def show(schedule: ScheduleRecord) -> Schedule:
    """Return a schedule; a moment that there is not is null."""
    following = _find_next(schedule)
    status = "complete" if following is None else "scheduled"
    return Schedule(
        id=schedule.name,
        project_id=schedule.app,
        code_name=schedule.job,
        status="paused" if schedule.paused else status,
        msg=schedule.skipped[-1].why if schedule.skipped else "",
        start_at=_show(schedule.start_at),
        end_at=_show(schedule.end_at),
        next_start=_show(following),
        last_run_time=_show(schedule.last if schedule.count else None),
        run_every=schedule.every or None,
        run_times=schedule.times or None,
        run_count=schedule.count,
        created_at=show_time(schedule.created),
    )


def _find_next(schedule: ScheduleRecord) -> int | None:
    try:
        return None if times.has_ended(schedule) else next(times.iterate(schedule, schedule.last))
    except (StopIteration, InvalidSettings):
        return None


def _show(moment: float | None) -> str | None:
    return None if moment is None else show_time(moment)
