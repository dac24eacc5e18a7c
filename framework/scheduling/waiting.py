"""What waits, whatever its kind: a preview or a job. Service thread only."""

from framework.state.records import Records
from prevs.jobs import JobRecord, JobState
from prevs.records import PreviewRecord
from prevs.states import State
from prevs.units import Unit, UnitKind


def find(records: Records, unit: Unit) -> PreviewRecord | JobRecord | None:
    """Return the preview or job of a unit; None if there is none."""
    if unit.kind is UnitKind.JOB:
        return records.jobs.find(unit.app, unit.name)
    return records.find(unit)


def is_queued(records: Records, unit: Unit) -> bool:
    """Return whether a preview or job waits for an attempt."""
    found = find(records, unit)
    return found is not None and found.state in (State.QUEUED, JobState.QUEUED)
