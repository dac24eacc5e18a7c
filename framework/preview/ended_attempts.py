"""The attempts of a preview that are over: noted at their end, found again by number. No I/O."""

import dataclasses

from framework.preview import lifecycle
from prevs.records import EndedAttempt, Failure, PreviewRecord, Step
from prevs.states import State

KEPT = 5
"""How many a record has: it is read and written as a whole."""
LONGEST_WHY = 200


def note(preview: PreviewRecord, failure: Failure | None, now: float) -> tuple[EndedAttempt, ...]:
    """Return the last ones with that of `preview`, which ends `now`.

    Without a failure it was ended for the reason that the record has.
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
    """Return the number of the attempt that goes on, None where none does."""
    return _next(preview) if preview.state in lifecycle.WITH_TASK else None


def find_begin(preview: PreviewRecord) -> float:
    """Return when the attempt that goes on, or the last one, was placed."""
    return _find_begin(preview, preview.changed)


def look_back(preview: PreviewRecord, number: int) -> PreviewRecord | None:
    """Return the preview as it was at the end of an attempt, or as it is while that goes on.

    None where there is no such attempt, or none any more.
    """
    if number == current(preview):
        return preview
    found = next((one for one in preview.attempts if one.number == number), None)
    return as_it_ended(preview, found) if found else None


def as_it_ended(preview: PreviewRecord, attempt: EndedAttempt) -> PreviewRecord:
    """Return a preview with what it had of an attempt that is over, so that its log is found.

    Where it is not known how far that came, it counts as come to run: its log is not for everybody.
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
    """Return when an attempt was placed; its steps begin with the wait for that."""
    placed = (step.began for step in preview.steps if step.name != State.QUEUED.value)
    return next(placed, otherwise)
