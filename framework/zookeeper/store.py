"""The records in ZooKeeper, over kazoo.

All writes go through FencedWrites: none succeeds once another framework leads.
"""

from collections.abc import (
    Callable,
    Iterable,
    Iterator,
    MutableMapping,
    Sequence,
)
from typing import TypeVar

import structlog
from kazoo.client import KazooClient
from kazoo.exceptions import NoNodeError

from framework.ports import Record, Stored
from framework.zookeeper.connection import mapped
from framework.zookeeper.fenced_writes import FencedWrites
from framework.zookeeper.job_store import ZookeeperJobStore
from framework.zookeeper.rights import Rights
from prevs.access import Access, AccessRecord
from prevs.gates import GateRecord
from prevs.paths import Paths
from prevs.pulls import PullRecord, RepositoryRecord
from prevs.records import (
    AgentsRecord,
    AppRecord,
    PlacementsRecord,
    PreviewRecord,
    ProxyRecord,
    RecordError,
    SecretsRecord,
    TokenRecord,
)
from prevs.roles import RoleRecord
from prevs.stacks import StackRecord

log = structlog.get_logger(__name__)

R = TypeVar(
    "R",
    AccessRecord,
    AppRecord,
    GateRecord,
    PreviewRecord,
    PlacementsRecord,
    PullRecord,
    RepositoryRecord,
    RoleRecord,
    TokenRecord,
    SecretsRecord,
    StackRecord,
)
Q = TypeVar(
    "Q",
    AccessRecord,
    AppRecord,
    GateRecord,
    PreviewRecord,
    PlacementsRecord,
    PullRecord,
    RepositoryRecord,
    RoleRecord,
    TokenRecord,
    SecretsRecord,
    StackRecord,
    ProxyRecord,
)


