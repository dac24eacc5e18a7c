"""HAProxy's maps and counters.

The key `~REV` in the map of public hosts names the apply that made the maps. If HAProxy has another
value there (it was restarted), all maps are sent again, in one commit each.

The open requests of replaced processes are counted until they end.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Collection, Mapping
from pathlib import Path

from proxy.haproxy import runtime
from proxy.haproxy import text as haproxy_text
from proxy.haproxy.config import Files
from proxy.haproxy.gate_maps import GateMaps
from proxy.haproxy.maps import HaproxyMap
from proxy.haproxy.runtime import Connection
from proxy.model import access, routes
from proxy.model.access import Accesses
from proxy.model.errors import RouterGone
from proxy.model.gates import Gates
from proxy.model.routes import Changes, Merged, Route, Routes
from proxy.model.usage import Count, Reading

REVISION = "~REV"
"""No client can look it up: HAProxy looks up hosts in small letters."""
_MANY = 500
"""From this many changes on, commits disturb the traffic less than single commands."""


class HaproxyRouter:
    """proxy.ports.Router over the runtime socket. `run` is unique to this process.

    The hosts of public apps and those of guarded apps have a map each. So have gates.
    """

    def __init__(self, files: Files, run: str) -> None:
        self._socket = files.socket
        self._path = str(files.map)
        self._public = HaproxyMap[Route](files.map)
        self._guarded = HaproxyMap[Route](files.guarded)
        self._apps = HaproxyMap[str](files.access)
        self._passes = HaproxyMap[str](files.passes)
        self._gates = GateMaps(files)
        self._run = run
        self._count = 0
        self._uncertain = True
        self._routed: Routes = {}
        self._accesses: Accesses | None = None
        self._applying = asyncio.Lock()
        self._old_sockets: frozenset[Path] = frozenset()

    async def apply(
        self, wanted: Routes, accesses: Accesses | None, gates: Gates | None
    ) -> Changes:
        """Route exactly `wanted`, and guard what is not public; return what changed of the routes.

        Raises RouterAway.
        """
        async with self._applying:
            return await self._apply(wanted, accesses, gates)

    async def _apply(
        self, wanted: Routes, accesses: Accesses | None, gates: Gates | None
    ) -> Changes:
        before = self._routed
        async with runtime.connect(self._socket) as connection:
            found = haproxy_text.found_value(await connection.send(self._get_revision()))
            lost = self._uncertain or found != self._revision
            self._uncertain = True
            if lost:
                await self._gates.fill(connection, gates)
            await self._send(connection, wanted, accesses, lost=lost)
            # After the routes among which they choose, so that no request need be held.
            if not lost and self._gates.has_changes(gates):
                await self._gates.put(connection, gates)
                self._count += 1
                await self._put_revision(connection)
        self._uncertain = False
        self._note(wanted, accesses)
        self._gates.note(gates)
        return routes.diff(before, wanted)

    def _note(self, wanted: Routes, accesses: Accesses | None) -> None:
        """Take HAProxy to have all this."""
        self._apps.entries, self._passes.entries = self._write(accesses)
        self._public.entries, self._guarded.entries = routes.split(wanted, accesses or ())
        self._routed, self._accesses = wanted, accesses

    def _write(self, accesses: Accesses | None) -> tuple[Mapping[str, str], Mapping[str, str]]:
        """Return the entries of the maps of apps and of passes: the same, if nothing changed."""
        if accesses is self._accesses:
            return self._apps.entries, self._passes.entries
        return access.write_apps(accesses), access.write_passes(accesses)

    async def _send(
        self, connection: Connection, wanted: Routes, accesses: Accesses | None, *, lost: bool
    ) -> None:
        """Send the changes, or all if HAProxy has `lost` its maps, or too much changes.

        An app is closed before the hosts that were public move, and opened after that: so nobody
        gets in without a pass meanwhile. Its passes count until then.
        """
        public, guarded = routes.split(wanted, accesses or ())
        apps, passes = self._write(accesses)
        of_hosts = self._public.find_changes(public), self._guarded.find_changes(guarded)
        of_apps, of_passes = self._apps.find_changes(apps), self._passes.find_changes(passes)
        count = sum(map(len, (*of_hosts, of_apps, of_passes)))
        if not (lost or count):
            return
        if lost or count > _MANY:
            await self._fill(connection, (public, guarded), apps, passes)
            return
        await self._passes.put(connection, of_passes)
        await self._apps.put(connection, of_apps)
        hosts = tuple(zip((self._public, self._guarded), of_hosts, strict=True))
        for one, changes in hosts:
            await one.put(connection, changes)
        for one, changes in hosts:  # a host that moves is in one of them all the time
            await one.remove(connection, changes)
        await self._apps.remove(connection, of_apps)
        await self._passes.remove(connection, of_passes)
        self._count += 1
        await self._put_revision(connection)

    async def _fill(
        self,
        connection: Connection,
        hosts: tuple[Merged[Route], Merged[Route]],
        apps: Mapping[str, str],
        passes: Mapping[str, str],
    ) -> None:
        self._count += 1
        await self._passes.fill(connection, passes)
        await self._apps.fill(connection, apps)
        await self._guarded.fill(connection, hosts[1])
        await self._public.fill(connection, hosts[0], {REVISION: self._revision})

    async def counts(self, *, only_open: bool = False) -> Reading:
        """Return the counters by task. Raises RouterAway."""
        command = haproxy_text.counts(only_open=True)
        old_sockets = [await self._count_old(one, command) for one in self._old_sockets]
        async with runtime.connect(self._socket) as connection:
            found = await connection.count(haproxy_text.counts(only_open=only_open))
        for old_socket in old_sockets:
            for task_id, count in old_socket.items():
                new = found.get(task_id, Count(0, 0))
                found[task_id] = new._replace(open=new.open + count.open)
        return found

    async def count(self, task_id: str) -> Count:
        """Return the counters of a task. Raises RouterAway."""
        command = haproxy_text.count_of(task_id)
        found = [await self._count_old(one, command) for one in self._old_sockets]
        async with runtime.connect(self._socket) as connection:
            found.append(await connection.count(command))
        counts = [reading[task_id] for reading in found if task_id in reading]
        return Count(sum(one.open for one in counts), sum(one.requests for one in counts))

    @contextlib.asynccontextmanager
    async def replaced(self, old_sockets: Collection[Path]) -> AsyncIterator[None]:
        """Start a new HAProxy within this context, which replaces those at some runtime sockets.

        The new one reads the current routes from the map files, and nothing is applied before the
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
        """Write the map files, which HAProxy reads at its start. Blocks for small writes."""
        for one in (self._passes, self._apps, self._guarded):
            one.save()
        self._gates.save()
        self._public.save({REVISION: self._revision})

    def load_map(self) -> tuple[Routes, Accesses | None]:
        """Read what is in the map files and begin with it; no routes if there are no files."""
        try:
            public, guarded = self._public.read_file(), self._guarded.read_file()
            found = access.parse(self._apps.read_file(), self._passes.read_file())
            self._gates.load()
        except (OSError, ValueError):
            return {}, None
        read = {host: routes.parse(value) for host, value in {**public, **guarded}.items()}
        self._note(
            routes.group({host: route for host, route in read.items() if route is not None}), found
        )
        return self._routed, found

    def begin_with(
        self, wanted: Routes, accesses: Accesses | None, gates: Gates | None = None
    ) -> None:
        """Have the next HAProxy begin with all this. Blocks for small writes."""
        self._note(wanted, accesses)
        self._gates.note(gates)
        self.save_map()
        self._uncertain = False  # a HAProxy can have this revision only from these files

    @property
    def _revision(self) -> str:
        return f"{self._run}.{self._count}"

    async def _put_revision(self, connection: Connection) -> None:
        await connection.execute(haproxy_text.change(self._path, REVISION, self._revision))

    def _get_revision(self) -> str:
        return haproxy_text.get(self._path, REVISION)

    async def _count_old(self, old_socket: Path, command: str) -> Reading:
        """Return the counters that a command shows of a replaced process. Raises RouterAway."""
        try:
            async with runtime.connect(old_socket) as connection:
                return await connection.count(command)
        except RouterGone:
            self._old_sockets = self._old_sockets - {old_socket}
            return {}
