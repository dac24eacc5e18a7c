"""The ended attempts of a job: recorded when they end, found again by number. No I/O."""

import dataclasses

from framework.units.lifecycle import JOB_WITH_TASK
from prevs.jobs import JobRecord, JobState
from prevs.records import EndedAttempt, Failure

KEPT = 5
"""How many ended attempts a record keeps: it is read and written as a whole."""
LONGEST_WHY = 200


def note(job: JobRecord, failure: Failure | None, now: float) -> tuple[EndedAttempt, ...]:
    """Return the kept attempts with the current one of `job` added, which ends `now`."""
    why = failure.message if failure else job.reason
    if len(why) > LONGEST_WHY:
        why = f"{why[: LONGEST_WHY - 1]}…"
    ended = EndedAttempt(
        number=job.tries,
        task_id=job.task_id or "",
        began=job.began if job.began is not None else job.changed,
        ended=now,
        agent_id=job.agent_id,
        agent_host=job.agent_host,
        reached=JobState.RUNNING.value if job.began is not None else job.phase or job.state.value,
        cause=failure.cause if failure else None,
        exit_code=failure.exit_code if failure else None,
        why=why,
    )
    return (*job.attempts, ended)[-KEPT:]


def look_back(job: JobRecord, number: int) -> JobRecord | None:
    """Return the job as it was when an attempt ended, or as it is now for the current one.

    None if the attempt never existed or is no longer kept.
    """
    if number == job.tries and job.state in JOB_WITH_TASK:
        return job
    found = next((one for one in job.attempts if one.number == number), None)
    return as_it_ended(job, found) if found else None


def as_it_ended(job: JobRecord, attempt: EndedAttempt) -> JobRecord:
    """Return a job with the fields of an ended attempt, so that its log is found."""
    return dataclasses.replace(
        job,
        state=JobState.FAILED,
        task_id=attempt.task_id,
        agent_id=attempt.agent_id,
        agent_host=attempt.agent_host,
    )
