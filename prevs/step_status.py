"""The status of each step of an attempt, as every program shows it. Pure."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from typing import Optional

from prevs.states import State

Times = tuple[Optional[float], Optional[float]]
"""When a step began and ended, as in the API: None if it has not."""

_UNDER_WAY = frozenset(
    state.value for state in (State.QUEUED, State.PLACED, State.BUILDING, State.STARTING)
)


class StepStatus(enum.Enum):
    """Where a step is."""

    NEXT = "next"  # not begun; in an ended attempt: never reached
    NOW = "now"
    DONE = "done"
    SKIPPED = "skipped"  # not needed: a later one began without it
    FAILED = "failed"  # the attempt ended in it


def find_statuses(state: str, steps: Sequence[Times], changed: float | None) -> list[StepStatus]:
    """Return the status of each step of a preview's current or last attempt, in their order.

    `changed` is when the preview entered its `state`. An attempt that runs or has run has passed
    all its steps, however it ended.
    """
    begun = [at for at, (began, _) in enumerate(steps) if began is not None]
    last = begun[-1] if begun else -1
    has_run = state == State.RUNNING.value or (
        state not in _UNDER_WAY and last >= 0 and _ended_before(steps[last], changed)
    )
    statuses = []
    for at, (began, ended) in enumerate(steps):
        if began is None:
            status = StepStatus.SKIPPED if at < last or has_run else StepStatus.NEXT
        elif at < last or has_run:
            status = StepStatus.DONE
        elif state == State.FAILED.value:
            status = StepStatus.FAILED
        else:
            goes_on = ended is None and state in _UNDER_WAY
            status = StepStatus.NOW if goes_on else StepStatus.DONE
        statuses.append(status)
    return statuses


def _ended_before(step: Times, changed: float | None) -> bool:
    """Return whether the last step ended before the attempt did, so that the preview ran."""
    return step[1] is not None and changed is not None and step[1] < changed
