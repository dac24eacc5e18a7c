"""What a status of a task that is alive says of its unit. Pure."""

import dataclasses
from collections.abc import Mapping
from typing import TypeVar

from framework.jobs import transitions as of_jobs
from framework.ports.tasks import StatusKind, TaskStatus
from framework.preview import transitions as of_previews
from framework.units.lifecycle import Event
from framework.units.transitions import Transition
from prevs.jobs import JobRecord
from prevs.records import PreviewRecord

EVENTS: Mapping[StatusKind, Event] = {
    StatusKind.ALIVE: Event.ALIVE,
    StatusKind.BUILDING: Event.BUILDING,
    StatusKind.STARTING: Event.STARTING,
    StatusKind.HEALTHY: Event.RUNS,
    StatusKind.UNHEALTHY: Event.ALIVE,
}
"""What a preview's task does, by its status. One that is not healthy serves nobody."""
_JOB_EVENTS = {**EVENTS, StatusKind.UNHEALTHY: Event.RUNS}
"""Nobody waits for a job to answer: its command runs, healthy or not."""

_Unit = TypeVar("_Unit", PreviewRecord, JobRecord)


def read(unit: _Unit, status: TaskStatus, now: float) -> Transition[_Unit]:
    """Return what a unit's task does, from a status whose kind is in EVENTS."""
    phase, detail = status.phase, status.detail
    if isinstance(unit, JobRecord):
        event = _JOB_EVENTS[status.kind]
        return of_jobs.Reported(event, now, phase, detail, status.progress)
    return of_previews.Reported(EVENTS[status.kind], now, phase, detail, status.began)


def with_findings(unit: _Unit, status: TaskStatus) -> _Unit:
    """Return a unit with what its executor has found out, once or with each status."""
    digest = status.digest or unit.digest
    if isinstance(unit, JobRecord):
        return unit if digest == unit.digest else dataclasses.replace(unit, digest=digest)
    return dataclasses.replace(
        unit,
        digest=digest,
        protocol=status.protocol or unit.protocol,
        memory_kills=max(status.memory_kills, unit.memory_kills),
    )
