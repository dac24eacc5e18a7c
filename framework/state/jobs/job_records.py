"""The jobs in memory, written through to their store. Owned by the service's thread.

As for previews, the store is written first: if the write raises, memory is unchanged, and
`rewrite_unconfirmed` makes the store equal to memory again.
"""

import math
from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence

import structlog

from framework.clock import Clock
from framework.jobs import callbacks, ended_jobs, transitions
from framework.jobs.conventions import IRONWORKER
from framework.jobs.errors import UnknownJob
from framework.jobs.queued_jobs import JobKey, QueuedJobs
from framework.ports.jobs import JobsRecord, JobStore, StoredJobs
from framework.preview.shared_map import SharedMap
from framework.state.jobs import job_archive
from framework.state.jobs.job_archive import JobArchive, payload_of
from framework.state.jobs.job_index import JobIndex
from framework.state.jobs.schedule_records import ScheduleRecords, key_of
from framework.units.lifecycle import JOB_WITH_TASK
from framework.units.transitions import Transition
from prevs.jobs import ENDED, JobRecord, JobState, PayloadRecord, ResultRecord
from prevs.schedules import ScheduleRecord

_DONE = (JobState.SUCCEEDED, JobState.CANCELLED)
"""The states in which a job's payload is removed. A failed job may be asked for again, and one of a
client of IronWorker in any state, until it is in a block."""

_Known = JobRecord | ScheduleRecord

log = structlog.get_logger(__name__)

EXPIRY_LOOK_SECONDS = 60.0
"""How often jobs are looked for that are kept no longer: a week is long enough."""
_AT_ONCE = 300
_MOST_BYTES = 500_000
"""Records and bytes of records in one write: ZooKeeper allows a megabyte."""


