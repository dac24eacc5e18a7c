"""The placements in ZooKeeper, who may look, and gates. The proxy's only module that uses kazoo.

A watch only marks a node as changed. kazoo's callbacks run on kazoo's thread and only set marks.
Calls to ZooKeeper block, so they run on one worker thread. The public methods are called on the
event loop's thread.
"""

import asyncio
import concurrent.futures
import contextlib
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TypeVar

import structlog
from kazoo.client import KazooClient, KazooState
from kazoo.exceptions import KazooException, NoAuthError, NodeExistsError, NoNodeError
from kazoo.handlers.threading import KazooTimeoutError
from kazoo.protocol.states import WatchedEvent
from kazoo.security import ACL, make_digest_acl

from prevs.paths import Paths
from prevs.records import ProxyRecord
from program.settings.zookeeper import list_servers
from proxy.model.errors import PlacementsAway
from proxy.model.trust import Node, Nodes

log = structlog.get_logger(__name__)

SESSION_SECONDS = 10.0
"""The requested session timeout; ZooKeeper may grant less (its maxSessionTimeout)."""
_REREAD_SHARE = 30
"""A full reread covers one in this many apps with each read, so that a change need not wait."""
_REREAD_LEAST = 10
_T = TypeVar("_T")


class ZookeeperPlacements:
    """proxy.ports.Placements. It calls `changed`, from any thread, when there is something to read.

    `identities` are its `user:password` pairs for ZooKeeper; the first one owns its record.
    """

    def __init__(
        self,
        hosts: str,
        paths: Paths,
        proxy_id: str,
        changed: Callable[[], object],
        *,
        identities: Sequence[str] = (),
        session: float = SESSION_SECONDS,
    ) -> None:
        retry: dict[str, object] = {"max_tries": -1, "delay": 0.1, "backoff": 2, "max_delay": 2.0}
        self._client = KazooClient(
            hosts=list_servers(hosts),
            timeout=session,
            connection_retry=retry,
            auth_data=[("digest", one) for one in identities],
            default_acl=[_own_acl(identities[0])] if identities else None,
        )
        self._paths = paths
        self._own = paths.proxy(proxy_id)
        self._changed = changed
        self._worker = concurrent.futures.ThreadPoolExecutor(1, "zookeeper")
        self._lock = threading.Lock()
        self._all_dirty = True
        self._dirty: set[str] = set()
        self._nodes: Nodes | None = None
        self._due: list[str] = []
        self._reported: tuple[object, bytes] | None = None

    def start(self) -> None:
        """Connect in the background, and reconnect whenever the connection is lost."""
        self._client.add_listener(self._on_state)
        self._client.start_async()

    async def stop(self) -> None:
        """End the session, which removes this proxy's record."""
        await asyncio.get_running_loop().run_in_executor(None, self._stop)

    async def read(self, *, full: bool = False) -> Nodes:
        """Return the nodes of every app. Raises PlacementsAway."""
        with self._lock:
            idle = not (full or self._due or self._all_dirty or self._dirty)
            if idle and self._client.connected and self._nodes is not None:
                return self._nodes
        return await self._work(lambda: self._read(full))

    async def report(
        self, applied: Mapping[str, int], holding: Collection[str], gates: Mapping[str, int]
    ) -> None:
        """Write this proxy's record if it has changed. Raises PlacementsAway."""
        data = ProxyRecord(applied, tuple(holding), gates).encode()
        if self._reported == (self._client.client_id, data):
            return
        await self._work(lambda: self._report(data))

    async def _work(self, call: Callable[[], _T]) -> _T:
        if not self._client.connected:
            raise PlacementsAway("no connection to ZooKeeper")
        try:
            return await asyncio.get_running_loop().run_in_executor(self._worker, call)
        except NoAuthError:
            raise PlacementsAway(
                "ZooKeeper is closed to this proxy: PREVS_ZOOKEEPER_AUTH_FILE must hold a "
                "user:password of the frameworks' PREVS_PROXY_ZOOKEEPER_AUTH_FILE, or of their "
                "PREVS_ZOOKEEPER_AUTH_FILE if they have no such file"
            ) from None
        except (KazooException, KazooTimeoutError) as error:
            raise PlacementsAway(f"ZooKeeper does not answer: {error!r}") from error

    def _read(self, full: bool) -> Nodes:
        if full and not self._is_registered():
            self._reported = None
        with self._lock:
            everything, dirty = self._all_dirty, self._dirty
            self._all_dirty, self._dirty = False, set()
        known = self._nodes or Nodes(None)
        names = list({**(known.apps or {}), **(known.access or {}), **(known.gates or {})})
        if full:
            dirty.add(self._paths.placements)
            self._due = names
        share = max(len(names) // _REREAD_SHARE, _REREAD_LEAST)
        for path in (self._paths.app_placements, self._paths.app_access, self._paths.gate):
            dirty.update(map(path, self._due[:share]))
        self._due = self._due[share:]
        try:
            self._nodes = self._read_nodes(Nodes(None) if everything else known, dirty)
        except BaseException:
            with self._lock:
                self._all_dirty = True
            raise
        return self._nodes

    def _read_nodes(self, known: Nodes, dirty: set[str]) -> Nodes:
        """Return all nodes; those that are `known` and not `dirty` are not read again."""
        apps: Collection[str] | None = known.apps
        if known.apps is None or self._paths.placements in dirty:
            apps = self._list(self._paths.placements)
        kept, path = known.apps or {}, self._paths.app_placements
        to_read = [app for app in apps or () if app not in kept or path(app) in dirty]
        read, agents = self._read_apps(to_read)
        nodes = {**kept, **read}
        found = None if apps is None else {app: node for app in apps if (node := nodes[app])}
        # Read after the placements of `to_read`, so who may look is not older.
        access = self._read_below(self._paths.access, known.access or {}, {*to_read}, dirty)
        gates = self._read_below(self._paths.gates, known.gates or {}, set(), dirty)
        return Nodes(found, agents, access, gates)

    def _read_below(
        self, parent: str, known: Mapping[str, Node], due: set[str], dirty: set[str]
    ) -> dict[str, Node] | None:
        """Return all nodes below `parent`; those not `known`, `due` or `dirty` are read."""
        names = self._list(parent)
        if names is None:
            return None
        paths = {name: f"{parent}/{name}" for name in names}
        reads = {
            name: self._client.get_async(path, watch=self._on_change)
            for name, path in paths.items()
            if name not in known or name in due or path in dirty
        }
        nodes = {name: known[name] for name in names if name not in reads}
        for name, answer in reads.items():
            with contextlib.suppress(NoNodeError):
                data, stat = answer.get()
                nodes[name] = Node(data, stat.version, stat.mzxid)
        return nodes

    def _list(self, parent: str) -> list[str] | None:
        """Return the names of the nodes below `parent`, None if there is no parent."""
        try:
            return self._client.get_children(parent, watch=self._on_change)
        except NoNodeError:
            if self._client.exists(parent, watch=self._on_change) is None:
                return None
            return self._client.get_children(parent, watch=self._on_change)

    def _read_apps(self, apps: Sequence[str]) -> tuple[dict[str, Node | None], Node | None]:
        """Return the nodes of some apps, None for each that does not exist, and the agents' node.

        All reads are sent at once, and ZooKeeper answers in order. So what the framework wrote
        before one of the nodes is visible to every read after that node's.
        """
        path = self._paths.app_placements
        reads = {app: self._client.get_async(path(app), watch=self._on_change) for app in apps}
        changed = self._client.exists_async(self._paths.agents)
        nodes: dict[str, Node | None] = dict.fromkeys(apps)
        for app, answer in reads.items():
            with contextlib.suppress(NoNodeError):
                data, stat = answer.get()
                nodes[app] = Node(data, stat.version, stat.mzxid)
        agents, there = self._nodes.agents if self._nodes else None, changed.get()
        if there is not None and (agents is None or there.mzxid != agents.written):
            with contextlib.suppress(NoNodeError):
                data, stat = self._client.get(self._paths.agents)
                agents = Node(data, stat.version, stat.mzxid)
        return nodes, agents if there else None

    def _is_registered(self) -> bool:
        """Return whether this proxy's record exists and belongs to this session."""
        stat, session = self._client.exists(self._own), self._client.client_id
        return stat is not None and session is not None and stat.ephemeralOwner == session[0]

    def _report(self, data: bytes) -> None:
        session = self._client.client_id
        try:
            self._client.set(self._own, data)
        except NoNodeError:
            try:
                self._client.create(self._own, data, ephemeral=True, makepath=True)
            except NodeExistsError:  # an earlier create whose answer was lost
                self._client.set(self._own, data)
        self._reported = (session, data)

    def _on_change(self, event: WatchedEvent) -> None:
        with self._lock:
            if event.path:
                self._dirty.add(event.path)
            else:  # the connection was lost, and with it all watches
                self._all_dirty = True
        self._changed()

    def _on_state(self, state: str) -> None:
        log.info("the connection to ZooKeeper changed", state=state)
        if state == KazooState.CONNECTED:
            with self._lock:
                self._all_dirty = True
        self._changed()

    def _stop(self) -> None:
        self._client.stop()
        self._client.close()
        self._worker.shutdown(wait=True)


def _own_acl(identity: str) -> ACL:
    user, _, password = identity.partition(":")
    return make_digest_acl(user, password, all=True)
