"""What a receiver is told of the end of a job."""

from framework.http_api.jobs import job_presenter
from framework.preview import job_changes
from prevs.event_kinds import CALLBACK
from prevs.jobs import JobRecord


def write(job: JobRecord) -> dict[str, object]:
    """Return the body of a job's callback: how it has ended, and where the API has the rest.

    It has neither the payload and the result nor the command: a receiver may be anywhere.
    """
    failure = job.failure
    return {
        "type": CALLBACK.name,
        "id": job.id,
        "app": job.app,
        "commit": job.sha,
        "label": job.label,
        "name": job.name or None,
        "state": job.state.value,
        "failure": {"cause": failure.cause.value, "message": failure.message} if failure else None,
        "exit_code": job.exit_code,
        "group": job.group or None,
        "created": job.created,
        "began": job.began,
        "ended": job.changed,
        "tries": job.tries,
        "result_size": job.result_size,
        "url": job_presenter.path(job),
        "sentence": job_changes.describe_end(job),
    }
