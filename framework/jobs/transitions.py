"""The events that happen to jobs alone, and what every event changes in a job.

framework.units.transitions has those of all units, and says how they are written.
"""

import dataclasses
from typing import ClassVar

from framework.units import lifecycle
from framework.units.lifecycle import Event
from framework.units.transitions import Failed, Transition, find_ended
from prevs.jobs import JobRecord, JobState
from prevs.work import Progress


def follow(job: JobRecord, transition: Transition[JobRecord], now: float) -> JobRecord:
    """Return the job after a transition. Raises IllegalTransition."""
    state = lifecycle.step(job.state, transition.event)
    changed = transition.change(job)
    if state is job.state:
        return changed
    attempts = find_ended(job, transition)
    return dataclasses.replace(changed, state=state, changed=now, attempts=attempts)


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
        return dataclasses.replace(
            job,
            phase=self.phase or job.phase,
            detail=self.detail if self.phase else job.detail,
            progress=job.progress if self.progress is None else self.progress,
            began=self.at if begins else job.began,
            avoid_agent=None if begins else job.avoid_agent,
            retry_at=0.0 if begins else job.retry_at,
            reason="",
            reason_kind="",
        )


@dataclasses.dataclass(frozen=True)
class ProgressTold:
    """Somebody has told the progress of the command for it."""

    event: ClassVar = Event.ALIVE
    progress: Progress

    def change(self, job: JobRecord) -> JobRecord:
        return dataclasses.replace(job, progress=self.progress)


@dataclasses.dataclass(frozen=True)
class Finished:
    """The command ended with exit code 0, and left `result`, which has `size` bytes."""

    event: ClassVar = Event.FINISHED
    result: str = ""
    size: int = 0

    def change(self, job: JobRecord) -> JobRecord:
        return dataclasses.replace(
            job,
            exit_code=0,
            result=self.result,
            result_size=self.size,
            phase="",
            detail="",
            starts_again=False,
            reason="",
            reason_kind="",
        )


@dataclasses.dataclass(frozen=True)
class FailedWithResult:
    """The job has `failed`; its command left a `result` all the same, which has `size` bytes."""

    failed: Failed
    result: str = ""
    size: int = 0

    @property
    def event(self) -> Event:
        return self.failed.event

    def change(self, job: JobRecord) -> JobRecord:
        failed = self.failed.change(job)
        return dataclasses.replace(failed, result=self.result, result_size=self.size)
