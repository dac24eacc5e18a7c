"""The records in ZooKeeper, over kazoo.

Every write is a transaction that checks the epoch first, so that it fails as soon as another
framework leads, whichever record it is about; and it names the version that this process last saw.
A write whose answer was lost is settled by reading, before the next write of that znode.
"""

from collections.abc import Callable, Iterator, MutableMapping
from typing import TypeVar

import structlog
from kazoo.client import KazooClient, TransactionRequest
from kazoo.exceptions import (
    BadVersionError,
    KazooException,
    NodeExistsError,
    NoNodeError,
    NotEmptyError,
    RolledBackError,
)

from framework.errors import Superseded
from framework.ports import Stored
from framework.zookeeper_link import mapped
from prevs.paths import Paths
from prevs.records import (
    AppRecord,
    PlacementsRecord,
    PreviewRecord,
    ProxyRecord,
    RecordError,
)

log = structlog.get_logger(__name__)

R = TypeVar("R", AppRecord, PreviewRecord, PlacementsRecord)
Q = TypeVar("Q", AppRecord, PreviewRecord, PlacementsRecord, ProxyRecord)
Record = AppRecord | PreviewRecord | PlacementsRecord


class ZookeeperStore:
    """framework.ports.Store over a started client, for the one who leads. Used by one thread."""

    def __init__(self, client: KazooClient, paths: Paths, epoch: int) -> None:
        self._client = client
        self._paths = paths
        self._epoch = epoch
        self._versions: dict[str, int] = {}
        self._unsettled: dict[str, bytes | None] = {}

    def load(self) -> Stored:
        """Read everything anew. A record that is none is logged, and left out."""
        self._versions.clear()
        self._unsettled.clear()
        with mapped(self._client):
            for path in (self._paths.apps, self._paths.previews, self._paths.placements):
                self._client.ensure_path(path)
            self._client.ensure_path(self._paths.proxies)
            apps = self._read_own(self._paths.apps, AppRecord.decode)
            placements = self._read_own(self._paths.placements, PlacementsRecord.decode)
            previews = [
                preview
                for app in sorted(self._client.get_children(self._paths.previews))
                for preview in self._read_own(self._paths.app_previews(app), PreviewRecord.decode)
            ]
            versions = {p.app: self._versions[self._path(p)] for p in placements}
            return Stored(apps, previews, placements, self._read_framework_id(), versions)

    def save(self, record: Record) -> int:
        """Write a record; return its version."""
        return self._write(self._path(record), record.encode())

    def delete(self, record: Record) -> None:
        """Remove a record, and what an app has left when it is the app's."""
        path = self._path(record)
        with mapped(self._client):
            self._settle(path)
            request = self._fenced()
            request.delete(path, version=self._versions.get(path, -1))
            try:
                self._commit(request, path, None)
            except NoNodeError:
                pass  # somebody was faster: it is gone, which is what was asked for
            except BadVersionError:
                raise Superseded(path) from None
            self._versions.pop(path, None)
            if isinstance(record, AppRecord):
                self._remove_empty(self._paths.app_previews(record.name))

    def save_framework_id(self, framework_id: str) -> None:
        """Write the Mesos framework id."""
        self._write(self._paths.framework_id, framework_id.encode("ascii"))

    def proxies(self) -> list[ProxyRecord]:
        """Return what each live proxy has applied. One whose record is none counts for nothing."""
        with mapped(self._client):
            return [record for _, record in self._read(self._paths.proxies, ProxyRecord.decode)]

    def _path(self, record: Record) -> str:
        match record:
            case AppRecord():
                return self._paths.app(record.name)
            case PreviewRecord():
                return self._paths.preview(record.app, record.sha)
            case PlacementsRecord():
                return self._paths.app_placements(record.app)

    def _read_own(self, parent: str, decode: Callable[[bytes], R]) -> list[R]:
        """Read our records below `parent`; one that lies where another belongs is left out."""
        records: list[R] = []
        for path, record in self._read(parent, decode, versions=self._versions):
            if self._path(record) == path:
                records.append(record)
            else:
                log.warning("a record is left out", path=path, why="it is that of another path")
        return records

    def _read(
        self,
        parent: str,
        decode: Callable[[bytes], Q],
        *,
        versions: MutableMapping[str, int] | None = None,
    ) -> Iterator[tuple[str, Q]]:
        """Yield each readable record below `parent`; note the versions of all, for their owner."""
        children = [f"{parent}/{name}" for name in sorted(self._client.get_children(parent))]
        for path, asked in [(path, self._client.get_async(path)) for path in children]:
            try:
                data, stat = asked.get()
                if versions is not None:
                    versions[path] = stat.version
                yield path, decode(data)
            except NoNodeError:
                continue
            except RecordError as error:
                log.warning("a record is left out", path=path, why=str(error))

    def _read_framework_id(self) -> str | None:
        path = self._paths.framework_id
        try:
            data, stat = self._client.get(path)
        except NoNodeError:
            return None
        self._versions[path] = stat.version
        return data.decode("ascii") or None

    def _write(self, path: str, data: bytes) -> int:
        with mapped(self._client):
            self._settle(path)
            known = self._versions.get(path)
            request = self._fenced()
            if known is None:
                for parent in self._missing_parents(path):
                    request.create(parent)
                request.create(path, data)
            else:
                request.set_data(path, data, version=known)
            try:
                self._commit(request, path, data)
            except (NodeExistsError, NoNodeError, BadVersionError):
                raise Superseded(path) from None
            version = self._versions[path] = 0 if known is None else known + 1
            return version

    def _fenced(self) -> TransactionRequest:
        request = self._client.transaction()
        request.check(self._paths.leader, self._epoch)
        return request

    def _commit(self, request: TransactionRequest, path: str, data: bytes | None) -> None:
        """Do what `_fenced` began, a write of `path`; raise what ZooKeeper refused it for."""
        try:
            results = request.commit()
        except KazooException:
            self._unsettled[path] = data
            raise
        refusals = [result for result in results if isinstance(result, KazooException)]
        # Those before the one that failed say that they were rolled back.
        refusal = next((one for one in refusals if not isinstance(one, RolledBackError)), None)
        if refusal is not None and refusal is results[0]:
            raise Superseded(self._paths.leader)
        if refusal is not None:
            raise refusal

    def _missing_parents(self, path: str) -> list[str]:
        """Return the parents of a znode that are not there, the uppermost first."""
        parent = path.rpartition("/")[0]
        if not parent or self._client.exists(parent):
            return []
        return [*self._missing_parents(parent), parent]

    def _settle(self, path: str) -> None:
        """Find out whether the last write of a znode, whose answer was lost, has happened."""
        if path not in self._unsettled:
            return
        known = self._versions.get(path)
        try:
            data, stat = self._client.get(path)
        except NoNodeError:
            if known is not None and self._unsettled[path] is not None:
                raise Superseded(path) from None
            self._versions.pop(path, None)
        else:
            written = 0 if known is None else known + 1
            if stat.version != known and (stat.version, data) != (written, self._unsettled[path]):
                raise Superseded(path)
            self._versions[path] = stat.version
        del self._unsettled[path]

    def _remove_empty(self, path: str) -> None:
        request = self._fenced()
        request.delete(path)
        try:
            self._commit(request, path, None)
        except (NoNodeError, NotEmptyError):
            return
