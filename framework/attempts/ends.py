"""What the end of an attempt changes: of a preview and of a job, in one place.

Owned by the service's thread. What becomes of the unit is decided in retry for a preview, which is
to serve again, and in framework.jobs.outcomes for a job, which is to finish.
"""

import base64
import binascii
import dataclasses
from collections.abc import Callable
from typing import Generic, NamedTuple, TypeVar

import structlog

from framework.attempts import job_tasks, retry
from framework.attempts.fitness import Fitness
from framework.attempts.job_executors import JobExecutors
from framework.attempts.kills import Kills
from framework.attempts.losses import Loss, Losses
from framework.attempts.unreachable import UnreachableTasks
from framework.clock import Clock
from framework.jobs import outcomes
from framework.jobs.transitions import FailedWithResult, Finished
from framework.metrics import Metrics
from framework.ports.tasks import TaskStatus
from framework.state.executor_copies import ExecutorCopies
from framework.units.lifecycle import is_ending
from framework.units.transitions import AttemptEnded, Ended, Failed, Transition
from prevs import names, work
from prevs.jobs import JobRecord, ResultRecord
from prevs.records import Failure, PreviewRecord
from prevs.states import Cause

log = structlog.get_logger(__name__)

SHORT = 1024
"""Bytes of a result that is kept in the job's record."""

_Unit = TypeVar("_Unit", PreviewRecord, JobRecord)


class Watch(NamedTuple):
    """What watches over all attempts."""

    kills: Kills
    unreachable: UnreachableTasks
    copies: ExecutorCopies
    fitness: Fitness
    executors: JobExecutors
    losses: Losses


class Decided(NamedTuple, Generic[_Unit]):
    """What happens to a unit, and what `follow`s with its record once that is stored.

    With it, the `result` is stored that is too long for a job's record.
    """

    unit: _Unit
    transition: Transition[_Unit]
    follow: Callable[[_Unit], object] = lambda _: None
    result: ResultRecord | None = None


class Ends:
    """Decides what an end changes, and forgets the task once that is stored.

    Fetching and building a commit take at most `build_seconds`.
    """

    def __init__(
        self, watch: Watch, *, build_seconds: float, clock: Clock, metrics: Metrics
    ) -> None:
        self._watch = watch
        self._build_seconds = build_seconds
        self._clock = clock
        self._metrics = metrics

    def decide(
        self, unit: _Unit, failure: Failure, status: TaskStatus | None = None
    ) -> Decided[_Unit]:
        """Return what the end of the current attempt changes; without a status nobody has seen it.

        One that was to end has no failure, whatever the end was.
        """
        if isinstance(unit, PreviewRecord):
            return self._end(unit, self._judge_preview(unit, failure), failure)
        failure = _find_cause(failure, status)
        waits = status is not None and not is_ending(unit.state) and _may_wait(status, failure)
        if status is not None and status.is_success:
            return self._finish(unit, status, waits=waits)
        outcome: Transition[JobRecord] = self._judge_job(unit, failure, status)
        result: ResultRecord | None = None
        if isinstance(outcome, Failed):
            # What its command left is kept only if no attempt follows.
            result, short, size = _place(unit, status.result if status else "")
            outcome = FailedWithResult(outcome, short, size)
        return self._end(unit, outcome, failure, waits=waits, result=result)

    def _finish(self, job: JobRecord, status: TaskStatus, *, waits: bool) -> Decided[JobRecord]:
        result, short, size = _place(job, status.result)
        if status.progress is not None:
            job = dataclasses.replace(job, progress=status.progress)
        return self._end(job, Finished(short, size), None, waits=waits, result=result)

    def _judge_preview(self, preview: PreviewRecord, failure: Failure) -> Transition[PreviewRecord]:
        if is_ending(preview.state):
            return Ended(wanted=preview.starts_again)
        return retry.decide(preview, failure, self._clock.now(), self._find_loss(preview, failure))

    def _judge_job(
        self, job: JobRecord, failure: Failure, status: TaskStatus | None
    ) -> Transition[JobRecord]:
        now = self._clock.now()
        ran = now - job.began if job.began is not None else 0.0
        return outcomes.decide(
            job,
            failure,
            now,
            until=job_tasks.find_latest_end(job, self._build_seconds),
            never_began=status is not None and status.never_began,
            is_counted=self._find_loss(job, failure).is_counted(ran),
        )

    def _find_loss(self, unit: PreviewRecord | JobRecord, failure: Failure) -> Loss:
        """Return what went with the attempt."""
        task_id = unit.task_id or ""
        was_away = self._watch.unreachable.has(task_id)
        return self._watch.losses.judge(task_id, failure.cause, was_away=was_away)

    def _end(
        self,
        unit: _Unit,
        outcome: Transition[_Unit],
        failure: Failure | None,
        *,
        waits: bool = False,
        result: ResultRecord | None = None,
    ) -> Decided[_Unit]:
        """Return the end of the current attempt with its outcome; then it is noted and forgotten.

        Its executor `waits` for another job.
        """
        own = None if is_ending(unit.state) else failure

        def follow(_: _Unit) -> None:
            if own is not None:
                self._note_failure(unit, own)
            self._forget(unit, waits=waits)

        return Decided(unit, AttemptEnded(outcome, own, self._clock.now()), follow, result)

    def _note_failure(self, unit: PreviewRecord | JobRecord, failure: Failure) -> None:
        self._metrics.attempts.failures.labels(failure.cause.value).inc()
        if isinstance(unit, PreviewRecord):
            log.warning(
                "an attempt ended by itself",
                app=unit.app,
                commit=unit.commit[:12],
                task=unit.task_id,
                why=failure.message,
            )
            self._watch.fitness.failed(unit, failure)
        else:
            log.info(
                "an attempt of a job ended without success",
                app=unit.app,
                job=unit.id,
                task=unit.task_id,
                why=failure.message,
            )

    def _forget(self, unit: PreviewRecord | JobRecord, *, waits: bool) -> None:
        """Forget the task of an attempt that has ended."""
        task_id, watch = unit.task_id or "", self._watch
        if isinstance(unit, JobRecord):
            watch.executors.ended(task_id, waits=waits)
        watch.copies.ended(task_id, unit.agent_id)
        watch.losses.saw(task_id)
        watch.unreachable.end(task_id)
        watch.kills.drop(task_id)


def _may_wait(status: TaskStatus, failure: Failure) -> bool:
    """Return whether the executor that has reported the end may take another job."""
    return bool(status.phase) and (status.is_success or work.may_linger(failure.cause))


def _find_cause(failure: Failure, status: TaskStatus | None) -> Failure:
    """Return the failure with the cause that counts.

    A job is perhaps refused only because its executor has ended meanwhile. A new one shows whether
    it is the task.
    """
    if status is None or failure.cause is not Cause.TASK_REJECTED:
        return failure
    was_first = names.find_number(status.task_id) <= 1
    return failure if was_first else dataclasses.replace(failure, cause=Cause.TASK_LOST)


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
