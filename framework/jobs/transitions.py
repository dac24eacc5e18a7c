"""The events of a job as values, and which fields of its record each one changes.

framework.units.lifecycle defines which event is legal in which state. Each class below is one event
with its data. Its `change` returns the record with the fields that the event changes, in the old
state; `follow` then sets the state and the time. Pure; times are seconds since the epoch.
"""

import dataclasses
from typing import ClassVar, Protocol

from framework.jobs import job_attempts
from framework.preview.reasons import Reason, ReasonKind
from framework.units import lifecycle
from framework.units.lifecycle import Event
from prevs.jobs import NO_PROGRESS, JobRecord, JobState
from prevs.records import Failure
from prevs.work import Progress

NO_REASON = Reason(ReasonKind.NONE, "")


class JobTransition(Protocol):
    """Something that happens to a job."""

    @property
    def event(self) -> Event:
        """The event of the lifecycle's table."""

    def change(self, job: JobRecord) -> JobRecord:
        """Return the job with the fields that the event changes, in its old state."""


def follow(job: JobRecord, transition: JobTransition, now: float) -> JobRecord:
    """Return the job after a transition. Raises IllegalTransition."""
    state = lifecycle.step(job.state, transition.event)
    changed = transition.change(job)
    if state is job.state:
        return changed
    return dataclasses.replace(changed, state=state, changed=now)


def give(job: JobRecord, reason: Reason) -> JobRecord:
    """Return the job with this reason instead of its own."""
    if (job.reason, job.reason_kind) == (reason.text, reason.kind.value):
        return job
    return dataclasses.replace(job, reason=reason.text, reason_kind=reason.kind.value)


@dataclasses.dataclass(frozen=True)
class NotStarted:
    """The job ends while it waits: it may not start (any more), or its time is over."""

    event: Event
    failure: Failure

    def change(self, job: JobRecord) -> JobRecord:
        return _fail(job, self.failure)


@dataclasses.dataclass(frozen=True)
class Launched:
    """An attempt was placed on an agent, perhaps on `revocable` CPUs."""

    event: ClassVar = Event.LAUNCHED
    task_id: str
    agent_id: str
    agent_host: str
    revocable: bool = False

    def change(self, job: JobRecord) -> JobRecord:
        launched = dataclasses.replace(
            job,
            task_id=self.task_id,
            agent_id=self.agent_id,
            agent_host=self.agent_host,
            revocable=self.revocable,
            tries=job.tries + 1,
            phase="",
            detail="",
            failure=None,
            exit_code=None,
            began=None,
            progress=NO_PROGRESS,
        )
        return give(launched, NO_REASON)


@dataclasses.dataclass(frozen=True)
class NotLaunched:
    """The attempt could not be sent to Mesos; it does not count as a try."""

    event: ClassVar = Event.NOT_LAUNCHED
    reason: Reason

    def change(self, job: JobRecord) -> JobRecord:
        return give(dataclasses.replace(job, tries=job.tries - 1), self.reason)


@dataclasses.dataclass(frozen=True)
class Alive:
    """The task exists; `reason` is a problem with it, or NO_REASON."""

    event: ClassVar = Event.ALIVE
    reason: Reason

    def change(self, job: JobRecord) -> JobRecord:
        return give(job, self.reason)


@dataclasses.dataclass(frozen=True)
class Reported:
    """The executor or Mesos reported, `at` that time, what the task does.

    `phase` is "" in a report of Mesos's own. `progress` is the command's own, None without news.
    """

    event: Event
    at: float
    phase: str = ""
    detail: str = ""
    progress: Progress | None = None

    def change(self, job: JobRecord) -> JobRecord:
        if job.state is JobState.ENDING:
            return job
        begins = self.event is Event.RUNS and job.began is None
        reported = dataclasses.replace(
            job,
            phase=self.phase or job.phase,
            detail=self.detail if self.phase else job.detail,
            progress=job.progress if self.progress is None else self.progress,
            began=self.at if begins else job.began,
            avoid_agent=None if begins else job.avoid_agent,
            retry_at=0.0 if begins else job.retry_at,
        )
        return give(reported, NO_REASON)


