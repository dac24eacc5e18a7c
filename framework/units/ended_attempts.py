"""The ended attempts of a unit: recorded when they end, found again by number. No I/O."""

import dataclasses
from typing import TypeVar

from framework.units import lifecycle
from prevs.jobs import JobRecord, JobState
from prevs.records import EndedAttempt, Failure, PreviewRecord, Step
from prevs.states import State

KEPT = 5
"""How many ended attempts a record keeps: it is read and written as a whole."""
LONGEST_WHY = 200

_Unit = TypeVar("_Unit", PreviewRecord, JobRecord)


def note(
    unit: PreviewRecord | JobRecord, failure: Failure | None, now: float
) -> tuple[EndedAttempt, ...]:
    """Return the kept attempts with the current one of `unit` added, which ends `now`.

    Without a failure, the attempt ended for the reason in the record.
    """
    why = failure.message if failure else unit.reason
    if len(why) > LONGEST_WHY:
        why = f"{why[: LONGEST_WHY - 1]}…"
    ended = EndedAttempt(
        number=_latest(unit),
        task_id=unit.task_id or "",
        began=_find_job_begin(unit) if isinstance(unit, JobRecord) else _find_begin(unit, now),
        ended=now,
        agent_id=unit.agent_id,
        agent_host=unit.agent_host,
        reached=_find_reached(unit),
        cause=failure.cause if failure else None,
        exit_code=failure.exit_code if failure else None,
        why=why,
    )
    return (*unit.attempts, ended)[-KEPT:]


def current(unit: PreviewRecord | JobRecord) -> int | None:
    """Return the number of the current attempt; None if there is none."""
    return _latest(unit) if lifecycle.has_task(unit.state) else None


def find_begin(preview: PreviewRecord) -> float:
    """Return when the current attempt of a preview was placed, or else the last one."""
    return _find_begin(preview, preview.changed)


def look_back(unit: _Unit, number: int) -> _Unit | None:
    """Return the unit as it was when an attempt ended, or as it is now for the current one.

    None if the attempt never existed or is no longer kept.
    """
    if number == current(unit):
        return unit
    found = next((one for one in unit.attempts if one.number == number), None)
    return as_it_ended(unit, found) if found else None


def as_it_ended(unit: _Unit, attempt: EndedAttempt) -> _Unit:
    """Return a unit with the fields of an ended attempt, so that its log is found.

    A preview's attempt whose last step is unknown counts as having run: then its log is not public.
    """
    then = dataclasses.replace(
        unit, task_id=attempt.task_id, agent_id=attempt.agent_id, agent_host=attempt.agent_host
    )
    if isinstance(then, JobRecord):
        return dataclasses.replace(then, state=JobState.FAILED)
    failure = Failure(attempt.cause, attempt.why, attempt.exit_code) if attempt.cause else None
    return dataclasses.replace(
        then,
        state=State.FAILED if failure else State.STOPPED,
        steps=(Step(attempt.reached or State.RUNNING.value, attempt.ended),),
        failure=failure,
        reason="" if failure else attempt.why,
        changed=attempt.ended,
    )


def _latest(unit: PreviewRecord | JobRecord) -> int:
    """Return the number of the latest attempt, which the kept ones do not have yet."""
    if isinstance(unit, JobRecord):
        return unit.tries
    return unit.attempts[-1].number + 1 if unit.attempts else 1


def _find_begin(preview: PreviewRecord, otherwise: float) -> float:
    """Return when an attempt was placed; the step before that is the wait in the queue."""
    placed = (step.began for step in preview.steps if step.name != State.QUEUED.value)
    return next(placed, otherwise)


def _find_job_begin(job: JobRecord) -> float:
    return job.began if job.began is not None else job.changed


def _find_reached(unit: PreviewRecord | JobRecord) -> str:
    """Return the last step that began."""
    if isinstance(unit, PreviewRecord):
        return unit.steps[-1].name if unit.steps else ""
    return JobState.RUNNING.value if unit.began is not None else unit.phase or unit.state.value
