"""The queued jobs, in lanes that keep their order while time passes. No I/O.

All jobs of a lane want the same from the same app, with the same priority. A rank rises with the
age of a job (ranks.py), so within a lane the oldest is always the first, and nothing has to be
sorted again. Who decides looks at the first of each lane, however many wait.
"""

import heapq
from bisect import bisect_left, insort
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple, TypeVar

from prevs import names
from prevs.jobs import JobRecord

JobKey = tuple[str, str]
"""A job: (app, id)."""


class LaneKey(NamedTuple):
    """What the jobs of a lane have in common. `cpus` and `mem` are as in JobSettings.

    Only `preemptible` jobs may use revocable CPUs. `commit` is that whose companions they reach, ""
    if they need none.
    """

    app: str
    priority: int
    exclusive: str
    cpus: float | None
    mem: int | None
    preemptible: bool
    commit: str = ""


def find_lane(job: JobRecord) -> LaneKey:
    """Return which lane a job belongs to."""
    terms = job.terms
    share = (terms.cpus, terms.mem, terms.may_be_ended)
    commit = job.sha if job.settings.run.companions else ""
    return LaneKey(job.app, terms.priority, terms.exclusive, *share, commit)


class Lane:
    """Jobs that want the same, in the order in which they are served."""

    def __init__(self, key: LaneKey) -> None:
        self.key = key
        self._order: list[tuple[float, str]] = []
        self._jobs: dict[str, JobRecord] = {}

    def __len__(self) -> int:
        return len(self._order)

    def __getitem__(self, place: int) -> JobRecord:
        return self._jobs[self._order[place][1]]

    def put(self, job: JobRecord) -> None:
        """Add a job that the lane does not have."""
        insort(self._order, (job.created, job.id))
        self._jobs[job.id] = job

    def drop(self, job: JobRecord) -> bool:
        """Remove a job; return whether the lane had it."""
        if self._jobs.pop(job.id, None) is None:
            return False
        del self._order[bisect_left(self._order, (job.created, job.id))]
        return True


class _DueTimes:
    """Jobs, each with the time at which something of it is due."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, JobKey]] = []
        self._known: set[tuple[float, JobKey]] = set()

    def add(self, at: float, key: JobKey) -> None:
        if (at, key) not in self._known:  # a job that waits is replaced again and again
            self._known.add((at, key))
            heapq.heappush(self._heap, (at, key))

    def take(self, now: float) -> Sequence[JobKey]:
        """Return what is due, and forget it."""
        found = []
        while self._heap and self._heap[0][0] <= now:
            due = heapq.heappop(self._heap)
            self._known.remove(due)
            found.append(due[1])
        return found


class QueuedJobs:
    """The jobs in the state queued, each once."""

    def __init__(self) -> None:
        self._lanes: dict[LaneKey, Lane] = {}
        self._of_app: dict[str, dict[JobKey, JobRecord]] = {}
        self._of_strangers: dict[tuple[object, ...], dict[JobKey, JobRecord]] = {}
        self._paused: dict[JobKey, JobRecord] = {}
        self._pause_ends, self._expiries = _DueTimes(), _DueTimes()
        self._overdue: dict[JobKey, None] = {}

    @property
    def apps(self) -> Collection[str]:
        """The apps that have queued jobs."""
        return tuple(self._of_app)

    def of_app(self, app: str) -> Collection[JobRecord]:
        """Return the queued jobs of an app."""
        return tuple(self._of_app.get(app, {}).values())

    def has_of(self, app: str) -> bool:
        """Return whether an app has queued jobs."""
        return app in self._of_app

    def lanes(self, now: float) -> Collection[Lane]:
        """Return the lanes of the jobs that may start, those included whose pause has ended."""
        for key in self._pause_ends.take(now):
            job = self._paused.get(key)
            if job is not None and job.retry_at <= now:
                del self._paused[key]
                self._join(job)
        return self._lanes.values()

    def first_alike(self, job: JobRecord) -> JobRecord | None:
        """Return the first job of a job's lane."""
        lane = self._lanes.get(find_lane(job))
        return lane[0] if lane else None

    def expired(self, now: float) -> Sequence[JobRecord]:
        """Return the jobs that were not started in time."""
        self._overdue |= dict.fromkeys(self._expiries.take(now))
        found = (self._of_app.get(key[0], {}).get(key) for key in self._overdue)
        return [job for job in found if job is not None]

    def of_pulls(self) -> Collection[Collection[JobRecord]]:
        """Return the jobs whose commits only pull requests reach, those of a commit together."""
        return [tuple(jobs.values()) for jobs in self._of_strangers.values()]

    def put(self, job: JobRecord) -> None:
        """Add a queued job that is not there."""
        key = (job.app, job.id)
        self._of_app.setdefault(job.app, {})[key] = job
        if names.find_pull(job.refs):
            self._of_strangers.setdefault(_commit_of(job), {})[key] = job
        if job.terms.expires and not job.tries:
            self._expiries.add(job.created + job.terms.expires, key)
        if job.retry_at:
            self._paused[key] = job
            self._pause_ends.add(job.retry_at, key)
        else:
            self._join(job)

    def drop(self, job: JobRecord) -> None:
        """Remove a job that is there."""
        key = (job.app, job.id)
        _discard(self._of_app, job.app, key)
        _discard(self._of_strangers, _commit_of(job), key)
        self._paused.pop(key, None)
        self._overdue.pop(key, None)
        lane = self._lanes.get(find_lane(job))
        if lane is not None and lane.drop(job) and not len(lane):
            del self._lanes[lane.key]

    def _join(self, job: JobRecord) -> None:
        key = find_lane(job)
        if key not in self._lanes:
            self._lanes[key] = Lane(key)
        self._lanes[key].put(job)


def list_first(jobs: Iterable[JobRecord]) -> Mapping[LaneKey, JobRecord]:
    """Return the first job of each lane, of `jobs` in order."""
    found: dict[LaneKey, JobRecord] = {}
    for job in jobs:
        found.setdefault(find_lane(job), job)
    return found


def _commit_of(job: JobRecord) -> tuple[object, ...]:
    return (job.app, job.sha, job.refs, job.stranger)


K = TypeVar("K")


def _discard(jobs: dict[K, dict[JobKey, JobRecord]], name: K, key: JobKey) -> None:
    """Remove a job from those of a name, and the name with its last job."""
    if name in jobs:
        jobs[name].pop(key, None)
        if not jobs[name]:
            del jobs[name]
