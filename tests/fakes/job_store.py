"""The framework's JobStore in memory; tests/contract/test_job_store.py holds it to the real one."""

from collections.abc import Sequence

from framework.errors import Superseded, Unavailable
from framework.ports.jobs import JobsRecord, StoredJobs
from prevs.jobs import EndedJobsRecord, JobRecord, PayloadRecord, ResultRecord
from prevs.schedules import ScheduleRecord

Place = tuple[str, str, str]
_READ = ("job", "schedule")
"""What is read at takeover."""


class FakeJobStore:
    """A store that can be made unavailable, with or without the write that got no answer.

    `places` survives a framework: two stores over the same places are two frameworks.
    """

    def __init__(self, places: dict[Place, JobsRecord] | None = None) -> None:
        self.places = {} if places is None else places
        self.away = False
        self.loses_answers = False
        self.writes = 0
        self.reads = 0
        self._known: set[Place] = set()

    def load(self) -> StoredJobs:
        self._reach()
        self._known = {place for place in self.places if place[0] in _READ}
        blocks: dict[str, list[int]] = {}
        for record in self.places.values():
            if isinstance(record, EndedJobsRecord):
                blocks.setdefault(record.app, []).append(record.number)
        return StoredJobs(
            [one for one in self.places.values() if isinstance(one, JobRecord)],
            {app: sorted(numbers) for app, numbers in blocks.items()},
            [one for one in self.places.values() if isinstance(one, ScheduleRecord)],
        )

    def write(self, records: Sequence[JobsRecord], *, deleted: Sequence[JobsRecord] = ()) -> None:
        self._reach()
        for record in records:
            place = _place(record)
            if place[0] in _READ and (place in self.places) != (place in self._known):
                raise Superseded("/".join(place))
        for record in records:
            self.places[_place(record)] = record
            self._known.add(_place(record))
        for record in deleted:
            self.places.pop(_place(record), None)
            self._known.discard(_place(record))
        self.writes += 1
        if self.loses_answers:
            raise Unavailable("ZooKeeper")

    def payload(self, app: str, job_id: str) -> PayloadRecord | None:
        found = self._read(("payload", app, job_id))
        return found if isinstance(found, PayloadRecord) else None

    def result(self, app: str, job_id: str) -> ResultRecord | None:
        found = self._read(("result", app, job_id))
        return found if isinstance(found, ResultRecord) else None

    def block(self, app: str, number: int) -> EndedJobsRecord | None:
        found = self._read(("block", app, str(number)))
        return found if isinstance(found, EndedJobsRecord) else None

    def _read(self, place: Place) -> JobsRecord | None:
        self._reach()
        self.reads += 1
        return self.places.get(place)

    def _reach(self) -> None:
        if self.away:
            raise Unavailable("ZooKeeper")


def _place(record: JobsRecord) -> Place:
    match record:
        case JobRecord():
            return ("job", record.app, record.id)
        case EndedJobsRecord():
            return ("block", record.app, str(record.number))
        case PayloadRecord():
            return ("payload", record.app, record.id)
        case ResultRecord():
            return ("result", record.app, record.id)
        case ScheduleRecord():
            return ("schedule", record.app, record.name)
