"""Runs of schedules beside their times: each request makes one job, over any change of leaders."""

from collections.abc import Callable

import anyio.to_thread

from framework.access import Identity
from framework.http_api.jobs.job_resolver import JobResolver
from framework.http_api.schedules.schedule_writing import check_caller
from framework.jobs import ids
from framework.service.jobs.schedule_service import Schedules
from prevs.jobs import JobRecord


class ScheduleRuns:
    """Makes the jobs of schedules now. Belongs to the event loop's thread.

    `new_key` returns a text that was never used.
    """

    def __init__(
        self, schedules: Schedules, resolver: JobResolver, new_key: Callable[[], str]
    ) -> None:
        self._schedules = schedules
        self._resolver = resolver
        self._new_key = new_key

    async def run(self, app: str, name: str, caller: Identity, key: str) -> JobRecord:
        """Return the job that a schedule makes now; the same `key` again returns the same job.

        Raises NeedsAdmin, what JobResolver.find_lead raises, and what ScheduleCommands.run raises.
        """
        snapshot, by = self._schedules.snapshot, caller.name
        record, schedule = snapshot.app(app), snapshot.schedule(app, name)
        check_caller(caller, schedule)
        job_id = ids.of_run(app, by, key or self._new_key(), name)
        lead = await self._resolver.find_lead(record, schedule.label)
        return await anyio.to_thread.run_sync(
            self._schedules.command,
            lambda commands: commands.run(schedule, lead, by=by, id=job_id),
        )
