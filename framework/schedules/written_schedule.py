"""The check of a schedule that people have written: what does not go together in it. Pure."""

import dataclasses
import datetime
import math
from collections.abc import Iterator

from framework.errors import InvalidSettings, Problem
from framework.schedules import cron, times, zones
from prevs.names import is_label
from prevs.schedules import WHEN, ScheduleRecord

_YEAR = 366 * 86_400
LONGEST_COMMAND = 8 * 1024
"""Bytes of a command with its arguments."""
_OF_TIMES = (*WHEN, "times")


def check(
    written: ScheduleRecord, *, now: float, before: ScheduleRecord | None = None
) -> ScheduleRecord:
    """Return the record of a schedule that somebody wrote at `now`: no time before is made up.

    Each of its settings is within the bounds that it declares. It goes on where the record `before`
    of that name was, if that has the same times. Raises InvalidSettings with all problems.
    """
    problems = [
        Problem(field, problem) for field, problem in _find_problems(written, now) if problem
    ]
    if problems:
        raise InvalidSettings(problems)
    record = dataclasses.replace(
        written, cron=" ".join(written.cron.split()), last=now, created=now
    )
    if before is None:
        return _check_first(record)
    record = dataclasses.replace(
        record,
        created=before.created,
        paused=before.paused,
        count=before.count,
        skipped=before.skipped,
    )
    if all(getattr(record, field) == getattr(before, field) for field in _OF_TIMES):
        return dataclasses.replace(record, last=before.last)
    return _check_first(record)


def read_moment(value: datetime.datetime | None, zone: str) -> int | None:
    """Return the seconds since the epoch. Without an offset, it is what a clock in `zone` shows.

    None in a zone that nobody knows, which `check` refuses.
    """
    if value is None or (value.tzinfo is None and zones.find_problem(zone)):
        return None
    if value.tzinfo is None:
        value = value.replace(tzinfo=zones.read(zone))
    return math.floor(value.timestamp())


def _check_first(record: ScheduleRecord) -> ScheduleRecord:
    """Return the schedule if a time of it will come. Raises InvalidSettings."""
    if times.has_ended(record):
        wrong = f"is {record.times}, and {record.count} of its times have made a job already"
        raise InvalidSettings([Problem("times", wrong)])
    if next(times.iterate(record, record.last), None) is None:
        wrong = "is before the next time of the schedule. Choose a later end, or none."
        raise InvalidSettings([Problem("end_at", wrong)])
    return record


def _find_problems(written: ScheduleRecord, now: float) -> Iterator[tuple[str, str | None]]:
    """Yield each field with what is wrong with it, or None."""
    is_name = is_label(written.name)
    yield "name", None if is_name else "must be 1 to 63 of a-z, 0-9 and -, no - at an end"
    yield "label", None if is_label(written.label) else "must be a label, as in an address: main"
    yield _find_work_problem(written)
    yield _find_times_problem(written)
    zone_problem = zones.find_problem(written.zone)
    yield "zone", zone_problem
    if zone_problem is None:
        yield from _find_span_problems(written, now)


def _find_work_problem(written: ScheduleRecord) -> tuple[str, str | None]:
    if written.job and written.command:
        return "command", "cannot go with job. Leave one of them out."
    if written.job:
        return "job", None if is_label(written.job) else "must be the name of a job of the commit"
    if not written.command:
        return "job", "is missing, and so is command. Name a job of the commit, or write a command."
    if not written.command[0] or "\0" in "".join(written.command):
        return "command", "must begin with a program, and have no zero bytes"
    try:
        size = sum(len(part.encode()) for part in written.command)
    except UnicodeEncodeError:
        return "command", "cannot be encoded as UTF-8"
    if size > LONGEST_COMMAND:
        return "command", f"may have {LONGEST_COMMAND} bytes. Put a longer one into a script."
    return "command", None


def _find_times_problem(written: ScheduleRecord) -> tuple[str, str | None]:
    if written.cron and written.every:
        return "every", "cannot go with cron. Leave one of them out."
    if written.cron:
        return "cron", cron.find_problem(written.cron)
    if written.every:
        return "every", None
    return "cron", "is missing, and so is every. Write an expression, or a number of seconds."


def _find_span_problems(written: ScheduleRecord, now: float) -> Iterator[tuple[str, str | None]]:
    start, end = written.start_at, written.end_at
    if start is not None and not 0 <= start <= now + 10 * _YEAR:
        yield "start_at", "must be after 1970 and within the next ten years"
    if end is not None and end > now + 100 * _YEAR:
        yield "end_at", "must be within the next hundred years. Leave it out for no end."
    if start is not None and end is not None and end < start:
        yield "end_at", "is before start_at"
