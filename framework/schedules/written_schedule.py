"""A schedule as people write it, and the check that makes a record of it. Pure."""

import dataclasses
import datetime
import enum
import math
from collections.abc import Iterator

from framework.errors import InvalidSettings, Problem
from framework.schedules import cron, times, zones
from prevs.names import is_label
from prevs.schedules import Missed, Overlap, ScheduleRecord

_YEAR = 366 * 86_400
SHORTEST, LONGEST = 60, _YEAR
"""Seconds of an interval."""
LONGEST_SPREAD = 3600
LONGEST_COMMAND = 8 * 1024
"""Bytes of a command with its arguments."""
MOST_TIMES = 1_000_000
_OF_TIMES = ("cron", "every", "zone", "start_at", "end_at", "times")
"""The fields that say when."""


@dataclasses.dataclass(frozen=True)
class WrittenSchedule:
    """The settings of a schedule, as ScheduleRecord has them; "", () and 0 are left out.

    A `start_at` or `end_at` without an offset is what a clock in `zone` shows.
    """

    label: str
    job: str = ""
    command: tuple[str, ...] = ()
    cron: str = ""
    every: int = 0
    zone: str = "UTC"
    start_at: datetime.datetime | None = None
    end_at: datetime.datetime | None = None
    times: int = 0
    overlap: str = Overlap.SKIP.value
    missed: str = Missed.LAST.value
    deadline: float = 0.0
    spread: float = 0.0
    convention: str = ""
    payload: bytes | None = dataclasses.field(default=None, repr=False)


def check(
    app: str,
    name: str,
    written: WrittenSchedule,
    *,
    now: float,
    token: str,
    from_file: bool = False,
    before: ScheduleRecord | None = None,
) -> ScheduleRecord:
    """Return the record of a schedule that was written at `now`: no time before is made up.

    Who stores it seals the payload.
    It goes on where the record `before` of that name was, if that has the same times. Raises
    InvalidSettings with all problems.
    """
    problems = [
        Problem(field, problem) for field, problem in _find_problems(name, written, now) if problem
    ]
    if problems:
        raise InvalidSettings(problems)
    record = _make_record(app, name, written, now=now, token=token, from_file=from_file)
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


def _make_record(
    app: str, name: str, written: WrittenSchedule, *, now: float, token: str, from_file: bool
) -> ScheduleRecord:
    """Return the record of a schedule without a mistake."""
    return ScheduleRecord(
        app=app,
        name=name,
        label=written.label,
        job=written.job,
        command=written.command,
        cron=" ".join(written.cron.split()),
        every=written.every,
        zone=written.zone,
        start_at=_read_moment(written.start_at, written.zone),
        end_at=_read_moment(written.end_at, written.zone),
        times=written.times,
        overlap=Overlap(written.overlap),
        missed=Missed(written.missed),
        deadline=written.deadline,
        spread=written.spread,
        last=now,
        created=now,
        token=token,
        from_file=from_file,
        convention=written.convention,
    )


def _check_first(record: ScheduleRecord) -> ScheduleRecord:
    """Return the schedule if a time of it will come. Raises InvalidSettings."""
    if times.has_ended(record):
        wrong = f"is {record.times}, and {record.count} of its times have made a job already"
        raise InvalidSettings([Problem("times", wrong)])
    if next(times.iterate(record, record.last), None) is None:
        wrong = "is before the next time of the schedule. Choose a later end, or none."
        raise InvalidSettings([Problem("end_at", wrong)])
    return record


def _find_problems(
    name: str, written: WrittenSchedule, now: float
) -> Iterator[tuple[str, str | None]]:
    """Yield each field with what is wrong with it, or None."""
    yield "name", None if is_label(name) else "must be 1 to 63 of a-z, 0-9 and -, no - at an end"
    yield "label", None if is_label(written.label) else "must be a label, as in an address: main"
    yield _find_work_problem(written)
    yield _find_times_problem(written)
    zone_problem = zones.find_problem(written.zone)
    yield "zone", zone_problem
    if zone_problem is None:
        yield from _find_span_problems(written, now)
    yield "times", _find_outside(written.times, 0, MOST_TIMES)
    yield "overlap", _find_unknown(written.overlap, Overlap)
    yield "missed", _find_unknown(written.missed, Missed)
    yield "deadline", _find_outside(written.deadline, 0, LONGEST)
    yield "spread", _find_outside(written.spread, 0, LONGEST_SPREAD)


def _find_work_problem(written: WrittenSchedule) -> tuple[str, str | None]:
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


def _find_times_problem(written: WrittenSchedule) -> tuple[str, str | None]:
    if written.cron and written.every:
        return "every", "cannot go with cron. Leave one of them out."
    if written.cron:
        return "cron", cron.find_problem(written.cron)
    if written.every:
        return "every", _find_outside(written.every, SHORTEST, LONGEST)
    return "cron", "is missing, and so is every. Write an expression, or a number of seconds."


def _find_span_problems(written: WrittenSchedule, now: float) -> Iterator[tuple[str, str | None]]:
    start = _read_moment(written.start_at, written.zone)
    end = _read_moment(written.end_at, written.zone)
    if start is not None and not 0 <= start <= now + 10 * _YEAR:
        yield "start_at", "must be after 1970 and within the next ten years"
    if end is not None and end > now + 100 * _YEAR:
        yield "end_at", "must be within the next hundred years. Leave it out for no end."
    if start is not None and end is not None and end < start:
        yield "end_at", "is before start_at"


def _read_moment(value: datetime.datetime | None, zone: str) -> int | None:
    """Return the seconds since the epoch."""
    if value is None:
        return None
    if value.tzinfo is None:
        value = value.replace(tzinfo=zones.read(zone))
    return math.floor(value.timestamp())


def _find_outside(value: float, least: int, most: int) -> str | None:
    return None if least <= value <= most else f"must be from {least} to {most}, not {value}"


def _find_unknown(value: str, kind: type[enum.Enum]) -> str | None:
    known = [member.value for member in kind]
    return None if value in known else f"must be {', '.join(known)}, not {value[:60]!r}"
