"""HAProxy's map and counters.

The map's key `~REV` names the apply that made the map. If HAProxy has another value there (it was
restarted), the whole map is sent again in one commit.

The open requests of replaced processes are counted until they end.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Collection, Iterator
from pathlib import Path

from proxy.haproxy import runtime
from proxy.haproxy import text as haproxy_text
from proxy.haproxy.runtime import Connection
from proxy.model import routes
from proxy.model.errors import RouterAway, RouterGone
from proxy.model.routes import Changes, Routes
from proxy.model.usage import Count, Reading

REVISION = "~REV"
"""No client can look it up: HAProxy looks up hosts in small letters."""
_MANY = 500
"""From this many changes on, one commit disturbs the traffic less than single commands."""


def _values(wanted: Routes) -> dict[str, str]:
    """Return the entries of the map for some routes."""
    return {
        host: str(route) for part in routes.parts(wanted).values() for host, route in part.items()
    }


class HaproxyRouter:
    """proxy.ports.Router over the runtime socket. `run` is unique to this process."""

    def __init__(self, socket: Path, map_file: Path, run: str) -> None:
        self._socket = socket
        self._map_file = map_file
        self._run = run
        self._count = 0
        self._uncertain = True
        self._routed: Routes = {}
        self._applying = asyncio.Lock()
        self._old_sockets: frozenset[Path] = frozenset()
        self._texts: dict[str, tuple[Routes, str]] = {}

    async def apply(self, wanted: Routes) -> Changes:
        """Route exactly `wanted`; return what that changed. Raises RouterAway."""
        async with self._applying:
            return await self._apply(wanted)

    async def _apply(self, wanted: Routes) -> Changes:
        changes = routes.diff(self._routed, wanted)
        async with runtime.connect(self._socket) as connection:
            found = haproxy_text.found_value(await connection.send(self._get_revision()))
            if self._uncertain or found != self._revision or len(changes) > _MANY:
                self._uncertain = True
                await self._fill(connection, wanted)
            elif changes:
                self._uncertain = True
                await self._change(connection, changes)
        self._uncertain = False
        self._routed = wanted
        return changes

    async def counts(self, *, only_open: bool = False) -> Reading:
        """Return the counters by task. Raises RouterAway."""
        old_sockets = [await self._count_open(old_socket) for old_socket in self._old_sockets]
        async with runtime.connect(self._socket) as connection:
            found = await connection.count(haproxy_text.counts(only_open=only_open))
        for old_socket in old_sockets:
            for task_id, count in old_socket.items():
                new = found.get(task_id, Count(0, 0))
                found[task_id] = new._replace(open=new.open + count.open)
        return found

    @contextlib.asynccontextmanager
    async def replaced(self, old_sockets: Collection[Path]) -> AsyncIterator[None]:
        """Start a new HAProxy within this context, which replaces those at some runtime sockets.

        The new one reads the current routes from the map file, and nothing is applied before the
        context ends. The open requests of the old ones stay counted.
        """
        async with self._applying:
            # If this fails, the new HAProxy begins with an older map, and the next apply fills it.
            with contextlib.suppress(OSError):
                self.save_map()
            before = self._old_sockets
            self._old_sockets = before.union(old_sockets)
            try:
                yield
            except BaseException:
                self._old_sockets = before
                raise

    def save_map(self) -> None:
        """Write the map file, which HAProxy reads at its start. Blocks for a small write."""
        new = self._map_file.with_suffix(".new")
        with new.open("w", encoding="ascii") as file:
            file.writelines(self._lines())
        new.replace(self._map_file)

    def _lines(self) -> Iterator[str]:
        """Yield the map file in pieces; an app's piece is made again only after a change."""
        parts = routes.parts(self._routed)
        self._texts = {
            name: kept
            if (kept := self._texts.get(name)) and kept[0] is part
            else (part, haproxy_text.map_file(_values(part)))
            for name, part in parts.items()
        }
        yield from (text for _, text in self._texts.values())
        yield haproxy_text.map_file({REVISION: self._revision})

    def load_map(self) -> Routes:
        """Read the routes in the map file and begin with them; return none if there is no file."""
        try:
            entries = haproxy_text.read_map_file(self._map_file.read_text(encoding="ascii"))
        except (OSError, ValueError):
            return {}
        read = {host: routes.parse(value) for host, value in entries.items() if host != REVISION}
        self._routed = {host: route for host, route in read.items() if route is not None}
        return self._routed

    def begin_with(self, wanted: Routes) -> None:
        """Have the next HAProxy begin with `wanted`. Blocks for a small write."""
        self._routed = wanted
        self.save_map()
        self._uncertain = False  # a HAProxy can have this revision only from this file

    @property
    def _revision(self) -> str:
        return f"{self._run}.{self._count}"

    def _get_revision(self) -> str:
        return haproxy_text.get(str(self._map_file), REVISION)

    async def _fill(self, connection: Connection, wanted: Routes) -> None:
        path = str(self._map_file)
        self._count += 1
        version = haproxy_text.new_version(await connection.send(haproxy_text.prepare(path)))
        if version is None:
            raise RouterAway(f"HAProxy did not prepare a new version of {path}")
        entries = {**_values(wanted), REVISION: self._revision}
        for command in haproxy_text.fill(path, version, entries):
            await connection.execute(command)
        await connection.execute(haproxy_text.commit(path, version))

    async def _change(self, connection: Connection, changes: Changes) -> None:
        path = str(self._map_file)
        for host in changes.removes:
            await connection.execute(haproxy_text.remove(path, host))
        for host, route in changes.changes.items():
            await connection.execute(haproxy_text.change(path, host, str(route)))
        for host, route in changes.adds.items():
            await connection.execute(haproxy_text.add(path, host, str(route)))
        self._count += 1
        await connection.execute(haproxy_text.change(path, REVISION, self._revision))

    async def _count_open(self, old_socket: Path) -> Reading:
        """Return the open requests of a replaced process. Raises RouterAway."""
        try:
            async with runtime.connect(old_socket) as connection:
                return await connection.count(haproxy_text.counts(only_open=True))
        except RouterGone:
            self._old_sockets = self._old_sockets - {old_socket}
            return {}