class ZookeeperStore:
    """framework.ports.Store over a started client, for the leader. Used by one thread.

    The znodes that it makes get `rights`, if there are any.
    """

    def __init__(
        self, client: KazooClient, paths: Paths, epoch: int, rights: Rights | None = None
    ) -> None:
        self._client = client
        self._paths = paths
        self._writes = FencedWrites(client, paths.leader, epoch, rights)
        self._versions = self._writes.versions
        self.jobs = ZookeeperJobStore(client, paths, epoch, rights)

    def load(self) -> Stored:
        """Read everything. A record that cannot be read is logged and left out."""
        self._writes.forget()
        with mapped(self._client):
            paths = self._paths
            own = (paths.apps, paths.previews, paths.placements, paths.tokens, paths.secrets)
            more = (paths.roles, paths.access, paths.pulls, paths.repositories, paths.gates)
            for path in (*own, *more, paths.stacks, paths.proxies):
                self._client.ensure_path(path)
            apps = self._read_own(self._paths.apps, AppRecord.decode)
            tokens = self._read_own(paths.tokens, TokenRecord.decode)
            roles = self._read_own(paths.roles, RoleRecord.decode)
            secrets = self._read_secrets()
            placements = self._read_own(self._paths.placements, PlacementsRecord.decode)
            previews = self._read_by_app(paths.previews, PreviewRecord.decode)
            pulls = self._read_by_app(paths.pulls, PullRecord.decode)
            versions = {p.app: self._versions[self._path(p)] for p in placements}
            known = self._read_framework_id()
            return Stored(
                apps,
                previews,
                placements,
                known or None,
                versions,
                forgotten=known == "",
                tokens=tokens,
                secrets=secrets,
                agents=self._read_agents(),
                access=self._read_access(),
                pulls=pulls,
                roles=roles,
                jobs=self.jobs.load(),
                repositories=self._read_own(paths.repositories, RepositoryRecord.decode),
                gates=self._read_own(paths.gates, GateRecord.decode),
                stacks=self._read_own(paths.stacks, StackRecord.decode),
            )

    def save(self, record: Record) -> int:
        """Write a record; return its version."""
        path = self._path(record)
        self._writes.write({path: record.encode()})
        return self._versions[path]

    def save_all(self, records: Sequence[Record]) -> None:
        """Write several records, all of them or none."""
        self._writes.write({self._path(record): record.encode() for record in records})

    def delete(self, record: Record) -> None:
        """Remove a record; with an app's record, also the empty parents of its other records."""
        self._writes.delete(self._path(record))
        if isinstance(record, AppRecord):
            for parent in self._paths.app_parents(record.name):
                self._writes.delete_empty(parent)

    def save_framework_id(self, framework_id: str) -> None:
        """Write the Mesos framework id."""
        self._writes.write({self._paths.framework_id: framework_id.encode("ascii")})

    def proxies(self) -> list[ProxyRecord]:
        """Return what each live proxy has applied; a record that cannot be read is left out."""
        with mapped(self._client):
            return [record for _, record in self._read(self._paths.proxies, ProxyRecord.decode)]

    def _path(self, record: Record) -> str:  # noqa: PLR0911 - one for each record
        match record:
            case AgentsRecord():
                return self._paths.agents
            case AppRecord():
                return self._paths.app(record.name)
            case GateRecord():
                return self._paths.gate(record.name)
            case PreviewRecord():
                return self._paths.preview(record.app, record.sha)
            case PlacementsRecord():
                return self._paths.app_placements(record.app)
            case PullRecord():
                return self._paths.pull(record.app, record.number)
            case RepositoryRecord():
                return self._paths.app_repository(record.app)
            case TokenRecord():
                return self._paths.token(record.name)
            case RoleRecord():
                return self._paths.role(record.id)
            case SecretsRecord():
                return self._paths.app_secrets(record.app)
            case AccessRecord():
                return self._paths.app_access(record.app)
            case StackRecord():
                return self._paths.stack(record.name)

    def _read_own(self, parent: str, decode: Callable[[bytes], R]) -> list[R]:
        """Read our records below `parent`; one at the path of another record is left out."""
        records: list[R] = []
        for path, record in self._read(parent, decode, versions=self._versions):
            if self._path(record) == path:
                records.append(record)
            else:
                log.warning("a record is left out", path=path, why="it belongs to another path")
        return records

    def _read_by_app(self, parent: str, decode: Callable[[bytes], R]) -> list[R]:
        """Read the records below one znode per app."""
        apps = sorted(self._client.get_children(parent))
        return [record for app in apps for record in self._read_own(f"{parent}/{app}", decode)]

    def _read_secrets(self) -> list[SecretsRecord]:
        """Read what apps are given; a record that cannot be read comes with an empty `sealed`."""
        found = self._read_own(self._paths.secrets, SecretsRecord.decode)
        left_out = self._find_left_out(self._paths.secrets, found)
        return [*found, *(SecretsRecord(app, "") for app in left_out)]

    def _read_access(self) -> list[AccessRecord]:
        """Read who may look; a record that cannot be read comes without a signature, and closed."""
        found = self._read_own(self._paths.access, AccessRecord.decode)
        left_out = self._find_left_out(self._paths.access, found)
        return [*found, *(AccessRecord(app, Access.PASSWORD) for app in left_out)]

    def _find_left_out(
        self, parent: str, found: Iterable[AccessRecord | SecretsRecord]
    ) -> Sequence[str]:
        """Return the apps whose record below `parent` was read, and is not among those `found`."""
        below = f"{parent}/"
        there = {path.removeprefix(below) for path in self._versions if path.startswith(below)}
        return sorted(there - {record.app for record in found})

    def _read(
        self,
        parent: str,
        decode: Callable[[bytes], Q],
        *,
        versions: MutableMapping[str, int] | None = None,
    ) -> Iterator[tuple[str, Q]]:
        """Yield each readable record below `parent`; note the versions of all in `versions`."""
        children = [f"{parent}/{name}" for name in sorted(self._client.get_children(parent))]
        for path, answer in [(path, self._client.get_async(path)) for path in children]:
            try:
                data, stat = answer.get()
                if versions is not None:
                    versions[path] = stat.version
                yield path, decode(data)
            except NoNodeError:
                continue
            except RecordError as error:
                log.warning("a record is left out", path=path, why=str(error))

    def _read_framework_id(self) -> str | None:
        """Return the framework id; "" if an operator removed it, None if there is none."""
        path = self._paths.framework_id
        try:
            data, stat = self._client.get(path)
        except NoNodeError:
            return None
        self._versions[path] = stat.version
        return data.decode("ascii")

    def _read_agents(self) -> AgentsRecord:
        path = self._paths.agents
        try:
            data, stat = self._client.get(path)
            self._versions[path] = stat.version
            return AgentsRecord.decode(data)
        except NoNodeError:
            return AgentsRecord()
        except RecordError as error:
            log.warning("a record is left out", path=path, why=str(error))
            return AgentsRecord()
