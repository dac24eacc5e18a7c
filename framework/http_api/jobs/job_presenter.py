"""Jobs as the API shows them, from their records."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from framework.http_api.jobs import job_models as models
from framework.http_api.models.event_models import show_try
from framework.http_api.models.preview_models import Agent, Failure, Mistake
from framework.jobs.queued_jobs import JobKey, LaneKey, find_lane, list_first
from framework.matching import job_queue
from framework.ports.notifications import CallbackTry, LastTry
from framework.units.reasons import ReasonKind
from prevs import records
from prevs.jobs import ENDED, NO_PROGRESS, CallbackState, JobRecord, JobState
from prevs.records import EndedAttempt

_PLACES_S = 1.0
"""For how long the places in the queue are shown as they were."""


_OF_ALL = (ReasonKind.WAITS, ReasonKind.NO_OFFER, ReasonKind.NOTHING_IDLE)
"""The reasons that all jobs share that want the same."""


class _Queue(NamedTuple):
    """The places of the jobs that wait, at one moment, and the `first` of those alike."""

    jobs: Mapping[JobKey, JobRecord]
    at: float
    places: Mapping[JobKey, int]
    first: Mapping[LaneKey, JobRecord]


class JobPresenter:
    """Shows jobs, with values that are not in their records. Thread safe.

    `ready` returns None, or why nothing can start now; `jobs` returns all jobs, as last published;
    `now` the time in seconds since the epoch. `last_try` returns the last try to tell of the end of
    a job, by its app and id, if it is tried again.
    """

    def __init__(
        self,
        ready: Callable[[], str | None],
        jobs: Callable[[], Mapping[JobKey, JobRecord]],
        now: Callable[[], float],
        last_try: Callable[[str, str], CallbackTry | None],
    ) -> None:
        self._ready = ready
        self._jobs = jobs
        self._now = now
        self._last_try = last_try
        self._queue: _Queue | None = None

    def show(self, job: JobRecord) -> models.Job:
        """Return a job as lists show it."""
        return models.Job(
            id=job.id,
            app=job.app,
            commit=job.sha,
            label=job.label,
            name=job.name or None,
            command=list(job.terms.command),
            state=job.state,
            reason=self._reason(job),
            failure=_show_failure(job.failure),
            exit_code=job.exit_code,
            group=job.group or None,
            schedule=job.schedule or None,
            nominal=job.nominal,
            by=job.by,
            priority=job.terms.priority,
            timeout=job.terms.timeout,
            cpus=job.terms.cpus,
            mem=job.terms.mem,
            created=job.created,
            changed=job.changed,
            began=job.began,
            ended=job.changed if job.state in ENDED else None,
            tries=job.tries,
            failures=job.failures,
            retries=job.terms.retries,
            place=self._find_place(job),
            phase=job.phase,
            detail=job.detail,
            progress=_show_progress(job),
            payload_size=job.payload_size,
            result_size=job.result_size,
            agent=_show_agent(job.agent_id, job.agent_host),
            task_id=job.task_id,
            url=path(job),
            callback=self._show_callback(job),
        )

    def show_detail(self, job: JobRecord, is_kept: Callable[[str], bool]) -> models.JobDetail:
        """Return a job with its attempts; `is_kept` returns whether a log is kept."""
        attempts = [_show_attempt(one, is_kept) for one in reversed(job.attempts)]
        return models.JobDetail(**self.show(job).model_dump(), attempts=attempts)

    def _find_place(self, job: JobRecord) -> int | None:
        if job.state is not JobState.QUEUED:
            return None
        return self._find_queue().places.get((job.app, job.id))

    def _find_queue(self) -> _Queue:
        jobs, now = self._jobs(), self._now()
        queue = self._queue
        # Many are shown at once, and a place changes only with the jobs and, slowly, with time.
        if queue is None or queue.jobs is not jobs or now - queue.at > _PLACES_S:
            queued = (one for one in jobs.values() if one.state is JobState.QUEUED)
            waits = job_queue.list_waiting(queued, now)
            places = {(one.app, one.id): place for place, one in enumerate(waits, 1)}
            queue = self._queue = _Queue(jobs, now, places, list_first(waits))
        return queue

    def _show_callback(self, job: JobRecord) -> models.JobCallback | None:
        told = job.callback
        if told is None:
            return None
        tried, last = None, None
        if told.state is not CallbackState.WAITING:
            last = LastTry(told.at, told.status, told.problem)
        elif tried := self._last_try(job.app, job.id):
            last = tried.last
        return models.JobCallback(
            receiver=told.receiver,
            state=told.state,
            last=show_try(last) if last else None,
            next=tried.next if tried else None,
        )

    def _reason(self, job: JobRecord) -> str:
        if job.state is not JobState.QUEUED:
            return job.reason
        return self._ready() or self._find_reason(job)

    def _find_reason(self, job: JobRecord) -> str:
        """Return why a job waits: what holds up the first of those alike holds up all of them."""
        queue = self._find_queue()
        first = queue.first.get(find_lane(job))
        if first is None or (job.app, job.id) not in queue.places:
            return job.reason
        return first.reason if first.reason_kind in _OF_ALL else job.reason


def path(job: JobRecord) -> str:
    """Return the path of a job."""
    return f"/v1/apps/{job.app}/jobs/{job.id}"


def _show_failure(failure: records.Failure | None) -> Failure | None:
    if failure is None:
        return None
    return Failure(
        cause=failure.cause,
        message=failure.message,
        exit_code=failure.exit_code,
        mistakes=[Mistake(line=one.line, message=one.message) for one in failure.mistakes],
    )


def _show_progress(job: JobRecord) -> models.JobProgress | None:
    if job.progress == NO_PROGRESS:
        return None
    return models.JobProgress(percent=job.progress.percent, message=job.progress.message)


def _show_agent(agent_id: str | None, host: str | None) -> Agent | None:
    return Agent(id=agent_id, host=host) if agent_id else None


def _show_attempt(attempt: EndedAttempt, is_kept: Callable[[str], bool]) -> models.JobAttempt:
    return models.JobAttempt(
        number=attempt.number,
        task_id=attempt.task_id,
        began=attempt.began,
        ended=attempt.ended,
        agent=_show_agent(attempt.agent_id, attempt.agent_host),
        cause=attempt.cause,
        exit_code=attempt.exit_code,
        why=attempt.why,
        log_kept=is_kept(attempt.task_id),
    )