@dataclasses.dataclass(frozen=True)
class ProgressTold:
    """Somebody has told the progress of the command for it."""

    event: ClassVar = Event.ALIVE
    progress: Progress

    def change(self, job: JobRecord) -> JobRecord:
        return dataclasses.replace(job, progress=self.progress)


@dataclasses.dataclass(frozen=True)
class CancelRequested:
    """Somebody cancels the job: it never starts again."""

    event: ClassVar = Event.STOP_REQUESTED
    reason: Reason

    def change(self, job: JobRecord) -> JobRecord:
        return give(dataclasses.replace(job, starts_again=False), self.reason)


@dataclasses.dataclass(frozen=True)
class StopRequested:
    """The attempt must end, and the job starts again: it makes room, or Mesos needs the agent.

    A cancelled job stays cancelled.
    """

    event: ClassVar = Event.LEAVES
    reason: Reason
    avoid_agent: str | None = None

    def change(self, job: JobRecord) -> JobRecord:
        if job.state is JobState.ENDING:
            return job
        stopped = dataclasses.replace(job, starts_again=True, avoid_agent=self.avoid_agent)
        return give(stopped, self.reason)


@dataclasses.dataclass(frozen=True)
class Finished:
    """The command ended with exit code 0, and left `result`, which has `size` bytes."""

    event: ClassVar = Event.FINISHED
    result: str = ""
    size: int = 0

    def change(self, job: JobRecord) -> JobRecord:
        done = dataclasses.replace(
            job,
            exit_code=0,
            result=self.result,
            result_size=self.size,
            phase="",
            detail="",
            starts_again=False,
        )
        return give(done, NO_REASON)


@dataclasses.dataclass(frozen=True)
class Failed:
    """The attempt failed, and there is no other; FAILED, or GIVEN_UP after too many losses.

    `result` and `size` are as in Finished: its command may have left one all the same.
    """

    event: Event
    failure: Failure
    result: str = ""
    size: int = 0

    def change(self, job: JobRecord) -> JobRecord:
        failed = dataclasses.replace(job, result=self.result, result_size=self.size)
        return _fail(failed, self.failure)


@dataclasses.dataclass(frozen=True)
class Again:
    """Another attempt follows, at `retry_at` at the earliest, and not on `avoid_agent` if possible.

    `event` is LOST or TRIED_AGAIN. The counts are `failures` by the application so far, and
    `losses` in a row.
    """

    event: Event
    failures: int
    losses: int
    retry_at: float
    avoid_agent: str | None
    reason: Reason

    def change(self, job: JobRecord) -> JobRecord:
        again = dataclasses.replace(
            job,
            failures=self.failures,
            consecutive_losses=self.losses,
            retry_at=self.retry_at,
            avoid_agent=self.avoid_agent,
            phase="",
            detail="",
        )
        return give(again, self.reason)


@dataclasses.dataclass(frozen=True)
class Ended:
    """The attempt ended as it should; its reason stays."""

    event: Event

    def change(self, job: JobRecord) -> JobRecord:
        return dataclasses.replace(job, starts_again=False, phase="", detail="")


Outcome = Finished | Failed | Again | Ended


@dataclasses.dataclass(frozen=True)
class AttemptEnded:
    """The current attempt ended `at` that time, with what becomes of the job.

    The record keeps the attempt, with its `failure` if it ended by itself and without success.
    """

    outcome: Outcome
    failure: Failure | None
    at: float

    @property
    def event(self) -> Event:
        return self.outcome.event

    def change(self, job: JobRecord) -> JobRecord:
        attempts = job_attempts.note(job, self.failure, self.at)
        exit_code = self.failure.exit_code if self.failure else job.exit_code
        return self.outcome.change(dataclasses.replace(job, attempts=attempts, exit_code=exit_code))


def _fail(job: JobRecord, failure: Failure) -> JobRecord:
    failed = dataclasses.replace(
        job, failure=failure, phase="", detail="", starts_again=False, exit_code=failure.exit_code
    )
    return give(failed, NO_REASON)
