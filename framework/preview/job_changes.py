"""What has happened to jobs, as events for people. Pure.

Jobs come by the thousand, and the history keeps a thousand events. So what happens to several jobs
of an app at once is one event, and a job that runs or succeeds is none.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from framework.preview.reason_clauses import give_reason
from prevs.jobs import JobRecord, JobState

_TOLD = {
    JobState.QUEUED: ("was requested", "were requested"),
    JobState.FAILED: ("failed", "failed"),
    JobState.CANCELLED: ("was cancelled", "were cancelled"),
}


_ENDED = {
    JobState.SUCCEEDED: "has succeeded",
    JobState.FAILED: "failed",
    JobState.CANCELLED: "was cancelled",
}


class JobChange(NamedTuple):
    """What happened to jobs of an app; `first` is one of them."""

    app: str
    sentence: str
    first: JobRecord


def describe(changed: Iterable[tuple[JobRecord | None, JobRecord]]) -> Iterator[JobChange]:
    """Yield what happened, from each job that is new or was replaced, and the one before it."""
    alike: dict[tuple[str, JobState], list[JobRecord]] = {}
    for before, now in changed:
        is_news = before is None if now.state is JobState.QUEUED else _has_turned(before, now)
        if is_news and now.state in _TOLD:
            alike.setdefault((now.app, now.state), []).append(now)
    for (app, state), jobs in alike.items():
        one, several = _TOLD[state]
        first = min(jobs, key=lambda job: (job.created, job.id))
        what = f"{_name(first)} {one}{give_reason(_find_why(first))}"
        if len(jobs) > 1:
            what = f"{len(jobs):,} jobs of {app} {several}; one of them: {what}"
        yield JobChange(app, what, first)


def describe_end(job: JobRecord) -> str:
    """Return how a job has ended."""
    told = _ENDED.get(job.state, f"is {job.state.value}")
    return f"{_name(job)} {told}{give_reason(_find_why(job))}"


def _has_turned(before: JobRecord | None, now: JobRecord) -> bool:
    return before is None or before.state is not now.state


def _name(job: JobRecord) -> str:
    what = job.name or job.terms.command[0]
    return f"job {job.id} of {job.app} ({what} at {job.label})"


def _find_why(job: JobRecord) -> str:
    return job.failure.message if job.failure else job.reason
