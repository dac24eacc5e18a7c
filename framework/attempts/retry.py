"""What happens to a preview whose attempt ended by itself: it is tried again later, or it fails.

A function of values. A preview fails at once if every try would end in the same way. It is tried
again if the attempt was lost through no fault of the application, or if the application ended
after it had run. The pauses between tries grow. A loss for which the preview cannot be to blame is
not counted.
"""

import dataclasses

from framework.attempts.losses import Loss
from framework.units.lifecycle import Event
from framework.units.reasons import Reason, ReasonKind
from framework.units.transitions import Again, Failed
from prevs.records import Failure, PreviewRecord
from prevs.states import Cause, State

LOST_LIMIT = 5
"""How many losses in a row are tried again; the next one fails the preview."""
STEADY_SECONDS = 300.0
"""After an attempt has run for so long, the count of losses in a row begins again."""
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
        Cause.AGENT_OPEN,
    }
)
_CRASHES = frozenset(
    {Cause.APP_EXITED, Cause.COMPANION_FAILED, Cause.OUT_OF_MEMORY, Cause.UNHEALTHY}
)
# An unhealthy application may be on an agent that is unreachable, before Mesos has noticed that.
_AGENTS_FAULT = _NOBODYS_FAULT - {Cause.REPOSITORY_UNREACHABLE} | {Cause.UNHEALTHY}
_GONE = frozenset({Cause.TASK_LOST, Cause.EXECUTOR_FAILED})


def decide(
    preview: PreviewRecord, failure: Failure, now: float, loss: Loss = Loss.ALONE
) -> Failed | Again:
    """Return what happens to `preview`, whose attempt ended by itself at `now` (epoch seconds).

    `loss` is what went with the attempt.
    """
    ran = preview.state is State.RUNNING
    if failure.cause in _NOBODYS_FAULT:
        event = Event.LOST
    elif ran and failure.cause in _CRASHES:
        event = Event.TRIED_AGAIN
    else:
        return Failed(failure)
    seconds = now - (preview.started or now) if ran else 0.0
    before = 0 if seconds >= STEADY_SECONDS else preview.consecutive_losses
    if not loss.is_counted(seconds):
        avoided = preview.agent_id if loss.blames_agent else None
        return _start_again(failure, before, now, avoided)
    count = before + 1
    if count > LOST_LIMIT:
        message = _last(event, count, failure)
        return Failed(dataclasses.replace(failure, message=message), Event.GIVEN_UP, count)
    # Another agent is probably all right, so visitors of a preview that ran need not wait.
    wait = 0.0 if ran and count == 1 and failure.cause in _GONE else delay(count)
    return Again(
        event,
        count,
        retry_at=now + wait if wait else 0.0,
        avoid_agent=preview.agent_id if failure.cause in _AGENTS_FAULT else None,
        reason=Reason(ReasonKind.RETRY, _again(failure, count, wait)),
    )


def _start_again(failure: Failure, count: int, now: float, avoid_agent: str | None) -> Again:
    """Return the next try after a loss that is not counted."""
    wait = 0.0 if failure.cause in _GONE else FIRST_SECONDS
    return Again(
        Event.LOST,
        count,
        retry_at=now + wait if wait else 0.0,
        avoid_agent=avoid_agent,
        reason=Reason(
            ReasonKind.RETRY,
            f"{failure.message} It starts again {_when(wait)}; this loss does not count.",
        ),
    )


def delay(count: int) -> float:
    """Return the seconds between the end of the `count`th attempt in a row and the next one."""
    return min(LONGEST_SECONDS, FIRST_SECONDS * GROWTH ** (count - 1))


def _again(failure: Failure, count: int, wait: float) -> str:
    left = LOST_LIMIT + 1 - count
    times = "once more" if left == 1 else f"{left} more times in a row"
    return (
        f"{failure.message} It is tried again {_when(wait)}; if it ends like that {times}, it "
        "stays failed."
    )


def _when(wait: float) -> str:
    return f"in {wait:g} s" if wait else "at once"


def _last(event: Event, count: int, failure: Failure) -> str:
    if event is Event.TRIED_AGAIN:
        return f"{count} attempts in a row failed soon after they ran. The last: {failure.message}"
    return f"{count} attempts in a row were lost. The last: {failure.message}"
