"""The placements in ZooKeeper, over kazoo. The only module of the proxy that knows kazoo.

Watches only say what to read anew. kazoo's callbacks run on its thread and only take notes; the
calls block and run on one worker thread; what is public is called on the event loop's.
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
from program.zookeeper import list_servers
from proxy.model.errors import PlacementsAway
from proxy.model.trust import Node, Nodes

log = structlog.get_logger(__name__)

SESSION_SECONDS = 10.0
"""What the proxy asks for; ZooKeeper may grant less (its maxSessionTimeout)."""
_SHARE = 30
"""Of all apps, the part that is read anew at once is one in so many: a change waits no longer."""
_LEAST = 10
_T = TypeVar("_T")


class ZookeeperPlacements:
    """proxy.ports.Placements. `changed` is called from any thread when a read is worth while.

    `identities` are who it is for ZooKeeper, `user:password`; its own record is the first one's.
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
        """Connect, and again whenever the link is lost; returns at once."""
        self._client.add_listener(self._link_changed)
        self._client.start_async()

    async def stop(self) -> None:
        """End the session, and with it this proxy's record."""
        await asyncio.get_running_loop().run_in_executor(None, self._stop)

    async def read(self, *, anew: bool = False) -> Nodes | None:
        """Return the node of every app, None if there is no place for them at all.

        Raises PlacementsAway.
        """
        with self._lock:
            idle = not (anew or self._due or self._all_dirty or self._dirty)
            if idle and self._client.connected:
                return self._nodes
        return await self._work(lambda: self._read(anew))

    async def report(self, applied: Mapping[str, int], holding: Collection[str]) -> None:
        """Write this proxy's record, if it says something new. Raises PlacementsAway."""
        data = ProxyRecord(applied, tuple(holding)).encode()
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
                "ZooKeeper is closed to this proxy: PREVS_ZOOKEEPER_AUTH_FILE has to hold a "
                "user:password of the frameworks' PREVS_PROXY_ZOOKEEPER_AUTH_FILE, or the one that "
                "they have, where there is no such file"
            ) from None
        except (KazooException, KazooTimeoutError) as error:
            raise PlacementsAway(f"ZooKeeper does not answer: {error!r}") from error

    def _read(self, anew: bool) -> Nodes | None:
        if anew and not self._is_registered():
            self._reported = None
        with self._lock:
            everything, dirty = self._all_dirty, self._dirty
            self._all_dirty, self._dirty = False, set()
        if anew:
            dirty.add(self._paths.placements)
            self._due = list(self._nodes.apps if self._nodes else ())
        share = max(len(self._nodes.apps if self._nodes else ()) // _SHARE, _LEAST)
        dirty.update(map(self._paths.app_placements, self._due[:share]))
        self._due = self._due[share:]
        try:
            self._nodes = self._read_nodes(everything, dirty)
        except BaseException:
            with self._lock:
                self._all_dirty = True
            raise
        return self._nodes

    def _read_nodes(self, everything: bool, dirty: set[str]) -> Nodes | None:
        known = self._nodes.apps if self._nodes else None
        if everything or known is None or self._paths.placements in dirty:
            apps = self._apps()
            if apps is None:
                return None
        else:
            apps = list(known)
        kept = {} if everything or known is None else known
        anew = [a for a in apps if a not in kept or self._paths.app_placements(a) in dirty]
        read, agents = self._read_apps(anew)
        nodes = {**kept, **read}
        return Nodes({app: node for app in apps if (node := nodes[app])}, agents)

    def _apps(self) -> list[str] | None:
        parent = self._paths.placements
        try:
            return self._client.get_children(parent, watch=self._noticed)
        except NoNodeError:
            if self._client.exists(parent, watch=self._noticed) is None:
                return None
            return self._client.get_children(parent, watch=self._noticed)

    def _read_apps(self, apps: Sequence[str]) -> tuple[dict[str, Node | None], Node | None]:
        """Return the nodes of some apps, None where there is none, and that of the agents.

        All are asked for at once, and ZooKeeper answers in that order: what the framework has
        written before one of them is in what is read after it.
        """
        path = self._paths.app_placements
        asked = {app: self._client.get_async(path(app), watch=self._noticed) for app in apps}
        changed = self._client.exists_async(self._paths.agents)
        nodes: dict[str, Node | None] = dict.fromkeys(apps)
        for app, answer in asked.items():
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
        """Tell whether this proxy's record is there, and is of this session."""
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

    def _noticed(self, event: WatchedEvent) -> None:
        with self._lock:
            if event.path:
                self._dirty.add(event.path)
            else:  # the link was lost, and all watches with it
                self._all_dirty = True
        self._changed()

    def _link_changed(self, state: str) -> None:
        log.info("ZooKeeper's link changed", state=state)
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
