"""The blocks of ended jobs, read when somebody asks for them. Owned by the service's thread."""

from collections.abc import Iterable, Mapping, Sequence

from framework.jobs import ended_jobs
from framework.ports.jobs import JobsRecord, JobStore
from prevs.jobs import EndedJobsRecord, JobRecord, PayloadRecord, ResultRecord


class JobArchive:
    """The blocks of every app. `numbers` are those in the store, by app."""

    def __init__(self, numbers: Mapping[str, Sequence[int]], store: JobStore) -> None:
        self._store = store
        self._last = {app: max(known) for app, known in numbers.items() if known}
        self._unread = {app: sorted(known) for app, known in numbers.items()}
        self._blocks: dict[str, list[EndedJobsRecord]] = {}
        self._by_id: dict[str, dict[str, JobRecord]] = {}

    def jobs_of(self, app: str) -> Sequence[JobRecord]:
        """Return an app's jobs in blocks, the oldest first. Reads the blocks the first time."""
        return [job for block in self._of(app) for job in block.jobs]

    def find(self, app: str, job_id: str) -> JobRecord | None:
        """Return a job in a block; None if there is none."""
        # A request asks for a thousand ids at once.
        if app not in self._by_id:
            self._by_id[app] = {job.id: job for job in self.jobs_of(app)}
        return self._by_id[app].get(job_id)

    def take(self, app: str, ended: Iterable[JobRecord], now: float) -> Sequence[JobRecord]:
        """Move ended jobs into a block if there are enough; return those that moved.

        Blocks that are no longer kept go with the same write.
        """
        archived = ended_jobs.archive(app, ended, self._last.get(app, 0))
        if archived is None:
            return ()
        blocks = [*self._of(app), archived.block]
        kept = ended_jobs.keep(blocks, now)
        gone = [block for block in blocks if block not in kept]
        payloads = [payload_of(job) for job in archived.moved if job.has_payload]
        removed: list[JobsRecord] = [*archived.moved, *payloads, *gone]
        for block in gone:
            removed += find_belongings(block.jobs)
        self._store.write([archived.block], deleted=removed)
        self._last[app] = archived.block.number
        self._blocks[app] = list(kept)
        self._by_id.pop(app, None)
        return archived.moved

    def remove_of(self, app: str) -> None:
        """Remove all blocks of an app."""
        for block in tuple(self._of(app)):
            self._store.write([], deleted=[block, *find_belongings(block.jobs)])
            self._blocks[app].remove(block)
            self._by_id.pop(app, None)
        self._last.pop(app, None)

    def _of(self, app: str) -> list[EndedJobsRecord]:
        if app in self._unread:
            read = [self._store.block(app, number) for number in self._unread[app]]
            self._blocks[app] = [block for block in read if block is not None]
            del self._unread[app]
        return self._blocks.setdefault(app, [])


def payload_of(job: JobRecord) -> PayloadRecord:
    """Return a record in whose place a job's payload is, to remove it."""
    return PayloadRecord(job.app, job.id, "")


def find_belongings(jobs: Iterable[JobRecord]) -> Sequence[JobsRecord]:
    """Return records in whose places the payloads and results of jobs are, to remove them."""
    found: list[JobsRecord] = []
    for job in jobs:
        if job.has_payload:
            found.append(payload_of(job))
        if job.result_size and not job.result:
            found.append(ResultRecord(job.app, job.id, ""))
    return found
