"""Which jobs' ends are still to be told to a receiver, and how that ends. Pure."""

import dataclasses
import heapq
from collections.abc import Sequence

from prevs.jobs import ENDED, CallbackState, JobRecord

MOST = 10_000
"""How many callbacks of an app may wait: as many as there may be active jobs."""
TOO_MANY = "Too many callbacks waited, and this was the oldest."


def is_due(job: JobRecord) -> bool:
    """Return whether a job has ended and its receiver has not been told."""
    return (
        job.callback is not None
        and job.callback.state is CallbackState.WAITING
        and job.state in ENDED
    )


def settle(
    job: JobRecord, state: CallbackState, at: float, *, status: int | None, problem: str
) -> JobRecord:
    """Return a job whose callback needs no other try; `at` is when the last one was."""
    if job.callback is None:
        return job
    told = dataclasses.replace(job.callback, state=state, at=at, status=status, problem=problem)
    return dataclasses.replace(job, callback=told)


def find_excess(due: Sequence[JobRecord], most: int) -> Sequence[JobRecord]:
    """Return the oldest of an app's jobs whose callbacks are due: those beyond `most`."""
    return heapq.nsmallest(len(due) - most, due, key=lambda job: (job.changed, job.id))
