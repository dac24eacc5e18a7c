"""Jobs as tasks. Pure."""

from collections.abc import Mapping
from datetime import UTC, datetime

from framework.http_api.ironworker.models import Task
from prevs.jobs import ENDED, JobRecord, JobState
from prevs.states import Cause

_STATUSES: Mapping[JobState, str] = {
    JobState.QUEUED: "queued",
    JobState.PLACED: "preparing",
    JobState.BUILDING: "preparing",
    JobState.RUNNING: "running",
    # It may still succeed, and clients wait while it is running.
    JobState.ENDING: "running",
    JobState.SUCCEEDED: "complete",
    JobState.FAILED: "error",
    JobState.CANCELLED: "cancelled",
}


def show_status(job: JobRecord) -> str:
    """Return the status that a job has as a task."""
    if job.state is JobState.FAILED and job.failure and job.failure.cause is Cause.TIMED_OUT:
        return "timeout"
    return _STATUSES[job.state]


def show(job: JobRecord) -> Task:
    """Return a job as a task."""
    ended = job.changed if job.state in ENDED else None
    return Task(
        id=job.id,
        project_id=job.app,
        code_id=job.name,
        code_name=job.name,
        code_history_id=job.sha,
        code_rev=job.sha,
        status=show_status(job),
        msg=job.failure.message if job.failure else job.progress.message or job.reason,
        percent=job.progress.percent,
        label=job.group or None,
        priority=job.terms.priority,
        timeout=round(job.terms.timeout),
        run_times=job.tries,
        duration=_count_ms(job) if ended else 0,
        created_at=show_time(job.created),
        updated_at=show_time(job.changed),
        start_time=None if job.began is None else show_time(job.began),
        end_time=None if ended is None else show_time(ended),
    )


def _count_ms(job: JobRecord) -> int:
    """Return how long an ended job ran; agents' clocks may be ahead of ours."""
    return 0 if job.began is None else max(0, round(1000 * (job.changed - job.began)))


def show_time(seconds: float) -> str:
    """Return a time, in seconds since the epoch, as IronWorker writes it."""
    text = datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")
