"""The current attempt of each job: what Mesos reports about it, and its end.

Owned by the service's thread. What attempts of previews and jobs have in common is in a Watch.
"""

import base64
import binascii
import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

import structlog

from framework.attempts import job_tasks
from framework.attempts.fitness import Fitness
from framework.attempts.job_executors import JobExecutors
from framework.attempts.kills import Kills
from framework.attempts.losses import Losses
from framework.attempts.reconciliation import Reconciliation
from framework.attempts.unreachable import AWAY_SECONDS, UnreachableTasks
from framework.clock import Clock
from framework.jobs import outcomes
from framework.jobs.transitions import FailedWithResult, Finished, Reported
from framework.metrics import Metrics
from framework.ports.tasks import StatusKind, TaskStatus
from framework.state.executor_copies import ExecutorCopies
from framework.state.records import Records
from framework.units import lifecycle
from framework.units.lifecycle import Event, IllegalTransition
from framework.units.reasons import Reason, ReasonKind
from framework.units.transitions import Alive, AttemptEnded, Failed, Leaves, Transition
from prevs import names, work
from prevs.jobs import JobRecord, JobState, ResultRecord
from prevs.records import Failure
from prevs.states import Cause
from program.logs.log_lines import name_attempt

log = structlog.get_logger(__name__)

LAUNCH_SECONDS = 300.0
"""How long after its launch a task without any status is given up."""
SILENT_SECONDS = 30.0
"""How long after its launch such a task is queried."""
SHORT = 1024
"""Bytes of a result that is kept in the job's record."""

_KILLED = Reason(
    ReasonKind.KILLED_BY_MESOS,
    "Mesos is ending its task because it needs the agent; the job starts again.",
)
_AWAY = Reason(
    ReasonKind.AGENT_AWAY, "Its agent does not answer; after a minute the attempt counts as lost."
)
NO_ANSWER = Failure(
    Cause.TASK_LOST, "Its agent did not come back within a minute after Mesos's master had."
)

_EVENTS: Mapping[StatusKind, Event] = {
    StatusKind.ALIVE: Event.ALIVE,
    StatusKind.BUILDING: Event.BUILDING,
    StatusKind.STARTING: Event.STARTING,
    StatusKind.HEALTHY: Event.RUNS,
    StatusKind.UNHEALTHY: Event.RUNS,
}


class Watch(NamedTuple):
    """What watches over all attempts, those of previews and those of jobs."""

    kills: Kills
    unreachable: UnreachableTasks
    reconciliation: Reconciliation
    copies: ExecutorCopies
    fitness: Fitness
    executors: JobExecutors
    losses: Losses


class _Decided(NamedTuple):
    """What a status of a job changes, and what `follow`s once that is stored.

    With it, the `result` is stored that is too long for the job's record.
    """

    job: JobRecord
    transition: Transition[JobRecord]
    follow: Callable[[], object] = lambda: None
    result: ResultRecord | None = None


