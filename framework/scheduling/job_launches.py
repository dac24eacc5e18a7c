"""What launching needs of jobs: which may start, their attempts, and why the rest waits.

Service thread only. framework.scheduling.launches drives it, together with previews.
"""

import dataclasses
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import NamedTuple

import structlog

from framework.attempts import job_tasks
from framework.attempts.job_executors import LINGER_SECONDS, MOST, JobExecutors
from framework.attempts.tasks import Origin
from framework.clock import Clock
from framework.errors import SecretsUnreadable, WrongKey
from framework.matching.idle_executors import Sharing
from framework.matching.job_queue import JobQueue
from framework.matching.match import Launch
from framework.ports.tasks import Task
from framework.pulls.errors import NOT_LET_THROUGH
from framework.state.jobs import sealed_payloads
from framework.state.jobs.sealed_payloads import Given
from framework.state.records import Records
from framework.units import reasons, transitions
from framework.units.lifecycle import Event
from framework.units.reasons import Reason, ReasonKind
from prevs import names
from prevs.codec import RecordError
from prevs.jobs import JobRecord
from prevs.records import AppRecord, Failure
from prevs.states import Cause
from prevs.units import Unit, UnitKind

log = structlog.get_logger(__name__)

REMOVED = Reason(ReasonKind.STOPPED, "Its app is being removed.")

_JOB = UnitKind.JOB
_UNREADABLE = "What it was given cannot be read. Start a new job with the same payload."


class PlacedJob(NamedTuple):
    """A job whose next attempt is stored, and what it alone is given."""

    job: JobRecord
    launch: Launch
    given: Given