class JobRecords:
    """All active jobs, those that ended lately, and access to the archive; and all `schedules`."""

    def __init__(self, stored: StoredJobs, store: JobStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._index = JobIndex(stored.jobs)
        self._archive = JobArchive(stored.blocks, store)
        self._unconfirmed: dict[tuple[Hashable, ...], Sequence[_Known]] = {}
        self.schedules = ScheduleRecords(stored.schedules, store)
        self._paid = {_key(job): job for job in self._index.in_state(*_DONE) if _is_paid(job)}
        self._shown = SharedMap(self._index.all)
        self._put: dict[JobKey, JobRecord] = {}
        self._gone: set[JobKey] = set()
        self._to_archive = {job.app for job in self._index.in_state(*ENDED)}
        self._expiry_look = -math.inf

    @property
    def shown(self) -> Mapping[JobKey, JobRecord]:
        """All jobs except those in blocks, as a value that never changes."""
        if self._put or self._gone:
            self._shown = self._shown.change(self._put, self._gone)
            self._put, self._gone = {}, set()
        return self._shown

    @property
    def queued(self) -> QueuedJobs:
        """The queued jobs in order; changes with the records."""
        return self._index.queued

    def in_state(self, *states: JobState) -> Collection[JobRecord]:
        """Return the jobs in one of some states."""
        return self._index.in_state(*states)

    def with_task(self) -> Collection[JobRecord]:
        """Return the jobs whose current attempt's task may exist."""
        return self._index.in_state(*JOB_WITH_TASK)

    def of_app(self, app: str) -> Collection[JobRecord]:
        """Return the jobs of an app that are in no block."""
        return self._index.of_app(app)

    def of_group(self, app: str, group: str) -> Collection[JobRecord]:
        """Return the jobs of an app that were requested together, except those in blocks."""
        return self._index.of_group(app, group)

    def of_schedule(self, app: str, schedule: str) -> Collection[JobRecord]:
        """Return the jobs that a schedule has made, except those in blocks."""
        return self._index.of_schedule(app, schedule)

    def with_due_callback(self) -> Collection[JobRecord]:
        """Return the jobs of whose end a receiver is still to be told."""
        return self._index.with_due_callback()

    def of_task(self, task_id: str) -> JobRecord | None:
        """Return the job whose current attempt has that task."""
        return self._index.of_task(task_id)

    def has_task(self, task_id: str) -> bool:
        """Return whether a task belongs to the current attempt of a job."""
        return self._index.of_task(task_id) is not None

    def freed_since(self, at: float) -> Sequence[JobRecord]:
        """Return the jobs whose attempts ended since then, each as it was right after that."""
        return self._index.freed_since(at)

    def counts(self) -> Mapping[JobState, int]:
        """Return how many jobs are in each state."""
        return self._index.counts()

    def archived(self, app: str) -> Sequence[JobRecord]:
        """Return the jobs of an app that are in blocks, the oldest first. May read the store."""
        return self._archive.jobs_of(app)

    def find(self, app: str, job_id: str) -> JobRecord | None:
        """Return a job; None if there is none, or it ended too long ago. May read the store."""
        found = self._index.all.get((app, job_id))
        return found or self._archive.find(app, job_id)

    def is_archived(self, app: str, job_id: str) -> bool:
        """Whether the job is archived or unknown; then only its events remain."""
        return (app, job_id) not in self._index.all

    def job(self, app: str, job_id: str) -> JobRecord:
        """Return a job. Raises UnknownJob."""
        found = self.find(app, job_id)
        if found is None:
            raise UnknownJob(app, job_id)
        return found

    def payload(self, job: JobRecord) -> PayloadRecord | None:
        """Return what a job's command gets, sealed; None if it gets nothing. Reads the store."""
        return self._store.payload(job.app, job.id) if job.has_payload else None

    def result(self, job: JobRecord) -> ResultRecord | None:
        """Return a result that is too long for the job's record. Reads the store."""
        return self._store.result(job.app, job.id)

    def add_all(
        self, jobs: Sequence[JobRecord], payloads: Mapping[str, PayloadRecord]
    ) -> list[JobRecord]:
        """Write new jobs with their payloads (by id); return them in order.

        A job whose id is there already stays as it is, and is returned.
        """
        known = {job.id: self.find(job.app, job.id) for job in jobs}
        new = [job for job in jobs if known[job.id] is None]
        for some in _parts(new, payloads):
            self._write(some, [payloads[job.id] for job in some if job.id in payloads])
        return [known[job.id] or job for job in jobs]

    def change(
        self,
        job: JobRecord,
        transition: Transition[JobRecord],
        *,
        result: ResultRecord | None = None,
    ) -> JobRecord:
        """Apply a transition to a job and write it, with its `result`.

        The payload of a job that ends goes a little later (`tidy`).
        """
        [changed] = self.change_each([(job, transition)], [result] if result else [])
        return changed

    def change_each(
        self,
        wanted: Sequence[tuple[JobRecord, Transition[JobRecord]]],
        results: Sequence[ResultRecord],
    ) -> list[JobRecord]:
        """Apply transitions as `change_all` does, with `results`; log each change of a state."""
        changed = self.change_all(wanted, results)
        for (before, transition), job in zip(wanted, changed, strict=True):
            if job.state is not before.state:
                log.info(
                    "a job has another state",
                    app=job.app,
                    job=job.id,
                    task=job.task_id,
                    state=job.state.value,
                    why=transition.event.value,
                )
        return changed

    def change_all(
        self,
        wanted: Sequence[tuple[JobRecord, Transition[JobRecord]]],
        results: Sequence[ResultRecord] = (),
    ) -> list[JobRecord]:
        """Apply transitions to several jobs in one write, all or none."""
        now = self._clock.now()
        changed = [transitions.follow(job, what, now) for job, what in wanted]
        self._write(changed, results)
        return changed

    def save_all(self, jobs: Sequence[JobRecord]) -> None:
        """Write the jobs that have changed."""
        changed = [job for job in jobs if self._index.all.get((job.app, job.id)) != job]
        for some in _parts(changed, {}):
            self._write(some)

    def fire(
        self,
        schedule: ScheduleRecord,
        made: Sequence[JobRecord],
        cancelled: Sequence[tuple[JobRecord, Transition[JobRecord]]],
        payloads: Mapping[str, PayloadRecord],
    ) -> None:
        """Write a schedule with the jobs that its times have made and their payloads, all or none.

        The same write changes the jobs that it cancels; of very many, most before. A job whose id
        is there already stays as it is.
        """
        now = self._clock.now()
        ended = [transitions.follow(job, what, now) for job, what in cancelled]
        *before, last = list(_parts(ended, {})) or [()]
        for some in before:
            self._write(some)
        new = [job for job in made if self.find(job.app, job.id) is None]
        given = [payloads[job.id] for job in new if job.id in payloads]
        self._write([*last, *new], [schedule, *given])
        self.schedules.note([schedule])

    def rewrite_unconfirmed(self) -> None:
        """Repeat the writes that got no answer, each as a whole."""
        self.schedules.rewrite_unconfirmed()
        for place, tried in tuple(self._unconfirmed.items()):
            found = [(one, self._find_known(one)) for one in tried]
            gone = [one for one, known in found if known is None]
            payloads = [payload_of(one) for one in gone if isinstance(one, JobRecord)]
            self._store.write([known for _, known in found if known], deleted=[*gone, *payloads])
            del self._unconfirmed[place]

    def _find_known(self, tried: _Known) -> _Known | None:
        if isinstance(tried, ScheduleRecord):
            return self.schedules.find(tried.app, tried.name)
        return self._index.all.get(_key(tried))

    def tidy(self) -> None:
        """Move ended jobs into blocks, and remove what is no longer kept."""
        while some := tuple(self._paid.values())[:_AT_ONCE]:
            self._store.write([], deleted=[payload_of(job) for job in some])
            for job in some:
                del self._paid[_key(job)]
        now = self._clock.now()
        if now >= self._expiry_look:
            for job in ended_jobs.find_expired(_find_settled(self._index.in_state(*ENDED)), now):
                self._remove(job)
            self._expiry_look = now + EXPIRY_LOOK_SECONDS
        for app in tuple(self._to_archive):
            moved = self._archive.take(app, _find_settled(self._index.ended_of(app)), now)
            for job in moved:
                self._drop(job)
            if not moved:
                self._to_archive.remove(app)

    def remove_of(self, app: str) -> None:
        """Remove all schedules and jobs of an app."""
        self.schedules.remove_of(app)
        for job in self.of_app(app):
            self._remove(job)
        self._archive.remove_of(app)

    def _remove(self, job: JobRecord) -> None:
        gone = [job, *job_archive.find_belongings([job])]
        self._store.write([], deleted=gone)
        self._drop(job)
        self._paid.pop(_key(job), None)

    def _drop(self, job: JobRecord) -> None:
        key = _key(job)
        self._index.drop(key)
        self._put.pop(key, None)
        self._gone.add(key)

    def _write(self, jobs: Sequence[JobRecord], others: Sequence[JobsRecord] = ()) -> None:
        schedules = [one for one in others if isinstance(one, ScheduleRecord)]
        if not jobs and not schedules:
            return
        place = (*map(_key, jobs), *map(key_of, schedules))
        self._unconfirmed[place] = [*jobs, *schedules]
        self._store.write([*jobs, *others])
        del self._unconfirmed[place]
        for job in jobs:
            self._index.put(job)
            self._put[_key(job)] = job
            self._gone.discard(_key(job))
            if job.state in ENDED:
                self._to_archive.add(job.app)
            if _is_paid(job):
                self._paid[_key(job)] = job


def _key(job: JobRecord) -> JobKey:
    return (job.app, job.id)


def _is_paid(job: JobRecord) -> bool:
    """Return whether nobody needs a job's payload any more."""
    return job.state in _DONE and job.has_payload and job.convention != IRONWORKER


def _find_settled(jobs: Iterable[JobRecord]) -> list[JobRecord]:
    """Return the jobs to which nothing more happens: only these may be in a block."""
    return [job for job in jobs if job.state in ENDED and not callbacks.is_due(job)]


def _parts(
    jobs: Sequence[JobRecord], payloads: Mapping[str, PayloadRecord]
) -> Iterator[Sequence[JobRecord]]:
    """Yield the jobs in parts that can each be written at once, with their payloads."""
    part: list[JobRecord] = []
    size = 0
    for job in jobs:
        payload = payloads.get(job.id)
        size += len(job.encode()) + (len(payload.sealed) if payload else 0)
        if part and (size > _MOST_BYTES or len(part) == _AT_ONCE):
            yield part
            part, size = [], len(job.encode()) + (len(payload.sealed) if payload else 0)
        part.append(job)
    if part:
        yield part
