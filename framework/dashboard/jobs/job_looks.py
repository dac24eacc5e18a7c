"""What open pages about jobs look at, to know whether they are out of date."""

from collections.abc import Callable

from framework.dashboard.pages.page_context import PageContext
from framework.dashboard.session.sessions import Viewer
from framework.state.snapshot import Snapshot


class JobLooks:
    """Each look returns another value once its page is out of date; it is quick."""

    def __init__(self, context: PageContext) -> None:
        self._context = context

    def look_at_all(self, viewer: Viewer) -> object:
        """Return the jobs and schedules that a viewer sees, and why nothing can start."""
        snapshot, sees = self._context.schedules.snapshot, viewer.identity.sees
        if viewer.sees_all:
            return snapshot.jobs, _look_at_schedules(snapshot), self._context.ready()
        jobs = {key: job for key, job in snapshot.jobs.items() if sees(job.app)}
        return jobs, _look_at_schedules(snapshot, sees), self._context.ready()

    def look_at_app(self, app: str) -> object:
        """Return the jobs and schedules of an app, and why nothing can start."""
        snapshot = self._context.schedules.snapshot
        jobs = {key: job for key, job in snapshot.jobs.items() if job.app == app}
        schedules = _look_at_schedules(snapshot, lambda one: one == app)
        return jobs, schedules, self._context.ready()

    def look_at_job(self, app: str, job_id: str) -> object:
        """Return a job as it is shown, which has its place in the queue; None if it is gone."""
        job = self._context.jobs.snapshot.jobs.get((app, job_id))
        return job and self._context.job_presenter.show(job)


def _look_at_schedules(snapshot: Snapshot, sees: Callable[[str], bool] | None = None) -> object:
    """Return the schedules of the apps that somebody sees (None: all), and what is wrong there."""
    schedules, hindrances = snapshot.schedules, snapshot.hindrances
    troubles = snapshot.file_troubles
    if sees is None:
        return schedules, hindrances, troubles
    return (
        {key: one for key, one in schedules.items() if sees(key[0])},
        {key: why for key, why in hindrances.items() if sees(key[0])},
        {app: one for app, one in troubles.items() if sees(app)},
    )
