"""The records in ZooKeeper, over kazoo. The only module of the framework that knows kazoo.

Every write names the version that this process last saw, so that two frameworks at one root can
never undo each other's writes. A write whose answer was lost is settled by reading, before the
next write of that znode.
"""

from collections.abc import Callable, Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any, TypeVar

import structlog
from kazoo.client import KazooClient, KazooState
from kazoo.exceptions import (
    BadVersionError,
    KazooException,
    NodeExistsError,
    NoNodeError,
    NotEmptyError,
)
from kazoo.handlers.threading import KazooTimeoutError

from framework import events
from framework.errors import SessionLost, Superseded, Unavailable
from framework.ports import Stored
from prevs.paths import Paths
from prevs.records import (
    AppRecord,
    PlacementsRecord,
    PreviewRecord,
    ProxyRecord,
    RecordError,
)

log = structlog.get_logger(__name__)

SESSION_SECONDS = 10.0

R = TypeVar("R", AppRecord, PreviewRecord, PlacementsRecord)
Q = TypeVar("Q", AppRecord, PreviewRecord, PlacementsRecord, ProxyRecord)
Record = AppRecord | PreviewRecord | PlacementsRecord


def connect(hosts: str, timeout: float) -> KazooClient:
    """Return a started client. Raises Unavailable after `timeout` seconds without an answer."""
    client = KazooClient(hosts=hosts, timeout=SESSION_SECONDS)
    try:
        client.start(timeout=timeout)
    except KazooTimeoutError:
        client.close()
        raise Unavailable(f"ZooKeeper ({hosts})") from None
    return client


class ZookeeperStore:
    """framework.ports.Store over a started client. Used by one thread."""

    def __init__(self, client: KazooClient, paths: Paths) -> None:
        self._client = client
        self._paths = paths
        self._versions: dict[str, int] = {}
        self._unsettled: dict[str, bytes | None] = {}

    def watch_link(self, submit: Callable[[events.Event], None]) -> None:
        """Have changes of the link submitted as events, from kazoo's thread."""

        def changed(state: str) -> None:
            if state == KazooState.SUSPENDED:
                submit(events.StoreSuspended())
            elif state == KazooState.LOST:
                submit(events.Ended(SessionLost()))
            else:
                submit(events.StoreResumed())

        self._client.add_listener(changed)

    def load(self) -> Stored:
        """Read everything anew. A record that is none is logged, and left out."""
        self._versions.clear()
        self._unsettled.clear()
        with self._mapped():
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
            return Stored(apps, previews, placements, self._read_framework_id())

    def save(self, record: Record) -> int:
        """Write a record; return its version."""
        return self._write(self._path(record), record.encode())

    def delete(self, record: Record) -> None:
        """Remove a record, and what an app has left when it is the app's."""
        path = self._path(record)
        with self._mapped():
            self._settle(path)
            try:
                self._client.delete(path, version=self._versions.get(path, -1))
            except NoNodeError:
                pass  # somebody was faster: it is gone, which is what was asked for
            except BadVersionError:
                raise Superseded(path) from None
            except KazooException:
                self._unsettled[path] = None
                raise
            self._versions.pop(path, None)
            if isinstance(record, AppRecord):
                self._remove_empty(self._paths.app_previews(record.name))

    def save_framework_id(self, framework_id: str) -> None:
        """Write the Mesos framework id."""
        self._write(self._paths.framework_id, framework_id.encode("ascii"))

    def proxies(self) -> list[ProxyRecord]:
        """Return what each live proxy has applied. One whose record is none counts for nothing."""
        with self._mapped():
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
        for name in sorted(self._client.get_children(parent)):
            path = f"{parent}/{name}"
            try:
                data, stat = self._client.get(path)
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
        with self._mapped():
            self._settle(path)
            known = self._versions.get(path)
            try:
                if known is None:
                    self._client.create(path, data, makepath=True)
                    version = 0
                else:
                    version = self._client.set(path, data, version=known).version
            except (NodeExistsError, NoNodeError, BadVersionError):
                raise Superseded(path) from None
            except KazooException:
                self._unsettled[path] = data
                raise
            self._versions[path] = version
            return version

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
        try:
            self._client.delete(path)
        except (NoNodeError, NotEmptyError):
            return

    @contextmanager
    def _mapped(self) -> Iterator[Any]:
        """Turn kazoo's errors into ours; refuse at once where kazoo would wait for a link."""
        if not self._client.connected:
            raise Unavailable("ZooKeeper")
        try:
            yield
        except (KazooException, KazooTimeoutError) as error:
            raise Unavailable("ZooKeeper") from error
