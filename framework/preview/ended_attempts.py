"""The ended attempts of a preview: recorded when they end, found again by number. No I/O."""

import dataclasses

from framework.units import lifecycle
from prevs.records import EndedAttempt, Failure, PreviewRecord, Step
from prevs.states import State

KEPT = 5
"""How many ended attempts a record keeps: it is read and written as a whole."""
LONGEST_WHY = 200


def note(preview: PreviewRecord, failure: Failure | None, now: float) -> tuple[EndedAttempt, ...]:
    """Return the kept attempts with the current one of `preview` added, which ends `now`.

    Without a failure, the attempt ended for the reason in the record.
    """
    why = failure.message if failure else preview.reason
    if len(why) > LONGEST_WHY:
        why = f"{why[: LONGEST_WHY - 1]}…"
    ended = EndedAttempt(
        number=_next(preview),
        task_id=preview.task_id or "",
        began=_find_begin(preview, now),
        ended=now,
        agent_id=preview.agent_id,
        agent_host=preview.agent_host,
        reached=preview.steps[-1].name if preview.steps else "",
        cause=failure.cause if failure else None,
        exit_code=failure.exit_code if failure else None,
        why=why,
    )
    return (*preview.attempts, ended)[-KEPT:]


def current(preview: PreviewRecord) -> int | None:
    """Return the number of the current attempt; None if there is none."""
    return _next(preview) if preview.state in lifecycle.WITH_TASK else None


def find_begin(preview: PreviewRecord) -> float:
    """Return when the current attempt was placed, or else the last one."""
    return _find_begin(preview, preview.changed)


def look_back(preview: PreviewRecord, number: int) -> PreviewRecord | None:
    """Return the preview as it was when an attempt ended, or as it is now for the current one.

    None if the attempt never existed or is no longer kept.
    """
    if number == current(preview):
        return preview
    found = next((one for one in preview.attempts if one.number == number), None)
    return as_it_ended(preview, found) if found else None


def as_it_ended(preview: PreviewRecord, attempt: EndedAttempt) -> PreviewRecord:
    """Return a preview with the fields of an ended attempt, so that its log is found.

    An attempt whose last step is unknown counts as having run: then its log is not public.
    """
    failure = Failure(attempt.cause, attempt.why, attempt.exit_code) if attempt.cause else None
    return dataclasses.replace(
        preview,
        state=State.FAILED if failure else State.STOPPED,
        task_id=attempt.task_id,
        agent_id=attempt.agent_id,
        agent_host=attempt.agent_host,
        steps=(Step(attempt.reached or State.RUNNING.value, attempt.ended),),
        failure=failure,
        reason="" if failure else attempt.why,
        changed=attempt.ended,
    )


def _next(preview: PreviewRecord) -> int:
    return preview.attempts[-1].number + 1 if preview.attempts else 1


def _find_begin(preview: PreviewRecord, otherwise: float) -> float:
    """Return when an attempt was placed; the step before that is the wait in the queue."""
    placed = (step.began for step in preview.steps if step.name != State.QUEUED.value)
    return next(placed, otherwise)
