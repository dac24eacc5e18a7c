"""HAProxy's map and counts.

The map's key `~REV` says which apply it is the outcome of; where it says something
else (HAProxy was started anew), everything is given again in one commit.

The open requests of each process that was replaced count until they have ended.
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
from proxy.model.use import Count, Reading

REVISION = "~REV"
"""Found under no host that a client sends: those are looked up in small letters."""
_MANY = 500
"""From here on a whole commit disturbs the traffic less than single commands."""


def _values(wanted: Routes) -> dict[str, str]:
    """Return what the map has for routes."""
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
        self._unsure = True
        self._routed: Routes = {}
        self._applying = asyncio.Lock()
        self._formers: frozenset[Path] = frozenset()
        self._texts: dict[str, tuple[Routes, str]] = {}

    async def apply(self, wanted: Routes) -> Changes:
        """Route exactly `wanted`; return what that changed. Raises RouterAway."""
        async with self._applying:
            return await self._apply(wanted)

    async def _apply(self, wanted: Routes) -> Changes:
        changes = routes.diff(self._routed, wanted)
        async with runtime.connect(self._socket) as connection:
            found = haproxy_text.found_value(await connection.ask(self._get_revision()))
            if self._unsure or found != self._revision or len(changes) > _MANY:
                self._unsure = True
                await self._fill(connection, wanted)
            elif changes:
                self._unsure = True
                await self._change(connection, changes)
        self._unsure = False
        self._routed = wanted
        return changes

    async def counts(self, *, only_open: bool = False) -> Reading:
        """Return what is counted by task. Raises RouterAway."""
        formers = [await self._count_former(former) for former in self._formers]
        async with runtime.connect(self._socket) as connection:
            found = await connection.count(haproxy_text.counts(only_open=only_open))
        for former in formers:
            for task_id, count in former.items():
                new = found.get(task_id, Count(0, 0))
                found[task_id] = new._replace(open=new.open + count.open)
        return found

    @contextlib.asynccontextmanager
    async def replaced(self, formers: Collection[Path]) -> AsyncIterator[None]:
        """Have another HAProxy take the place of those that have these runtime sockets.

        The other one finds in the map file what is routed, and nothing is applied before the block
        ends. What is open at the former ones goes on being counted.
        """
        async with self._applying:
            # Where it fails, the other begins with an older map, and gets all with the next apply.
            with contextlib.suppress(OSError):
                self.remember()
            before = self._formers
            self._formers = before.union(formers)
            try:
                yield
            except BaseException:
                self._formers = before
                raise

    def remember(self) -> None:
        """Write the map file: what HAProxy starts with. Blocks for a small write."""
        new = self._map_file.with_suffix(".new")
        with new.open("w", encoding="ascii") as file:
            file.writelines(self._lines())
        new.replace(self._map_file)

    def _lines(self) -> Iterator[str]:
        """Return the map file in pieces; those of an app are made when its routes have changed."""
        parts = routes.parts(self._routed)
        self._texts = {
            name: kept
            if (kept := self._texts.get(name)) and kept[0] is part
            else (part, haproxy_text.map_file(_values(part)))
            for name, part in parts.items()
        }
        yield from (text for _, text in self._texts.values())
        yield haproxy_text.map_file({REVISION: self._revision})

    def recall(self) -> Routes:
        """Return the routes in the map file, and start from them; none where there is none."""
        try:
            entries = haproxy_text.read_map_file(self._map_file.read_text(encoding="ascii"))
        except (OSError, ValueError):
            return {}
        read = {host: routes.parse(value) for host, value in entries.items() if host != REVISION}
        self._routed = {host: route for host, route in read.items() if route is not None}
        return self._routed

    def start_with(self, wanted: Routes) -> None:
        """Have the HAProxy that is started next begin with `wanted`. Blocks for a small write."""
        self._routed = wanted
        self.remember()
        self._unsure = False  # only from this file has a HAProxy this revision

    @property
    def _revision(self) -> str:
        return f"{self._run}.{self._count}"

    def _get_revision(self) -> str:
        return haproxy_text.get(str(self._map_file), REVISION)

    async def _fill(self, connection: Connection, wanted: Routes) -> None:
        path = str(self._map_file)
        self._count += 1
        version = haproxy_text.new_version(await connection.ask(haproxy_text.prepare(path)))
        if version is None:
            raise RouterAway(f"HAProxy prepares no new version of {path}")
        entries = {**_values(wanted), REVISION: self._revision}
        for command in haproxy_text.fill(path, version, entries):
            await connection.do(command)
        await connection.do(haproxy_text.commit(path, version))

    async def _change(self, connection: Connection, changes: Changes) -> None:
        path = str(self._map_file)
        for host in changes.removes:
            await connection.do(haproxy_text.remove(path, host))
        for host, route in changes.changes.items():
            await connection.do(haproxy_text.change(path, host, str(route)))
        for host, route in changes.adds.items():
            await connection.do(haproxy_text.add(path, host, str(route)))
        self._count += 1
        await connection.do(haproxy_text.change(path, REVISION, self._revision))

    async def _count_former(self, former: Path) -> Reading:
        """Return what is open in a process that was replaced. Raises RouterAway."""
        try:
            async with runtime.connect(former) as connection:
                return await connection.count(haproxy_text.counts(only_open=True))
        except RouterGone:
            self._formers = self._formers - {former}
            return {}
