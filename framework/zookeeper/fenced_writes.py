"""Conditional writes of znodes, over kazoo.

Every write is a transaction that first checks the epoch, so that every write fails as soon as
another framework leads. It also names the version of each znode that this process last saw. If the
answer to a write was lost, the znode is read before it is written again.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence

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
from framework.zookeeper.connection import mapped
from framework.zookeeper.rights import Rights


class FencedWrites:
    """The writes of one leader, whose LeaderRecord at `leader` has the version `epoch`.

    `versions` are those of the znodes that this process has read or written, by path. New znodes
    get `rights`, if there are any. Used by one thread; every method blocks for a round trip or
    more, and raises Unavailable or Superseded.
    """

    def __init__(
        self, client: KazooClient, leader: str, epoch: int, rights: Rights | None = None
    ) -> None:
        self._client = client
        self._leader = leader
        self._epoch = epoch
        self._rights = rights
        self.versions: dict[str, int] = {}
        self._unsettled: dict[str, bytes | None] = {}

    def forget(self) -> None:
        """Forget all versions: everything is read again."""
        self.versions.clear()
        self._unsettled.clear()

    def learn(self, paths: Iterable[str]) -> None:
        """Read the versions of znodes that this process has neither read nor written yet."""
        with mapped(self._client):
            for path in paths:
                if path not in self.versions and path not in self._unsettled:
                    stat = self._client.exists(path)
                    if stat is not None:
                        self.versions[path] = stat.version

    def write(self, contents: Mapping[str, bytes], *, deleted: Sequence[str] = ()) -> None:
        """Write some znodes and remove others, all or none."""
        with mapped(self._client):
            for path in (*contents, *deleted):
                self._settle(path)
            request = self._fenced()
            for parent in self._missing_parents(contents.keys() - self.versions.keys()):
                request.create(parent)
            for path, data in contents.items():
                known = self.versions.get(path)
                if known is None:
                    request.create(path, data, acl=self._rights and self._rights.of(path))
                else:
                    request.set_data(path, data, version=known)
            gone = [path for path in deleted if path in self.versions]
            for path in gone:
                request.delete(path, version=self.versions[path])
            self._commit(request, {**contents, **dict.fromkeys(gone)})
            for path in contents:
                self.versions[path] = self.versions.get(path, -1) + 1
            for path in gone:
                del self.versions[path]

    def delete(self, path: str) -> None:
        """Remove a znode; it is no error if it is gone already."""
        with mapped(self._client):
            self._settle(path)
            request = self._fenced()
            request.delete(path, version=self.versions.get(path, -1))
            # If somebody was faster, the record is gone, as it should be.
            self._commit(request, {path: None}, forgiven=(NoNodeError,))
            self.versions.pop(path, None)

    def delete_empty(self, path: str) -> None:
        """Remove a znode unless it has children or is gone."""
        with mapped(self._client):
            request = self._fenced()
            request.delete(path)
            self._commit(request, {path: None}, forgiven=(NoNodeError, NotEmptyError))

    def _fenced(self) -> TransactionRequest:
        request = self._client.transaction()
        request.check(self._leader, self._epoch)
        return request

    def _commit(
        self,
        request: TransactionRequest,
        contents: Mapping[str, bytes | None],
        *,
        forgiven: tuple[type[KazooException], ...] = (),
    ) -> None:
        """Commit a transaction of `_fenced` that writes `contents`: all of them or none.

        Raises Superseded, or ZooKeeper's error, unless that is `forgiven`.
        """
        try:
            results = request.commit()
        except KazooException:
            self._unsettled.update(contents)
            raise
        for operation, result in zip(request.operations, results, strict=True):
            # The operations before the one that failed report that they were rolled back.
            if not isinstance(result, KazooException) or isinstance(result, RolledBackError):
                continue
            if operation is not request.operations[0] and isinstance(result, forgiven):
                return
            if isinstance(result, BadVersionError | NodeExistsError | NoNodeError):
                raise Superseded(operation.path)
            raise result

    def _missing_parents(self, paths: Collection[str]) -> list[str]:
        """Return the missing parents of znodes, each after its own parent."""
        missing: list[str] = []
        for parent in {path.rpartition("/")[0] for path in paths} - {""}:
            if not self._client.exists(parent):
                missing += [*self._missing_parents((parent,)), parent]
        return list(dict.fromkeys(missing))

    def _settle(self, path: str) -> None:
        """Find out whether the last write of a znode has happened, if its answer was lost."""
        if path not in self._unsettled:
            return
        known = self.versions.get(path)
        try:
            data, stat = self._client.get(path)
        except NoNodeError:
            if known is not None and self._unsettled[path] is not None:
                raise Superseded(path) from None
            self.versions.pop(path, None)
        else:
            written = 0 if known is None else known + 1
            if stat.version != known and (stat.version, data) != (written, self._unsettled[path]):
                raise Superseded(path)
            self.versions[path] = stat.version
        del self._unsettled[path]
