"""Indexes over jobs by app, state, group and schedule; a lookup costs O(result). No I/O."""

from collections import deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import chain, takewhile
from types import MappingProxyType

from framework.jobs import callbacks
from framework.jobs.queued_jobs import JobKey, QueuedJobs
from framework.units.lifecycle import JOB_WITH_TASK
from prevs.jobs import ENDED, JobRecord, JobState

FREED = 1000
"""How many jobs whose attempts ended last are known as such; a cluster ends fewer in seconds."""
_NOTHING: Mapping[JobKey, JobRecord] = MappingProxyType({})


class JobIndex:
    """Every job once, by key, and by what it has in common with others; the `queued` in order."""

    def __init__(self, jobs: Iterable[JobRecord]) -> None:
        self._all: dict[JobKey, JobRecord] = {}
        self._in_state: dict[JobState, dict[JobKey, JobRecord]] = {one: {} for one in JobState}
        self._alike: dict[tuple[str, ...], dict[JobKey, JobRecord]] = {}
        self._of_task: dict[str, JobKey] = {}
        self.queued = QueuedJobs()
        self._freed: deque[JobRecord] = deque(maxlen=FREED)
        for job in jobs:
            self.put(job)

    @property
    def all(self) -> Mapping[JobKey, JobRecord]:
        """Every job; changes with the index."""
        return self._all

    def in_state(self, *states: JobState) -> Collection[JobRecord]:
        """Return the jobs in one of some states."""
        return tuple(chain.from_iterable(self._in_state[one].values() for one in states))

    def of_app(self, app: str) -> Collection[JobRecord]:
        """Return the jobs of an app."""
        return self._find("app", app)

    def ended_of(self, app: str) -> Collection[JobRecord]:
        """Return the jobs of an app that have ended."""
        return self._find("ended", app)

    def with_due_callback(self) -> Collection[JobRecord]:
        """Return the jobs of whose end a receiver is still to be told."""
        return self._find("callback")

    def of_group(self, app: str, group: str) -> Collection[JobRecord]:
        """Return the jobs of an app that were requested together."""
        return self._find("group", app, group)

    def of_schedule(self, app: str, schedule: str) -> Collection[JobRecord]:
        """Return the jobs that a schedule has made."""
        return self._find("schedule", app, schedule)

    def of_task(self, task_id: str) -> JobRecord | None:
        """Return the job whose current attempt has that task."""
        key = self._of_task.get(task_id)
        return self._all[key] if key is not None else None

    def freed_since(self, at: float) -> Sequence[JobRecord]:
        """Return the jobs whose attempts ended since then, each as it was right after that."""
        return tuple(takewhile(lambda job: job.changed >= at, reversed(self._freed)))

    def counts(self) -> Mapping[JobState, int]:
        """Return how many jobs are in each state."""
        return {state: len(jobs) for state, jobs in self._in_state.items()}

    def put(self, job: JobRecord) -> None:
        """Add a job, or replace the one with its key."""
        key = (job.app, job.id)
        before = self._all.get(key)
        if before and before.state in JOB_WITH_TASK and job.state not in JOB_WITH_TASK:
            self._freed.append(job)
        self.drop(key)
        self._all[key] = job
        self._in_state[job.state][key] = job
        for name in _names(job):
            self._alike.setdefault(name, {})[key] = job
        if job.state is JobState.QUEUED:
            self.queued.put(job)
        if job.task_id and job.state in JOB_WITH_TASK:
            self._of_task[job.task_id] = key

    def drop(self, key: JobKey) -> None:
        """Remove a job, if there is one."""
        before = self._all.pop(key, None)
        if before is None:
            return
        del self._in_state[before.state][key]
        if before.state is JobState.QUEUED:
            self.queued.drop(before)
        for name in _names(before):
            del self._alike[name][key]
            if not self._alike[name]:
                del self._alike[name]
        self._of_task.pop(before.task_id or "", None)

    def _find(self, *name: str) -> Collection[JobRecord]:
        return tuple(self._alike.get(name, _NOTHING).values())


def _names(job: JobRecord) -> Iterable[tuple[str, ...]]:
    """Return under which names a job is found together with others."""
    yield ("app", job.app)
    if job.state in ENDED:
        yield ("ended", job.app)
    if callbacks.is_due(job):
        yield ("callback",)
    if job.group:
        yield ("group", job.app, job.group)
    if job.schedule:
        yield ("schedule", job.app, job.schedule)