class JobAttempts:
    """Applies status reports to the jobs, and follows each attempt to its end.

    Fetching and building a commit take at most `build_seconds`. `subscribed` is since when Mesos
    has been connected (monotonic), None while it is not.
    """

    def __init__(
        self,
        records: Records,
        watch: Watch,
        *,
        build_seconds: float,
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        self._records = records
        self._jobs = records.jobs
        self._watch = watch
        self._build_seconds = build_seconds
        self._clock = clock
        self._metrics = metrics
        self._queried: set[str] = set()
        self.subscribed: float | None = None

    def apply(self, found: Iterable[tuple[JobRecord, TaskStatus]]) -> list[TaskStatus]:
        """Store what statuses of the current attempts of jobs mean, in one write; return them.

        Each is of another job. One that meets a defect stops no other, and is not returned. Raises
        Unavailable.
        """
        decided, done = [], []
        for job, status in found:
            try:
                one = self._look(job, status)
            except Exception:
                log.exception("a status cannot be applied", **name_attempt(status.task_id))
                self._metrics.errors.inc()
                continue
            done.append(status)
            if one is not None:
                decided.append(one)
        self._carry_out(decided)
        return done

    def give_up(self, job: JobRecord, failure: Failure) -> None:
        """End an attempt whose end nobody has reported, and kill its task."""
        self._carry_out([self._end(job, failure)])
        if job.task_id:
            self._watch.kills.kill_orphan(job.task_id, job.agent_id)

    def kill_ending(self) -> None:
        """Kill the task of each job that is ending; repeat it after a while."""
        for job in self._jobs.in_state(JobState.ENDING):
            if job.task_id:
                self._watch.kills.send(job.task_id, job.agent_id)

    def replace_silent(self, subscribed_for: float) -> None:
        """Give up attempts without any status for too long, and those Mesos is silent about.

        One whose command runs is waited for: its agent is perhaps only late.
        """
        now, reconciliation = self._clock.monotonic(), self._watch.reconciliation
        for job in self._jobs.in_state(JobState.PLACED, JobState.BUILDING, JobState.ENDING):
            if reconciliation.is_unanswered(job.task_id or "", now):
                self.give_up(job, NO_ANSWER)
        for job in self._jobs.in_state(JobState.PLACED):
            silence = min(self._clock.now() - job.changed, subscribed_for)
            if silence > LAUNCH_SECONDS:
                why = "The task did not begin within five minutes."
                self.give_up(job, Failure(Cause.TASK_LOST, why))
            elif silence > SILENT_SECONDS and job.task_id and job.task_id not in self._queried:
                self._queried.add(job.task_id)
                reconciliation.query({job.task_id: job.agent_id}, now)

    def _look(self, job: JobRecord, status: TaskStatus) -> _Decided | None:
        """Return what a status changes, None for nothing or for what the state does not allow."""
        if status.digest and status.digest != job.digest:
            job = dataclasses.replace(job, digest=status.digest)
        try:
            decided = self._decide(job, status)
            if decided is not None:
                lifecycle.step(job.state, decided.transition.event)
        except IllegalTransition as error:
            self._metrics.illegal.inc()
            log.warning("unexpected status", what=str(error), **name_attempt(status.task_id))
            return None
        return decided

    def _decide(self, job: JobRecord, status: TaskStatus) -> _Decided | None:
        if status.kind in _EVENTS:
            event, now = _EVENTS[status.kind], self._clock.now()
            self._watch.losses.saw(status.task_id)
            reported = Reported(event, now, status.phase, status.detail, status.progress)
            return _Decided(job, reported, lambda: self._watch.unreachable.end(status.task_id))
        if status.kind is StatusKind.KILLING:
            return _Decided(job, Leaves(_KILLED))
        if status.kind is StatusKind.ENDED:
            return self._decide_end(job, status)
        return self._decide_missing(job, status)

    def _carry_out(self, decided: Sequence[_Decided]) -> None:
        """Store what was decided, then do what follows. Raises Unavailable."""
        changes = [(one.job, one.transition) for one in decided]
        self._jobs.change_each(changes, [one.result for one in decided if one.result])
        for one in decided:
            one.follow()

    def _decide_end(self, job: JobRecord, status: TaskStatus) -> _Decided:
        """Return what the end of an attempt changes. Its executor may wait for another job."""
        failure = status.failure or Failure(Cause.TASK_LOST, "The task ended.")
        waits = status.is_success or work.may_linger(failure.cause)
        waits = waits and bool(status.phase) and job.state is not JobState.ENDING
        if status.is_success:
            return self._finish(job, status, waits=waits)
        is_refused = failure.cause is Cause.TASK_REJECTED
        if is_refused and names.find_number(status.task_id) > 1:
            # Perhaps only because its executor has ended. A new one shows whether it is the task.
            failure = dataclasses.replace(failure, cause=Cause.TASK_LOST)
        return self._end(
            job, failure, never_began=status.never_began, waits=waits, left=status.result
        )

    def _finish(self, job: JobRecord, status: TaskStatus, *, waits: bool) -> _Decided:
        result, short, size = _place(job, status.result)
        now = self._clock.now()
        if status.progress is not None:
            job = dataclasses.replace(job, progress=status.progress)
        ended = AttemptEnded(Finished(short, size), None, now)
        return _Decided(job, ended, lambda: self._forget(job, waits=waits), result)

    def _decide_missing(self, job: JobRecord, status: TaskStatus) -> _Decided | None:
        """Note since when an attempt has been missing, as for previews."""
        now = self._clock.monotonic()
        long_enough = self.subscribed is not None and now - self.subscribed >= AWAY_SECONDS
        if status.kind is StatusKind.UNKNOWN and long_enough:
            return self._end(job, Failure(Cause.TASK_LOST, "Mesos has lost its task."))
        self._watch.unreachable.begin(status.task_id, now)
        if status.kind is StatusKind.AWAY and job.state is not JobState.ENDING:
            return _Decided(job, Alive(_AWAY))
        return None

    def _end(
        self,
        job: JobRecord,
        failure: Failure,
        *,
        never_began: bool = False,
        waits: bool = False,
        left: str = "",
    ) -> _Decided:
        """Return what the end of an attempt changes whose command failed, or never came to its end.

        `left` is its result, which is kept only if no attempt follows.
        """
        now = self._clock.now()
        until = job_tasks.find_latest_end(job, self._build_seconds)
        outcome: Transition[JobRecord] = outcomes.decide(
            job,
            failure,
            now,
            until=until,
            never_began=never_began,
            is_counted=self._is_counted(job, failure, now),
        )
        result: ResultRecord | None = None
        if isinstance(outcome, Failed):
            result, short, size = _place(job, left)
            outcome = FailedWithResult(outcome, short, size)
        wanted = None if job.state is JobState.ENDING else failure

        def follow() -> None:
            if wanted is not None:
                self._tell(job, failure)
            self._forget(job, waits=waits)

        return _Decided(job, AttemptEnded(outcome, wanted, now), follow, result)

    def _is_counted(self, job: JobRecord, failure: Failure, now: float) -> bool:
        task_id, watch = job.task_id or "", self._watch
        was_away = watch.unreachable.has(task_id)
        loss = watch.losses.judge(task_id, failure.cause, was_away=was_away)
        return loss.is_counted(now - job.began if job.began is not None else 0.0)

    def _tell(self, job: JobRecord, failure: Failure) -> None:
        log.info(
            "an attempt of a job ended without success",
            app=job.app,
            job=job.id,
            task=job.task_id,
            why=failure.message,
        )
        self._metrics.attempts.failures.labels(failure.cause.value).inc()

    def _forget(self, job: JobRecord, *, waits: bool) -> None:
        """Forget the task of an attempt that has ended; its executor `waits` for another one."""
        task_id = job.task_id or ""
        self._watch.executors.ended(task_id, waits=waits)
        self._watch.copies.ended(task_id, job.agent_id)
        self._watch.unreachable.end(task_id)
        self._watch.kills.drop(task_id)
        self._watch.losses.saw(task_id)
        self._queried.discard(task_id)


def _place(job: JobRecord, result: str) -> tuple[ResultRecord | None, str, int]:
    """Return a record of its own for a long result, the text for the job's, and the bytes."""
    size = _measure(result)
    if size > SHORT:
        return ResultRecord(job.app, job.id, result), "", size
    return None, result, size


def _measure(result: str) -> int:
    """Return how many bytes a result in base64 has; 0 for a text that is none."""
    try:
        return len(base64.b64decode(result, validate=True))
    except (binascii.Error, ValueError):
        return 0
