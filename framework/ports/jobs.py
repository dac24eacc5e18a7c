"""What the framework needs from the store of jobs."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple, Protocol

from prevs.jobs import EndedJobsRecord, JobRecord, PayloadRecord, ResultRecord
from prevs.schedules import ScheduleRecord

JobsRecord = JobRecord | EndedJobsRecord | PayloadRecord | ResultRecord | ScheduleRecord
"""The records of jobs and schedules. Only the leading framework writes them."""


class StoredJobs(NamedTuple):
    """The schedules and the jobs in the store, and in which blocks of each app others are."""

    jobs: Sequence[JobRecord] = ()
    blocks: Mapping[str, Sequence[int]] = MappingProxyType({})
    schedules: Sequence[ScheduleRecord] = ()


class JobStore(Protocol):
    """The records of jobs. Every call blocks and raises as those of Store."""

    def load(self) -> StoredJobs:
        """Read all schedules, and the jobs that are in no block; no payloads, results, blocks."""
        ...

    def write(self, records: Sequence[JobsRecord], *, deleted: Sequence[JobsRecord] = ()) -> None:
        """Write some records and remove others in one round trip, all or none."""
        ...

    def payload(self, app: str, job_id: str) -> PayloadRecord | None:
        """Read what a job's command gets; None if there is none, or it cannot be read."""
        ...

    def result(self, app: str, job_id: str) -> ResultRecord | None:
        """Read what a job's command left; None if there is none, or it cannot be read."""
        ...

    def block(self, app: str, number: int) -> EndedJobsRecord | None:
        """Read a block of ended jobs; None if there is none, or it cannot be read."""
        ...
