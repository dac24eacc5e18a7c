"""The framework's Store in memory; tests/contract/test_store.py holds it against the real one."""

from collections.abc import Sequence

from framework.errors import Superseded, Unavailable
from framework.ports import Record, Stored
from framework.ports.jobs import JobsRecord
from prevs.access import AccessRecord
from prevs.gates import GateRecord
from prevs.pulls import PullRecord, RepositoryRecord
from prevs.records import (
    AgentsRecord,
    AppRecord,
    PlacementsRecord,
    PreviewRecord,
    ProxyRecord,
    SecretsRecord,
    TokenRecord,
)
from prevs.roles import RoleRecord
from prevs.stacks import StackRecord
from tests.fakes.job_store import FakeJobStore, Place


class FakeZnodes:
    """What survives a framework: two stores over the same znodes are two frameworks."""

    def __init__(self) -> None:
        self.records: dict[tuple[str, ...], tuple[Record, int]] = {}
        self.jobs: dict[Place, JobsRecord] = {}
        self.framework_id: str | None = None
        self.epoch = 0
        self.proxies: list[ProxyRecord] = []

    def values(self) -> dict[tuple[str, ...], Record]:
        """Return the records without their versions."""
        return {key: record for key, (record, _) in self.records.items()}


class FakeStore:
    """A store that can be made unavailable, and that counts its writes."""

    def __init__(self, znodes: FakeZnodes | None = None) -> None:
        self.znodes = znodes or FakeZnodes()
        self.epoch = self.znodes.epoch
        self.jobs = FakeJobStore(self.znodes.jobs)
        self._away = False
        self.written: list[Record] = []
        self.writes = 0
        self._versions: dict[tuple[str, ...], int] = {}

    @property
    def away(self) -> bool:
        return self._away

    @away.setter
    def away(self, away: bool) -> None:
        self._away = self.jobs.away = away

    def load(self) -> Stored:
        self._reach()
        self._versions = {key: version for key, (_, version) in self.znodes.records.items()}
        records = [record for record, _ in self.znodes.records.values()]
        return Stored(
            apps=[r for r in records if isinstance(r, AppRecord)],
            previews=[r for r in records if isinstance(r, PreviewRecord)],
            placements=[r for r in records if isinstance(r, PlacementsRecord)],
            tokens=[r for r in records if isinstance(r, TokenRecord)],
            secrets=[r for r in records if isinstance(r, SecretsRecord)],
            access=[r for r in records if isinstance(r, AccessRecord)],
            pulls=[r for r in records if isinstance(r, PullRecord)],
            roles=[r for r in records if isinstance(r, RoleRecord)],
            repositories=[r for r in records if isinstance(r, RepositoryRecord)],
            gates=[r for r in records if isinstance(r, GateRecord)],
            stacks=[r for r in records if isinstance(r, StackRecord)],
            agents=next((r for r in records if isinstance(r, AgentsRecord)), AgentsRecord()),
            framework_id=self.znodes.framework_id,
            jobs=self.jobs.load(),
            versions={
                r.app: self._versions[_key(r)] for r in records if isinstance(r, PlacementsRecord)
            },
        )

    def save(self, record: Record) -> int:
        self.save_all([record])
        return self._versions[_key(record)]

    def save_all(self, records: Sequence[Record]) -> None:
        self._reach(writing=True)
        for key in map(_key, records):
            if self.znodes.records.get(key, (None, None))[1] != self._versions.get(key):
                raise Superseded("/".join(key))
        for record in records:
            key = _key(record)
            self._versions[key] = self._versions.get(key, -1) + 1
            self.znodes.records[key] = (record, self._versions[key])
        self.written += records
        self.writes += 1

    def delete(self, record: Record) -> None:
        self._reach(writing=True)
        key = _key(record)
        if key in self.znodes.records and self.znodes.records[key][1] != self._versions.get(key):
            raise Superseded("/".join(key))
        self.znodes.records.pop(key, None)
        self._versions.pop(key, None)

    def save_framework_id(self, framework_id: str) -> None:
        self._reach(writing=True)
        self.znodes.framework_id = framework_id

    def proxies(self) -> Sequence[ProxyRecord]:
        self._reach()
        return tuple(self.znodes.proxies)

    def _reach(self, *, writing: bool = False) -> None:
        if self._away:
            raise Unavailable("ZooKeeper")
        if writing and self.epoch != self.znodes.epoch:
            raise Superseded("framework/leader")


def _key(record: Record) -> tuple[str, ...]:  # noqa: PLR0911 - one for each record
    match record:
        case AgentsRecord():
            return ("agents",)
        case AppRecord():
            return ("apps", record.name)
        case GateRecord():
            return ("gates", record.name)
        case PreviewRecord():
            return ("previews", record.app, record.sha)
        case PlacementsRecord():
            return ("placements", record.app)
        case PullRecord():
            return ("pulls", record.app, str(record.number))
        case RepositoryRecord():
            return ("repositories", record.app)
        case StackRecord():
            return ("stacks", record.name)
        case TokenRecord():
            return ("tokens", record.name)
        case RoleRecord():
            return ("roles", record.id)
        case SecretsRecord():
            return ("secrets", record.app)
        case AccessRecord():
            return ("access", record.app)
