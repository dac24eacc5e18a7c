"""What becomes of a preview whose attempt ended by itself: tried again, later and later, or failed.

A function of values. What would end the same way on every try fails at once. What was lost through
no fault of the application, and an application that ended after it had answered, is tried again.
"""

import dataclasses

from framework.preview.lifecycle import Event
from framework.preview.reasons import Reason, ReasonKind
from framework.preview.transitions import Failed, GivenUp, Outcome, TriedAgain
from prevs.records import Failure, PreviewRecord
from prevs.states import Cause, State

LOST_LIMIT = 5
"""How many tries in a row may end before the preview has failed with the next."""
STEADY_SECONDS = 300.0
"""An attempt that ran for so long was no failure in a row: what ended it is counted anew."""
FIRST_SECONDS = 1.0
GROWTH = 4.0
LONGEST_SECONDS = 60.0

_NOBODYS_FAULT = frozenset(
    {
        Cause.TASK_LOST,
        Cause.EXECUTOR_FAILED,
        Cause.DOCKER_UNAVAILABLE,
        Cause.REPOSITORY_UNREACHABLE,
        Cause.AGENT_UNFIT,
        Cause.REGISTRY_UNREACHABLE,
    }
)
_CRASHES = frozenset({Cause.APP_EXITED, Cause.OUT_OF_MEMORY, Cause.UNHEALTHY})
# Whoever could not reach what ran may not reach its agent, of which Mesos may not know yet.
_AGENTS_FAULT = _NOBODYS_FAULT - {Cause.REPOSITORY_UNREACHABLE} | {Cause.UNHEALTHY}
_GONE = frozenset({Cause.TASK_LOST, Cause.EXECUTOR_FAILED})


def decide(preview: PreviewRecord, failure: Failure, now: float) -> Outcome:
    """Return what becomes of `preview`, whose attempt ended at `now` (epoch seconds) by itself."""
    ran = preview.state is State.RUNNING
    if failure.cause in _NOBODYS_FAULT:
        event = Event.LOST
    elif ran and failure.cause in _CRASHES:
        event = Event.CRASHED
    else:
        return Failed(failure)
    steady = ran and now - (preview.started or now) >= STEADY_SECONDS
    count = 1 if steady else preview.consecutive_losses + 1
    if count > LOST_LIMIT:
        message = _last(event, count, failure)
        return GivenUp(dataclasses.replace(failure, message=message), count)
    # Nothing is known against another agent: visitors of what ran need not wait.
    wait = 0.0 if ran and count == 1 and failure.cause in _GONE else delay(count)
    return TriedAgain(
        event,
        count,
        not_before=now + wait if wait else 0.0,
        avoid=preview.agent_id if failure.cause in _AGENTS_FAULT else None,
        reason=Reason(ReasonKind.RETRY, _again(failure, count, wait)),
    )


def delay(count: int) -> float:
    """Return the seconds between the end of the `count`th attempt in a row and the next one."""
    return min(LONGEST_SECONDS, FIRST_SECONDS * GROWTH ** (count - 1))


def _again(failure: Failure, count: int, wait: float) -> str:
    when = f"in {wait:g} s" if wait else "at once"
    left = LOST_LIMIT + 1 - count
    times = "once more" if left == 1 else f"{left} more times in a row"
    return f"{failure.message} It is tried again {when}; if that ends so {times}, it stays failed."


def _last(event: Event, count: int, failure: Failure) -> str:
    if event is Event.CRASHED:
        return f"{count} attempts in a row failed soon after they ran. The last: {failure.message}"
    return f"{count} attempts in a row were lost. The last: {failure.message}"
