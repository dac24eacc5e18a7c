"""How other threads read and change the service's jobs."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from framework.events import call
from framework.service.jobs.job_commands import JobCommands
from framework.service.service import Service
from framework.state.snapshot import Snapshot
from prevs.jobs import JobRecord

T = TypeVar("T")


class Jobs:
    """The service's jobs as other threads see them. Thread safe; see ServiceClient.

    The snapshot has those that have not ended, and of each app the last hundred or more that have.
    """

    def __init__(self, service: Service) -> None:
        self._service = service

    @property
    def snapshot(self) -> Snapshot:
        """All apps and jobs, as last published."""
        return self._service.snapshot

    def command(self, command: Callable[[JobCommands], T]) -> T:
        """Run a command on the service's thread; return its result, or raise its error."""
        return call(self._service.inbox.put, lambda: command(self._service.job_commands))

    def find(self, app: str, job_id: str) -> JobRecord:
        """Return a job, also from the archive; reading the archive may block.

        Raises UnknownApp, UnknownJob.
        """
        snapshot = self.snapshot
        snapshot.app(app)
        known = snapshot.jobs.get((app, job_id))
        return known or self.command(lambda commands: commands.find(app, job_id))

    def of_app(self, app: str) -> Sequence[JobRecord]:
        """Return all jobs of an app that are kept, also those that ended days ago. It may block.

        Raises UnknownApp.
        """
        snapshot = self.snapshot
        snapshot.app(app)
        known = [job for job in snapshot.jobs.values() if job.app == app]
        archived = self.command(lambda commands: commands.list_archived(app))
        # A job may have moved into a block just now.
        return list({job.id: job for job in (*archived, *known)}.values())
