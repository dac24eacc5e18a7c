"""Which queued jobs may be placed now, in which order, and why others may not. No I/O."""

from collections import Counter
from collections.abc import Iterable, Mapping

from framework.jobs import ranks, schedule_orders
from framework.matching.launch_queue import UNREADABLE, LaunchQueue
from framework.matching.match import Demand
from prevs.jobs import JobRecord
from prevs.records import AppRecord
from prevs.units import Unit, job_unit


def build_job_queue(
    apps: Mapping[str, AppRecord],
    queued: Iterable[JobRecord],
    with_task: Iterable[JobRecord],
    now: float,
) -> LaunchQueue:
    """Return the launch queue at `now` (seconds since the epoch) of the `queued` jobs.

    Of an app's jobs with the same `exclusive`, one has a task at a time.
    """
    demands: list[Demand] = []
    held_back: dict[Unit, str] = {}
    busy = Counter((job.app, job.terms.exclusive) for job in with_task if job.terms.exclusive)
    for job in sort(queued, now):
        unit, app, group = job_unit(job.app, job.id), apps.get(job.app), job.terms.exclusive
        if app is None:
            held_back[unit] = UNREADABLE
        elif job.retry_at > now:
            continue
        elif group and busy[job.app, group]:
            held_back[unit] = _tell_busy(job)
        else:
            busy[job.app, group] += 1
            demands.append(_demand(app, job, unit, now))
    return LaunchQueue(tuple(demands), held_back)


def sort(queued: Iterable[JobRecord], now: float) -> list[JobRecord]:
    """Return queued jobs in the order in which they are served."""
    return sorted(queued, key=lambda job: (ranks.rank(job, now), job.created, job.app, job.id))


def places(queued: Iterable[JobRecord], now: float) -> Mapping[Unit, int]:
    """Return the place among jobs of each that waits for an agent; 1 is the next."""
    waits = [job for job in sort(queued, now) if job.retry_at <= now]
    return {job_unit(job.app, job.id): place for place, job in enumerate(waits, 1)}


def _tell_busy(job: JobRecord) -> str:
    if job.terms.exclusive == schedule_orders.name_group(job.schedule):
        return (
            f"A job of its schedule {job.schedule!r} runs; it starts after that, as they run one "
            "at a time."
        )
    return f"Another job of its group {job.terms.exclusive!r} runs; it starts after that."


def _demand(app: AppRecord, job: JobRecord, unit: Unit, now: float) -> Demand:
    cpus, mem = job.terms.cpus, job.terms.mem
    return Demand(
        unit=unit,
        cpus=app.cpus if cpus is None else cpus,
        mem=app.mem if mem is None else mem,
        ports=0,
        rank=ranks.rank(job, now),
        image_agent=job.agent_id,
        constraints=app.constraints,
        avoid_agent=job.avoid_agent,
        since=max(job.changed, job.retry_at),
    )
