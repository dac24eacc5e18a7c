"""What a schedule does when times of it have come. Pure.

A time is *due*, and then decided once: it makes a job, or is skipped with the reason. It is *late*
if nothing decided for a minute after it was due, as when no framework led.

    of several due times    `missed` says which may make jobs: the last one, the last one unless it
                            is late, or all (the last 24)
    of those                the ones that are more than `deadline` late are skipped
    of those, in order      `overlap` says what the jobs mean that have not ended, also those that
                            the times before have just made

The caller writes the changed record and the new jobs in one transaction. A job's id is made of app,
schedule and time, so that no time has two jobs, even if somebody decides again by an older record.
With Overlap.QUEUE the caller also lets only one job of the schedule run at a time.
"""

import dataclasses
import enum
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from framework.schedules import times
from prevs.schedules import Missed, Overlap, ScheduleRecord, SkippedTime

MOST_MADE_UP = 24
MOST_SKIPPED = 10
"""How many skipped times a record keeps."""
LATE_SECONDS = 60.0
"""Longer than it takes until another framework leads; no two times are nearer to each other."""
_ROOM = {Overlap.SKIP: 1, Overlap.QUEUE: 2}
"""How many jobs of a schedule may be active."""


class ActiveJob(NamedTuple):
    """A job of a schedule that has not ended, and its time; None if somebody started it."""

    id: str
    nominal: float | None


class Outcome(enum.Enum):
    """What a due time has come to."""

    MADE = "made"  # a job
    MADE_UP = "made-up"  # a job, though late
    OVERLAP = "overlap"  # none, for the jobs of other times
    MISSED = "missed"  # none, as it was late
    REFUSED = "refused"  # none, as it could not be made


_NONE: Mapping[int, Outcome] = MappingProxyType({})


class Decision(NamedTuple):
    """The changed schedule, the times that make a job, and the ids of the jobs to cancel.

    `skipped` are the due times that make no job, of many the last ones. `outcomes` are those of all
    these times.
    """

    schedule: ScheduleRecord
    fires: tuple[int, ...] = ()
    replaced: tuple[str, ...] = ()
    skipped: tuple[SkippedTime, ...] = ()
    outcomes: Mapping[int, Outcome] = _NONE


def decide(
    schedule: ScheduleRecord, now: float, active: Sequence[ActiveJob], *, hindrance: str = ""
) -> Decision:
    """Return what the due times do; the same schedule if none is. `active` are its jobs.

    `hindrance` is why a due time could not make its job yet, as a sentence. A clock that was put
    back makes none due again. Raises InvalidSettings as times.iterate.
    """
    if schedule.paused or times.has_ended(schedule):
        return Decision(schedule)
    moment = now - times.find_delay(schedule)
    due = times.list_last(schedule, schedule.last, moment, MOST_MADE_UP + MOST_SKIPPED)
    if not due:
        return Decision(schedule)
    missed = _find_missed(schedule, due, moment, hindrance)
    reasons = dict(missed)
    wanted = [time for time in due if time not in missed]
    if schedule.overlap is Overlap.REPLACE:
        why = "A later time was due with it, and takes its place (overlap is replace)."
        reasons |= dict.fromkeys(wanted[:-1], why)
        wanted = wanted[-1:]
    fires, count = _fire(schedule, wanted, active, reasons)
    skipped = tuple(SkippedTime(time, reasons[time]) for time in due if time in reasons)
    changed = dataclasses.replace(
        schedule, last=due[-1], count=count, skipped=_keep(schedule, skipped)
    )
    replaces = schedule.overlap is Overlap.REPLACE and bool(wanted)
    replaced = tuple(job.id for job in active if replaces and job.nominal not in wanted)
    outcomes = dict.fromkeys(reasons, Outcome.OVERLAP) | dict.fromkeys(missed, Outcome.MISSED)
    outcomes |= {time: _name_made(moment - time) for time in fires}
    return Decision(changed, tuple(fires), replaced, skipped, outcomes)