class JobLaunches:
    """The jobs that wait, and the `executors` that may take one.

    `new_attempt` returns a name that was never used.
    """

    def __init__(
        self,
        records: Records,
        executors: JobExecutors,
        clock: Clock,
        new_attempt: Callable[[], str],
    ) -> None:
        self._records = records
        self._executors = executors
        self._jobs = records.jobs
        self._clock = clock
        self._new_attempt = new_attempt

    def end_hopeless(self) -> None:
        """End the queued jobs that may not start, or no more. Raises Unavailable."""
        queued, unreadable = self._jobs.queued, self._records.secrets.unreadable()
        expired = queued.expired(self._clock.now())
        # Found before the first one ends: those behind it may have no reason of their own.
        for job, first in [(job, queued.first_alike(job) or job) for job in expired]:
            why = f"It could not start within {job.terms.expires:g} s."
            failure = Failure(Cause.EXPIRED, f"{why} {job.reason or first.reason}".rstrip())
            self._end(job, Event.GIVEN_UP, failure)
        for name in queued.apps:
            app = self._records.find_app(name)
            if app is not None and app.removed:
                for job in queued.of_app(name):
                    self._jobs.change(job, transitions.Stopped(REMOVED))
            elif why := unreadable.get(name, ""):
                failure = Failure(Cause.SETTINGS_INVALID, str(SecretsUnreadable(name, why)))
                for job in queued.of_app(name):
                    self._end(job, Event.UNFIT, failure)
            elif self._records.find_other_repository(name):
                self._check_gate(queued.of_app(name))
        for jobs in queued.of_pulls():
            self._check_gate(jobs)

    def build_queue(
        self, apps: Mapping[str, AppRecord], reserved: Iterable[Unit], now: float
    ) -> JobQueue:
        """Return the jobs that may be placed; for the `reserved` ones room was made."""
        known = (self._jobs.find(unit.app, unit.name) for unit in reserved if unit.kind is _JOB)
        return JobQueue(
            apps,
            self._jobs.queued.lanes(now),
            with_task=self._jobs.with_task(),
            reserved=[job for job in known if job and job.retry_at <= now],
            find_preview=self._records.find_serving,
            now=now,
        )

    def intend(self, launches: Iterable[Launch]) -> list[PlacedJob]:
        """Store the attempts before they are sent to Mesos, so that all tasks are known.

        A job whose payload cannot be read fails, and has no attempt.
        """
        changes, found = [], []
        for launch in launches:
            job = self._jobs.job(launch.demand.unit.app, launch.demand.unit.name)
            given = self._open(job)
            if given is None:
                self._end(job, Event.UNFIT, Failure(Cause.SETTINGS_INVALID, _UNREADABLE))
                continue
            if launch.executor_id:
                attempt = self._executors.find_next(launch.executor_id)
            else:
                attempt = names.job_attempt(self._new_attempt(), 1)
            task_id = names.task_id(job.app, job.sha, attempt)
            where = (launch.agent_id, launch.host)
            home = launch.demand.home
            launched = transitions.Launched(
                task_id, *where, revocable=launch.revocable, beside=home.task_id if home else ""
            )
            changes.append((job, launched))
            found.append((launch, given))
        placed = self._jobs.change_all(changes)
        return [PlacedJob(job, *one) for job, one in zip(placed, found, strict=True)]

    def take_back(self, placed: Iterable[PlacedJob], reason: Reason) -> None:
        """Queue again what was not sent."""
        for one in placed:
            self._executors.ended(one.job.task_id or "", waits=False)
            self._jobs.change(one.job, transitions.NotLaunched(reason))

    def describe(self, placed: Iterable[PlacedJob], origin: Origin, *, fetches: bool) -> list[Task]:
        """Return the tasks of attempts that are stored, as they are launched now."""
        return [self._describe(one, origin, fetches=fetches) for one in placed]

    def _describe(self, one: PlacedJob, origin: Origin, *, fetches: bool) -> Task:
        app, job = self._records.app(one.job.app), one.job
        number = names.find_number(job.task_id or "")
        may_linger = number < MOST and not job.revocable and self._jobs.queued.has_of(job.app)
        stacks = self._records.stacks.of_app(job.app)
        task = job_tasks.describe(
            app,
            job,
            one.launch,
            origin,
            given=(self._records.secrets.of(job.app), one.given, stacks),
            fetches=fetches,
            ref=self._records.find_ref(job),
            linger=LINGER_SECONDS if may_linger else 0.0,
        )
        if one.launch.executor_id:
            task = self._executors.reuse(task, one.launch.executor_id)
        self._executors.launched(task, Sharing(app.name, app.created, job.stranger))
        return task

    def explain(self, why: Mapping[Unit, Reason]) -> None:
        """Write why jobs wait. One that waits for its next attempt keeps its reason."""
        found = [(self._jobs.find(unit.app, unit.name), reason) for unit, reason in why.items()]
        self._jobs.save_all([reasons.give(job, reason) for job, reason in found if job])

    def _check_gate(self, jobs: Collection[JobRecord]) -> None:
        """End jobs of one commit, or of an app, that the gate does not let through (any more)."""
        for job in jobs:
            if self._records.find_app(job.app) is None:
                return
            try:
                stranger = self._records.check_gate(job.app, job.sha, job.refs)
            except NOT_LET_THROUGH as error:
                failure = Failure(Cause.SETTINGS_INVALID, str(error))
                self._end(job, Event.UNFIT, failure)
                continue
            if stranger is job.stranger:
                return  # and so it is for all of them
            self._jobs.save_all([dataclasses.replace(job, stranger=stranger)])

    def _open(self, job: JobRecord) -> Given | None:
        """Return what a job alone is given, None if that cannot be read."""
        if not job.has_payload:
            return Given()
        stored = self._jobs.payload(job)
        if stored is None:
            return None
        try:
            return sealed_payloads.open_sealed(self._records.vault, stored)
        except (WrongKey, RecordError) as error:
            log.warning("a payload cannot be opened", app=job.app, job=job.id, why=str(error))
            return None

    def _end(self, job: JobRecord, event: Event, failure: Failure) -> None:
        self._jobs.change(job, transitions.Failed(failure, event))
