"""The state of a job as the steps of its current or last attempt. Pure."""

from collections.abc import Sequence
from typing import NamedTuple

from prevs.jobs import ENDED, JobRecord, JobState
from prevs.step_status import StepStatus

_NAMES = ("queued", "placed", "building", "running")


class Step(NamedTuple):
    """A step: its name, and whether it is done."""

    name: str
    status: StepStatus


def find_steps(job: JobRecord) -> Sequence[Step]:
    """Return the steps of a job; the last step says how the job ended, "ended" while it goes on."""
    reached = _find_reached(job)
    has_failed = job.state is JobState.FAILED
    statuses = [_status(at, reached, job.state) for at in range(len(_NAMES))]
    if has_failed:
        statuses[reached] = StepStatus.FAILED
    steps = [Step(name, status) for name, status in zip(_NAMES, statuses, strict=True)]
    return [*steps, _find_last(job.state)]


def _status(at: int, reached: int, state: JobState) -> StepStatus:
    if at > reached:
        return StepStatus.NEXT
    is_over = state in ENDED or state is JobState.ENDING
    return StepStatus.NOW if at == reached and not is_over else StepStatus.DONE


def _find_last(state: JobState) -> Step:
    if state is JobState.ENDING:
        return Step(state.value, StepStatus.NOW)
    if state is JobState.FAILED:
        return Step(state.value, StepStatus.FAILED)
    return Step(state.value, StepStatus.DONE) if state in ENDED else Step("ended", StepStatus.NEXT)


def _find_reached(job: JobRecord) -> int:
    """Return the place in _NAMES of the last step that the job has begun."""
    if job.state.value in _NAMES:
        return _NAMES.index(job.state.value)
    if job.began is not None or job.state is JobState.SUCCEEDED:
        return _NAMES.index("running")
    if job.state is JobState.ENDING:
        return _NAMES.index("building" if job.phase else "placed")
    if not job.attempts or job.attempts[-1].number != job.tries:
        return 0
    return _NAMES.index("placed" if job.attempts[-1].reached == "placed" else "building")
