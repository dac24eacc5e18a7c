"""In which order waiting jobs and previews get what is free. Pure.

Somebody waits for a preview that was requested, so it comes first. Then come jobs by their
priority. A job that waits rises by one step every ten minutes, up to the step below previews, so
none starves; within a step, the one that has waited longest comes first.
"""

from prevs.jobs import JobRecord

FIRST, LAST = 1, 5
"""The ranks of jobs: after previews that somebody waits for, before builds ahead."""

STEP_SECONDS = 600.0
_OF_PRIORITY = (LAST, 3, FIRST)


def rank(job: JobRecord, now: float) -> int:
    """Return the rank of a waiting job; the smallest comes first."""
    risen = int(max(0.0, now - job.created) // STEP_SECONDS)
    return max(FIRST, _OF_PRIORITY[job.terms.priority] - risen)
