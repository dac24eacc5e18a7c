"""The records of jobs and schedules in ZooKeeper, over kazoo.

Schedules, and jobs that run or have ended lately, have a znode each and are read at takeover.
Blocks, payloads and results are read only when somebody asks for them.
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

import structlog
from kazoo.client import KazooClient
from kazoo.exceptions import NoNodeError

from framework.ports.jobs import JobsRecord, StoredJobs
from framework.zookeeper.connection import mapped
from framework.zookeeper.fenced_writes import FencedWrites
from framework.zookeeper.rights import Rights
from prevs.jobs import EndedJobsRecord, JobRecord, PayloadRecord, ResultRecord
from prevs.paths import Paths
from prevs.records import RecordError
from prevs.schedules import ScheduleRecord

log = structlog.get_logger(__name__)

R = TypeVar("R", EndedJobsRecord, PayloadRecord, ResultRecord)
T = TypeVar("T", JobRecord, ScheduleRecord)


class ZookeeperJobStore:
    """framework.ports.JobStore over a started client, for the leader. Used by one thread."""

    def __init__(
        self, client: KazooClient, paths: Paths, epoch: int, rights: Rights | None = None
    ) -> None:
        self._client = client
        self._paths = paths
        self._writes = FencedWrites(client, paths.leader, epoch, rights)

    def load(self) -> StoredJobs:
        """Read all schedules, and the jobs that are in no block.

        A record that cannot be read is logged and left out.
        """
        self._writes.forget()
        with mapped(self._client):
            for path in (self._paths.jobs, self._paths.ended_jobs, self._paths.schedules):
                self._client.ensure_path(path)
            jobs = self._read_by_app(self._paths.jobs, JobRecord.decode)
            schedules = self._read_by_app(self._paths.schedules, ScheduleRecord.decode)
            blocks = {app: self._blocks_of(app) for app in self._children(self._paths.ended_jobs)}
        known = {app: numbers for app, numbers in blocks.items() if numbers}
        return StoredJobs(jobs, known, schedules)

    def write(self, records: Sequence[JobsRecord], *, deleted: Sequence[JobsRecord] = ()) -> None:
        """Write some records and remove others, all or none."""
        contents = {self._path(record): record.encode() for record in records}
        gone = [self._path(record) for record in deleted]
        # Jobs and schedules were read at takeover; of the others, one may be there from before.
        unread = [
            path
            for record, path in zip((*records, *deleted), (*contents, *gone), strict=True)
            if not isinstance(record, JobRecord | ScheduleRecord)
        ]
        self._writes.learn(unread)
        self._writes.write(contents, deleted=gone)

    def payload(self, app: str, job_id: str) -> PayloadRecord | None:
        """Read what a job's command gets."""
        return self._read(self._paths.payload(app, job_id), PayloadRecord.decode)

    def result(self, app: str, job_id: str) -> ResultRecord | None:
        """Read what a job's command left."""
        return self._read(self._paths.result(app, job_id), ResultRecord.decode)

    def block(self, app: str, number: int) -> EndedJobsRecord | None:
        """Read a block of ended jobs."""
        path = self._paths.ended_jobs_block(app, number)
        return self._read(path, EndedJobsRecord.decode)

    def _read_by_app(self, parent: str, decode: Callable[[bytes], T]) -> list[T]:
        """Read the records below one znode per app."""
        apps = [f"{parent}/{app}" for app in self._children(parent)]
        paths = [f"{app}/{name}" for app in apps for name in self._children(app)]
        found: list[T] = []
        for path, answer in [(path, self._client.get_async(path)) for path in paths]:
            try:
                data, stat = answer.get()
                self._writes.versions[path] = stat.version
                record = decode(data)
            except NoNodeError:
                continue
            except RecordError as error:
                log.warning("a record is left out", path=path, why=str(error))
                continue
            if self._path(record) == path:
                found.append(record)
            else:
                log.warning("a record is left out", path=path, why="it belongs to another path")
        return found

    def _blocks_of(self, app: str) -> list[int]:
        names = self._children(f"{self._paths.ended_jobs}/{app}")
        return [int(name) for name in names if name.isdecimal()]

    def _children(self, parent: str) -> list[str]:
        return sorted(self._client.get_children(parent))

    def _read(self, path: str, decode: Callable[[bytes], R]) -> R | None:
        with mapped(self._client):
            try:
                data, _ = self._client.get(path)
                return decode(data)
            except NoNodeError:
                return None
            except RecordError as error:
                log.warning("a record is left out", path=path, why=str(error))
                return None

    def _path(self, record: JobsRecord) -> str:
        match record:
            case JobRecord():
                return self._paths.job(record.app, record.id)
            case EndedJobsRecord():
                return self._paths.ended_jobs_block(record.app, record.number)
            case PayloadRecord():
                return self._paths.payload(record.app, record.id)
            case ResultRecord():
                return self._paths.result(record.app, record.id)
            case ScheduleRecord():
                return self._paths.schedule(record.app, record.name)
