"""What has become of jobs' callbacks, written to their records. Owned by the service's thread.

A callback is sent before the record says so: if the leader dies in between, the next leader sends
it again.
"""

from collections.abc import Iterable, Iterator

import structlog

from framework.clock import Clock
from framework.events import CallbackSettled
from framework.jobs import callbacks
from framework.jobs.queued_jobs import JobKey
from framework.state.jobs.job_records import JobRecords
from prevs.jobs import CallbackState, JobRecord

log = structlog.get_logger(__name__)


class JobCallbacks:
    """Collects what has become of callbacks, and writes it for several jobs at once."""

    def __init__(self, jobs: JobRecords, clock: Clock, *, most: int = callbacks.MOST) -> None:
        self._jobs = jobs
        self._clock = clock
        self._most = most
        self._settled: dict[JobKey, CallbackSettled] = {}

    def note(self, settled: CallbackSettled) -> None:
        """Keep what is to be written with the next `reconcile`."""
        self._settled[settled.app, settled.job_id] = settled

    def reconcile(self) -> None:
        """Write what has become of callbacks, and give up what is too much. Raises Unavailable."""
        due = {(job.app, job.id): job for job in self._jobs.with_due_callback()}
        changed = [
            _settle(job, settled)
            for key, settled in self._settled.items()
            if (job := due.pop(key, None)) is not None
        ]
        changed += self._give_up_excess(due.values())
        self._jobs.save_all(changed)
        self._settled.clear()

    def _give_up_excess(self, due: Iterable[JobRecord]) -> Iterator[JobRecord]:
        of_apps: dict[str, list[JobRecord]] = {}
        for job in due:
            of_apps.setdefault(job.app, []).append(job)
        for app, jobs in of_apps.items():
            excess = callbacks.find_excess(jobs, self._most)
            if excess:
                log.warning("callbacks are dropped", app=app, number=len(excess))
            for job in excess:
                yield callbacks.settle(
                    job,
                    CallbackState.GIVEN_UP,
                    self._clock.now(),
                    status=None,
                    problem=callbacks.TOO_MANY,
                )


def _settle(job: JobRecord, settled: CallbackSettled) -> JobRecord:
    at, status, problem = settled.last
    return callbacks.settle(job, settled.state, at, status=status, problem=problem)
