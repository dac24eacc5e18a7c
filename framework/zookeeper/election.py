"""The election of a leader, over kazoo: a lock in ZooKeeper, and an epoch that fences writes."""

import contextlib
import os
import secrets
import socket

import structlog
from kazoo.client import KazooClient
from kazoo.exceptions import BadVersionError, KazooException, NoNodeError, RolledBackError
from kazoo.handlers.threading import KazooTimeoutError
from kazoo.protocol.states import ZnodeStat
from kazoo.recipe.lock import Lock
from kazoo.recipe.watchers import DataWatch
from kazoo.retry import ForceRetryError, KazooRetry

from framework.errors import SessionLost
from framework.zookeeper.connection import mapped
from prevs.paths import Paths
from prevs.records import LeaderRecord, RecordError

log = structlog.get_logger(__name__)


class Election:
    """The candidacy of one run of a program at a root; it is elected at most once.

    `api` is the URL at which other frameworks reach its API, "" if it has none.
    """

    def __init__(self, client: KazooClient, paths: Paths, api: str) -> None:
        self._client = client
        self._path = paths.leader
        self._process = f"{socket.gethostname()}/{os.getpid()}/{secrets.token_hex(4)}"
        self._own = LeaderRecord(api, self._process)
        self._lock = Lock(client, paths.election, self._process)
        self._epoch: int | None = None
        self._leader: LeaderRecord | None = None
        self._follows_a_stop = False

    @property
    def leader(self) -> LeaderRecord | None:
        """The leader as of the last notice to `watch`; None if nobody leads. Never blocks."""
        return self._leader

    @property
    def follows_a_stop(self) -> bool:
        """Whether the one that led before this process had resigned. For who has won."""
        return self._follows_a_stop

    def contenders(self) -> list[str]:
        """Return the machine names of all candidates, this one's too. Raises Unavailable."""
        with mapped(self._client):
            return [process.partition("/")[0] for process in self._lock.contenders()]

    def watch(self) -> None:
        """Keep `leader` up to date from now on. Raises Unavailable."""
        with mapped(self._client):
            DataWatch(self._client, self._path, self._notice)

    def win(self) -> int:
        """Wait until this process leads, however long that takes; return the epoch.

        Raises SessionLost, Unavailable.
        """
        with mapped(self._client):
            self._lock.acquire()
            return self._take_over()

    def try_to_win(self) -> int | None:
        """Return the epoch; None if another process leads. Raises as `win`."""
        with mapped(self._client):
            return self._take_over() if self._lock.acquire(blocking=False) else None

    def resign(self) -> None:
        """Record that nobody leads, if this process did, so that all others know at once.

        It is this process's last write: it ends the epoch. The lock ends with the session.
        """
        if self._epoch is None or not self._client.connected:
            return
        nobody = LeaderRecord("", self._process).encode()
        # If this fails, the next leader writes itself there as soon as it leads.
        with contextlib.suppress(KazooException, KazooTimeoutError):
            self._client.set(self._path, nobody, version=self._epoch)

    def _take_over(self) -> int:
        self._client.ensure_path(self._path)
        self._epoch = KazooRetry(max_tries=-1, max_delay=1.0)(self._write)
        return self._epoch

    def _write(self) -> int:
        """Write this process as the leader, if its session still holds the lock.

        The caller repeats it if the answer was lost: the version of the last write is the epoch.
        """
        data, stat = self._client.get(self._path)
        found = self._decode(data)
        if found is None or found.process != self._process:
            self._follows_a_stop = found is not None and not found.api
        request = self._client.transaction()
        request.check(f"{self._lock.path}/{self._lock.node}", 0)
        request.set_data(self._path, self._own.encode(), version=stat.version)
        results = request.commit()
        for result in results:
            if isinstance(result, NoNodeError):
                raise SessionLost
            if isinstance(result, BadVersionError):
                raise ForceRetryError
            if isinstance(result, KazooException) and not isinstance(result, RolledBackError):
                raise result
        return stat.version + 1

    def _notice(self, data: bytes | None, stat: ZnodeStat | None) -> None:
        del stat
        record = self._decode(data)
        self._leader = record if record and record.api else None

    def _decode(self, data: bytes | None) -> LeaderRecord | None:
        try:
            return LeaderRecord.decode(data) if data else None
        except RecordError as error:
            log.warning("nobody knows who leads", path=self._path, why=str(error))
            return None
