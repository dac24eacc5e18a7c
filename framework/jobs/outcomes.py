"""What becomes of a job whose attempt ended: it succeeded, starts again, or failed.

A function of values. What is lost through nobody's fault starts again and uses up no retry; what
the application fails is tried again as often as the job says. A job that runs once never starts
again once its command may have begun.
"""

import dataclasses
import hashlib

from framework.units.lifecycle import Event
from framework.units.reasons import Reason, ReasonKind
from framework.units.transitions import Again, Ended, Failed
from prevs.jobs import JobRecord, JobState
from prevs.records import Failure
from prevs.states import Cause, Phase

LOST_LIMIT = 10
"""How many losses in a row are tried again; the next one fails the job."""
LOSS_SECONDS = 1.0
LOSS_GROWTH = 4.0
LONGEST_LOSS_SECONDS = 60.0
LONGEST_DELAY_SECONDS = 3600.0
JITTER = 0.2
"""The share of a delay by which it is longer or shorter, so that a group does not begin at once."""

NOBODYS_FAULT = frozenset(
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
_APPLICATIONS = frozenset(
    {
        Cause.APP_EXITED,
        Cause.OUT_OF_MEMORY,
        Cause.DISK_FULL,
        Cause.COMPANION_FAILED,
        Cause.HOOK_FAILED,
        Cause.PREVIEW_STOPPED,
    }
)
_UNSEEN = frozenset({Cause.TASK_LOST, Cause.EXECUTOR_FAILED})
"""After these nobody knows whether the command had begun."""


def decide(
    job: JobRecord,
    failure: Failure,
    now: float,
    *,
    until: float = 0.0,
    never_began: bool = False,
    is_counted: bool = True,
) -> Failed | Again | Ended:
    """Return what becomes of `job`, whose attempt ended without success at `now`.

    A job that must not run twice at a time starts again at `until` at the earliest: then an
    attempt that nobody has seen end has ended by its own time limit. If it `never_began`, nobody
    need have seen that. A loss for which the job cannot be to blame is not `is_counted`.
    """
    # If docker goes away while it starts a container, that may have started.
    # What starts before the command, a companion or a hook, is reported with a detail.
    is_starting = job.phase == Phase.STARTING.value and not job.detail
    has_begun = job.began is not None or is_starting
    is_unseen = failure.cause in _UNSEEN and not never_began
    may_have_run = has_begun or is_unseen
    if job.state is JobState.ENDING:
        return _end(job, failure, may_have_run=may_have_run)
    is_late = failure.cause is Cause.PREVIEW_STOPPED and job.began is None
    if failure.cause in NOBODYS_FAULT or is_late:
        if job.terms.once and may_have_run:
            return Failed(_never_again(failure))
        earliest = until if is_unseen and job.terms.exclusive else now
        return _lost(job, failure, (now, earliest), is_counted=is_counted)
    if failure.cause in _APPLICATIONS and not job.terms.once and _may_retry(job, failure):
        return _try_again(job, failure, now)
    return Failed(failure)


def delay(job: JobRecord, failures: int) -> float:
    """Return the seconds between the application's `failures`th failure and the next attempt."""
    wait = min(LONGEST_DELAY_SECONDS, job.terms.delay * 2.0 ** min(failures - 1, 32))
    digest = hashlib.sha256(f"{job.app}/{job.id}/{failures}".encode()).digest()
    return wait * (1 + JITTER * (digest[0] / 127.5 - 1))


def loss_delay(losses: int) -> float:
    """Return the seconds between the `losses`th loss in a row and the next attempt."""
    return min(LONGEST_LOSS_SECONDS, LOSS_SECONDS * LOSS_GROWTH ** min(losses - 1, 32))


def _end(job: JobRecord, failure: Failure, *, may_have_run: bool) -> Failed | Again | Ended:
    """Return what becomes of a job whose task was to end."""
    if not job.starts_again:
        return Ended(wanted=False)
    if job.terms.once and may_have_run:
        return Failed(_never_again(failure))
    return Ended(wanted=True)


def _lost(
    job: JobRecord, failure: Failure, times: tuple[float, float], *, is_counted: bool
) -> Failed | Again | Ended:
    """Return what becomes of a lost job; `times` are now, and when it may start again at first."""
    now, earliest = times
    losses = job.consecutive_losses + is_counted
    if losses > LOST_LIMIT:
        message = f"{losses} attempts in a row were lost. The last: {failure.message}"
        return Failed(dataclasses.replace(failure, message=message), Event.GIVEN_UP)
    wait = loss_delay(losses) if is_counted else 0.0
    retry_at = max(now + wait, earliest)
    avoids = failure.cause not in (Cause.REPOSITORY_UNREACHABLE, Cause.PREVIEW_STOPPED)
    return Again(
        Event.LOST,
        failures=job.failures,
        losses=losses,
        retry_at=retry_at,
        avoid_agent=job.agent_id if avoids and is_counted else None,
        reason=_retry(f"{failure.message} It starts again in {_seconds(retry_at - now)}."),
    )


def _may_retry(job: JobRecord, failure: Failure) -> bool:
    code = failure.exit_code
    if code in job.terms.no_retry:
        return False
    return job.failures < job.terms.retries and (
        not job.terms.retry_only or code in job.terms.retry_only
    )


def _try_again(job: JobRecord, failure: Failure, now: float) -> Again:
    failures = job.failures + 1
    wait = delay(job, failures)
    return Again(
        Event.TRIED_AGAIN,
        failures=failures,
        losses=0,
        retry_at=now + wait,
        avoid_agent=None,
        reason=_retry(
            f"{failure.message} It is tried again in {_seconds(wait)}: "
            f"retry {failures} of {job.terms.retries}."
        ),
    )


def _never_again(failure: Failure) -> Failure:
    message = (
        f"{failure.message} Its command may have run, and the job says `once`, so it is not "
        "started again."
    )
    return dataclasses.replace(failure, message=message)


def _retry(text: str) -> Reason:
    return Reason(ReasonKind.RETRY, text)


def _seconds(seconds: float) -> str:
    return f"{seconds:.0f} s"
