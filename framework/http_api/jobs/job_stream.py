"""The log and the state of a job as server-sent events, and the wait for its end."""

import dataclasses
import time
from collections.abc import Awaitable, Callable

import anyio
import anyio.to_thread

from framework.errors import NotFound
from framework.http_api.jobs.job_models import Job
from framework.http_api.streams.attempt_stream import AttemptStream
from framework.http_api.streams.logs import Logs
from framework.service.jobs.job_service import Jobs
from prevs.jobs import ENDED, JobRecord, JobState

TICK_S = 0.1


class JobStream(AttemptStream[JobRecord, Job]):
    """The events of jobs. Belongs to the event loop's thread."""

    def __init__(
        self,
        jobs: Jobs,
        reads: Logs,
        show: Callable[[JobRecord], Job],
        *,
        apart: bool = False,
        pause: Callable[[float], Awaitable[None]] = anyio.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(reads, show, apart=apart, pause=pause, clock=clock)
        self._jobs = jobs

    async def look(self, record: JobRecord) -> JobRecord:
        """Return the job as it is now; it counts as cancelled if its app was removed."""
        try:
            return await find(self._jobs, record.app, record.id)
        except NotFound:
            return dataclasses.replace(
                record, state=JobState.CANCELLED, reason="The app was removed."
            )


async def find(jobs: Jobs, app: str, job_id: str) -> JobRecord:
    """Return a job; one that ended long ago without blocking the loop. Raises as Jobs.find."""
    known = jobs.snapshot.jobs.get((app, job_id))
    if known is not None and app in jobs.snapshot.apps:
        return known
    return await anyio.to_thread.run_sync(jobs.find, app, job_id)


async def wait(jobs: Jobs, job: JobRecord, seconds: float) -> JobRecord:
    """Return a job once it has ended, or as it is after so many seconds. Raises as Jobs.find."""
    with anyio.move_on_after(seconds):
        while seconds and job.state not in ENDED:
            await anyio.sleep(TICK_S)
            job = await find(jobs, job.app, job.id)
    return job
