"""What open pages about jobs look at, to know whether they are out of date."""

from collections.abc import Mapping

from framework.dashboard.pages.page_context import PageContext
from framework.dashboard.session.sessions import Viewer
from framework.jobs.queued_jobs import JobKey
from prevs.jobs import JobRecord


class JobLooks:
    """Each look returns another value once its page is out of date; it is quick."""

    def __init__(self, context: PageContext) -> None:
        self._context = context

    def look_at_all(self, viewer: Viewer) -> object:
        """Return the jobs of the apps that a viewer sees, and why nothing can start."""
        jobs, sees = self._context.jobs.snapshot.jobs, viewer.identity.sees
        seen: Mapping[JobKey, JobRecord] = jobs
        if not viewer.sees_all:
            seen = {key: job for key, job in jobs.items() if sees(job.app)}
        return seen, self._context.ready()

    def look_at_app(self, app: str) -> object:
        """Return the jobs of an app, and why nothing can start."""
        jobs = self._context.jobs.snapshot.jobs
        return {key: job for key, job in jobs.items() if job.app == app}, self._context.ready()

    def look_at_job(self, app: str, job_id: str) -> object:
        """Return a job as it is shown, which has its place in the queue; None if it is gone."""
        job = self._context.jobs.snapshot.jobs.get((app, job_id))
        return job and self._context.job_presenter.show(job)