def refuse(schedule: ScheduleRecord, decision: Decision, why: str) -> Decision:
    """Return the decision about a schedule if the jobs of its times cannot be made: none is."""
    refused = [SkippedTime(time, why) for time in decision.fires]
    skipped = tuple(sorted((*decision.skipped, *refused), key=lambda one: one.nominal))
    changed = dataclasses.replace(
        decision.schedule,
        count=decision.schedule.count - len(refused),
        skipped=_keep(schedule, skipped),
    )
    outcomes = {**decision.outcomes, **dict.fromkeys(decision.fires, Outcome.REFUSED)}
    return Decision(changed, skipped=skipped, outcomes=outcomes)


def pause(schedule: ScheduleRecord) -> ScheduleRecord:
    """Return a schedule that makes no jobs until it is resumed."""
    return dataclasses.replace(schedule, paused=True)


def resume(schedule: ScheduleRecord, now: float) -> ScheduleRecord:
    """Return a paused schedule as it goes on. The times during the pause are skipped.

    Raises InvalidSettings as times.iterate.
    """
    if not schedule.paused:
        return schedule
    passed = times.list_last(schedule, schedule.last, now, MOST_SKIPPED)
    skipped = [SkippedTime(time, "The schedule was paused.") for time in passed]
    return dataclasses.replace(
        schedule, paused=False, last=max(schedule.last, now), skipped=_keep(schedule, skipped)
    )


def _find_missed(
    schedule: ScheduleRecord, due: Sequence[int], moment: float, hindrance: str
) -> Mapping[int, str]:
    """Return the due times that make no job, whatever its jobs do, and why."""
    return {
        time: _tell_missed(moment - time, hindrance, why)
        for time in due
        if (why := _find_reason(schedule, due, time, moment - time))
    }


def _name_made(late: float) -> Outcome:
    return Outcome.MADE_UP if late >= LATE_SECONDS else Outcome.MADE


def _find_reason(
    schedule: ScheduleRecord, due: Sequence[int], time: int, late: float
) -> str | None:
    """Return why a due time makes no job, whatever its jobs do; None if it may make one."""
    if schedule.missed is Missed.NONE and late >= LATE_SECONDS:
        return "No missed time is made up (missed is none)."
    if schedule.missed is Missed.LAST and time != due[-1]:
        return "Only the last one of missed times is made up (missed is last)."
    if time not in due[-MOST_MADE_UP:]:
        return f"Only the last {MOST_MADE_UP} missed times are made up (missed is all)."
    if 0 < schedule.deadline < late:
        return f"That is more than its deadline, {schedule.deadline:g} seconds."
    return None


def _tell_missed(late: float, hindrance: str, why: str) -> str:
    missed = f"It was missed: nothing could start for {late:.0f} seconds."
    return " ".join(filter(None, (missed, hindrance, why)))


def _fire(
    schedule: ScheduleRecord,
    wanted: Iterable[int],
    active: Sequence[ActiveJob],
    reasons: dict[int, str],
) -> tuple[Sequence[int], int]:
    """Return the times that make a job, and how many have; add to `reasons` why others do not."""
    room = _ROOM.get(schedule.overlap)
    there = [f"its job {job.id}" for job in active]
    made = {job.nominal for job in active}
    fires, count = [], schedule.count
    for time in wanted:
        if 0 < schedule.times <= count:
            break
        if time in made:
            count += 1
        elif room is not None and len(there) >= room:
            reasons[time] = _tell_overlap(schedule.overlap, there[-1])
        else:
            fires.append(time)
            there.append("the job of the time before")
            count += 1
    return fires, count


def _tell_overlap(overlap: Overlap, job: str) -> str:
    if overlap is Overlap.QUEUE:
        return (
            f"Two jobs of it had not ended, at last {job}, and one may wait, not more (overlap is "
            "queue). With allow they run side by side."
        )
    return (
        f"When it was due, {job} had not ended (overlap is skip). With queue, replace or allow "
        "the time makes a job all the same."
    )


def _keep(schedule: ScheduleRecord, skipped: Iterable[SkippedTime]) -> tuple[SkippedTime, ...]:
    """Return what the record keeps of skipped times, with new ones."""
    return (*schedule.skipped, *skipped)[-MOST_SKIPPED:]
