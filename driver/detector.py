"""Finds the leading master by the masters' znodes in ZooKeeper.

The only module of the driver that uses kazoo. pymesos's own detector gives up if the masters'
znode does not exist yet, drops the credentials of the URL, and works in kazoo's thread (P20). Here
watches only wake the detector's thread, which then reads everything again.
"""

from __future__ import annotations

import dataclasses
import json
import logging
import threading
from collections.abc import Callable, Iterable

from kazoo.client import KazooClient
from kazoo.exceptions import KazooException, NoNodeError
from kazoo.protocol.states import WatchedEvent
from kazoo.retry import KazooRetry

logger = logging.getLogger(__name__)

SCHEME = "zk://"
_MASTER_PREFIX = "json.info_"
_LONGEST_RETRY_SECONDS = 5.0
_JOIN_LIMIT_SECONDS = 3.0


@dataclasses.dataclass(frozen=True)
class Ensemble:
    """The parts of `zk://[user:password@]host:port[,host:port...]/path`."""

    hosts: str
    path: str
    credential: str | None = dataclasses.field(default=None, repr=False)


def read_url(url: str) -> Ensemble:
    """Return the parts of a zk:// URL. Raises ValueError, whose text has no credentials."""
    rest = url.removeprefix(SCHEME)
    authority, slash, path = rest.partition("/")
    credential, at, hosts = authority.rpartition("@")
    if rest == url or not hosts or not slash:
        raise ValueError(f"the master's URL must be {SCHEME}host:port[,host:port]/path")
    return Ensemble(hosts, "/" + path.strip("/"), credential if at else None)


def read_master(data: bytes) -> str | None:
    """Return host:port of a MasterInfo in JSON, None if it is not one."""
    try:
        info = json.loads(data)
        address = info["address"]
        host, port = address.get("ip") or address["hostname"], int(address["port"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    return f"{host}:{port}"


def find_masters(children: Iterable[str]) -> list[str]:
    """Return the znodes of masters among these children, the leader's first."""
    return sorted(child for child in children if child.startswith(_MASTER_PREFIX))


class Detector:
    """Calls `appoint` with the leading master whenever it changes, with None while there is none.

    Calls it on the detector's own thread. While ZooKeeper is away the last master stays appointed;
    the link notices if it does not answer. Checks every `tick` seconds even if no watch wakes it.
    """

    def __init__(
        self, url: str, appoint: Callable[[str | None], None], *, tick: float = 10.0
    ) -> None:
        self._ensemble = read_url(url)
        self._appoint = appoint
        self._tick = tick
        self._appointed: str | None = None
        self._masters: tuple[str, ...] = ()
        self._changed = threading.Event()
        self._stopped = threading.Event()
        credential = self._ensemble.credential
        self._client = KazooClient(
            hosts=self._ensemble.hosts,
            auth_data=[("digest", credential)] if credential else None,
            connection_retry=KazooRetry(max_tries=-1, max_delay=_LONGEST_RETRY_SECONDS),
        )
        self._thread = threading.Thread(target=self._run, name="master detector", daemon=True)

    @property
    def masters(self) -> tuple[str, ...]:
        """All masters, host:port each, the leader first. Never blocks."""
        return self._masters

    def start(self) -> None:
        """Start, even if ZooKeeper is not there yet. Does not block."""
        self._client.add_listener(self._wake_on_state)
        self._client.start_async()
        self._thread.start()

    def stop(self) -> None:
        """Stop, and close the session with ZooKeeper. Blocks for some seconds at most."""
        self._stopped.set()
        self._changed.set()
        # kazoo waits for a ZooKeeper that does not answer. The caller must not.
        leaving = threading.Thread(target=self._leave, name="master detector's end", daemon=True)
        leaving.start()
        leaving.join(_JOIN_LIMIT_SECONDS)

    def _leave(self) -> None:
        self._client.stop()
        self._client.close()
        self._thread.join()

    def _wake_on_state(self, state: str) -> None:
        del state
        self._changed.set()

    def _wake(self, event: WatchedEvent) -> None:
        del event
        self._changed.set()

    def _run(self) -> None:
        while not self._stopped.is_set():
            self._changed.clear()
            if self._client.connected:
                self._look()
            self._changed.wait(self._tick)

    def _look(self) -> None:
        try:
            self._compare(self._leader())
        except KazooException as exc:
            logger.warning("The masters cannot be read from ZooKeeper: %r", exc)
        except Exception:
            logger.exception("The detector could not find the leading master; it tries again")

    def _compare(self, leader: str | None) -> None:
        if leader != self._appointed and not self._stopped.is_set():
            logger.info("The leading master is %s", leader or "none")
            self._appoint(leader)
            self._appointed = leader

    def _leader(self) -> str | None:
        """Return the leading master's address, watching for the next change."""
        path = self._ensemble.path
        try:
            children = self._client.get_children(path, watch=self._wake)
        except NoNodeError:
            if self._client.exists(path, watch=self._wake) is None:
                return None
            # It was made in between, and this watch does not wake us for its children.
            self._changed.set()
            return self._appointed
        masters = find_masters(children)
        if not masters:
            self._masters = ()
            return None
        leader, *others = masters
        try:
            master = self._read(leader)
        except NoNodeError:
            # It was removed in between. The watch on its parent has woken us already.
            return self._appointed
        if master is None:
            logger.error("The znode %s of the leading master holds no address", leader)
        self._masters = tuple(filter(None, (master, *map(self._read_other, others))))
        return master

    def _read(self, znode: str) -> str | None:
        data, _ = self._client.get(f"{self._ensemble.path.rstrip('/')}/{znode}")
        return read_master(data)

    def _read_other(self, znode: str) -> str | None:
        try:
            return self._read(znode)
        except NoNodeError:
            return None
