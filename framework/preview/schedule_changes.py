"""What has happened to schedules, as events for people. Pure.

That a time makes a job is an event of the job. That it makes none is one here, told once as long as
the reason stays the same: a schedule may come each minute, and the history keeps a thousand events.
"""

import datetime
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from framework.preview.reason_clauses import give_reason
from prevs.schedules import ScheduleRecord, SkippedTime


class ScheduleChange(NamedTuple):
    """What happened to a schedule of an app."""

    app: str
    sentence: str
    name: str


def describe(
    changed: Iterable[tuple[ScheduleRecord | None, ScheduleRecord]],
) -> Iterator[ScheduleChange]:
    """Yield what happened, from each schedule that is new or was replaced, and the one before."""
    for before, now in changed:
        # Whoever has paused it knows that no job came meanwhile.
        if before is not None and not before.paused and (skipped := _find_news(before, now)):
            yield ScheduleChange(now.app, _tell(now, skipped), now.name)


def _find_news(before: ScheduleRecord, now: ScheduleRecord) -> list[SkippedTime]:
    """Return the times that were skipped, unless the time before was for the same reason."""
    last = before.skipped[-1] if before.skipped else None
    known = last.nominal if last else 0
    new = [one for one in now.skipped if one.nominal > known]
    goes_on = last is not None and last.nominal == before.last
    return [] if goes_on and {one.why for one in new} == {last.why if last else ""} else new


def _tell(schedule: ScheduleRecord, skipped: list[SkippedTime]) -> str:
    name, last = f"schedule {schedule.name} of {schedule.app}", skipped[-1]
    at = f"{datetime.datetime.fromtimestamp(last.nominal, datetime.UTC):%Y-%m-%d %H:%M} UTC"
    if len(skipped) == 1:
        return f"{name} made no job at {at}{give_reason(last.why)}"
    return f"{name} made no job at {len(skipped)} times, last at {at}{give_reason(last.why)}"
