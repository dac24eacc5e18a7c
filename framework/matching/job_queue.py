"""Which queued jobs may be placed now, in which order, and why others may not. No I/O."""

import heapq
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from framework.apps import effective_settings
from framework.jobs import ranks, schedule_orders
from framework.jobs.queued_jobs import Lane, LaneKey, find_lane
from framework.matching.agents import Home
from framework.matching.idle_executors import Sharing
from framework.matching.launch_queue import UNREADABLE
from framework.matching.match import Demand
from prevs.jobs import JobRecord
from prevs.records import AppRecord, PreviewRecord
from prevs.states import State
from prevs.units import Unit, job_unit, preview_unit

_RESERVED = -1
"""The place of a reserved job, which comes before the same one in its lane."""


class _Next(NamedTuple):
    """A job that may be the next one. They sort in the order in which jobs are served."""

    rank: int
    created: float
    app: str
    id: str
    place: int
    job: JobRecord
    lane: Lane | None


class JobQueue:
    """The demands of the queued jobs at `now` (seconds since the epoch), in order.

    A job comes after the one before it in its lane was placed: if that was refused, this one would
    be too. `reserved` jobs, for which room was made, come also if they are not the first. Of an
    app's jobs with the same `exclusive`, one has a task at a time. `held_back` is why some were
    left out so far. `find_preview` finds the preview of a commit.
    """

    def __init__(
        self,
        apps: Mapping[str, AppRecord],
        lanes: Collection[Lane],
        *,
        with_task: Iterable[JobRecord],
        reserved: Sequence[JobRecord] = (),
        find_preview: Callable[[Unit], PreviewRecord | None] = lambda _: None,
        now: float,
    ) -> None:
        self._apps = apps
        self._lanes = lanes
        self._reserved = reserved
        self._find_preview = find_preview
        self._now = now
        self._busy = Counter((job.app, job.terms.exclusive) for job in with_task)
        self._refused: Demand | None = None
        self._seen: dict[Unit, LaneKey] = {}
        self.held_back: dict[Unit, str] = {}

    def __bool__(self) -> bool:
        return bool(self._lanes or self._reserved)

    def refuse(self, demand: Demand) -> None:
        """Note that the demand that came last is not placed."""
        self._refused = demand

    def find_lane(self, unit: Unit) -> LaneKey | None:
        """Return the lane of a job whose demand has come."""
        return self._seen.get(unit)

    def __iter__(self) -> Iterator[Demand]:
        special = {(job.app, job.id) for job in self._reserved}
        waiting = [self._next(job, None, _RESERVED) for job in self._reserved]
        waiting += [self._next(lane[0], lane, 0) for lane in self._lanes]
        heapq.heapify(waiting)
        while waiting:
            one = heapq.heappop(waiting)
            is_placed = one.lane is not None and (one.app, one.id) in special
            if not is_placed:
                demand = self._find_demand(one.job)
                if demand is None:
                    continue
                yield demand
                is_placed = self._refused is not demand
                if is_placed:
                    self._busy[one.app, one.job.terms.exclusive] += 1
            place = one.place + 1
            if is_placed and one.lane is not None and place < len(one.lane):
                heapq.heappush(waiting, self._next(one.lane[place], one.lane, place))

    def _next(self, job: JobRecord, lane: Lane | None, place: int) -> _Next:
        return _Next(ranks.rank(job, self._now), job.created, job.app, job.id, place, job, lane)

    def _find_demand(self, job: JobRecord) -> Demand | None:
        """Return what a job needs, None if it is held back."""
        unit, app, group = job_unit(job.app, job.id), self._apps.get(job.app), job.terms.exclusive
        if app is None:
            self.held_back[unit] = UNREADABLE
            return None
        if group and self._busy[job.app, group]:
            self.held_back[unit] = _tell_busy(job)
            return None
        self._seen[unit] = find_lane(job)
        return _demand(app, job, unit, self._now, home=self._find_home(job))

    def _find_home(self, job: JobRecord) -> Home | None:
        """Return where the preview runs whose companions a job reaches; None if it has its own.

        It is of the same commit, or serves that too, and as trusted.
        """
        if not job.settings.run.companions:
            return None
        preview = self._find_preview(preview_unit(job.app, job.sha))
        if preview is None or preview.state is not State.RUNNING or not preview.task_id:
            return None
        if preview.stranger is not job.stranger or not preview.agent_id:
            return None
        unit, host = preview_unit(job.app, preview.sha), preview.agent_host or preview.agent_id
        return Home(preview.agent_id, host, unit, preview.task_id)


def list_waiting(queued: Iterable[JobRecord], now: float) -> list[JobRecord]:
    """Return the jobs that wait for an agent, in the order in which they are served."""
    return sort((job for job in queued if job.retry_at <= now), now)


def sort(queued: Iterable[JobRecord], now: float) -> list[JobRecord]:
    """Return queued jobs in the order in which they are served."""
    return sorted(queued, key=lambda job: (ranks.rank(job, now), job.created, job.app, job.id))


def _tell_busy(job: JobRecord) -> str:
    if job.terms.exclusive == schedule_orders.name_group(job.schedule):
        return (
            f"A job of its schedule {job.schedule!r} runs; it starts after that, as they run one "
            "at a time."
        )
    return f"Another job of its group {job.terms.exclusive!r} runs; it starts after that."


def _demand(app: AppRecord, job: JobRecord, unit: Unit, now: float, *, home: Home | None) -> Demand:
    cpus, mem = effective_settings.own_resources(app, job.terms)
    if home is None and job.settings.run.companions:
        cpus, mem = effective_settings.add_companions((cpus, mem), job.settings.run.companions)
    return Demand(
        unit=unit,
        cpus=cpus,
        mem=mem,
        ports=0,
        rank=ranks.rank(job, now),
        image_agent=job.agent_id,
        constraints=app.constraints,
        avoid_agent=job.avoid_agent,
        since=max(job.changed, job.retry_at),
        preemptible=job.terms.may_be_ended,
        sharing=find_sharing(app, job),
        home=home,
    )


def find_sharing(app: AppRecord, job: JobRecord) -> Sharing | None:
    """Return which jobs may be before this one in its executor; None if none may.

    What was sent to an executor that ends is lost, and nobody knows whether it had begun: a job
    that may not run twice, or not twice at a time, is worth an executor of its own.
    """
    if job.terms.once or job.terms.exclusive:
        return None
    return Sharing(app.name, app.created, job.stranger)
