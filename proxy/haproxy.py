"""HAProxy's map and counts, over its runtime socket. The only module that speaks to that socket.

Each call has a connection of its own: one that was kept would stay with a process that another
has replaced. The map's key `~REV` says which apply it is the outcome of; where it says something
else (HAProxy was started anew), everything is given again in one commit.

One connection does stay with each process that was replaced: its open requests count until they
have ended.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from proxy import haproxy_text, routes
from proxy.errors import RouterAway
from proxy.routes import Changes, Routes
from proxy.use import Count, Reading

REVISION = "~REV"
"""Found under no host that a client sends: those are looked up in small letters."""
_ANSWER_SECONDS = 10.0
_MANY = 500
"""From here on a whole commit disturbs the traffic less than single commands."""


_AWAY = (OSError, EOFError, ValueError)


def _values(wanted: Routes) -> dict[str, str]:
    """Return what the map has for routes."""
    return {
        host: str(route) for part in routes.parts(wanted).values() for host, route in part.items()
    }


class _Connection:
    """One connection to the runtime socket."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    def close(self) -> None:
        """Close it."""
        self._writer.close()

    async def ask(self, command: str) -> str:
        """Send a command and return the reply."""
        self._writer.write(command.encode("ascii") + b"\n")
        reply = b""
        while not haproxy_text.is_whole(reply):
            piece = await self._reader.read(65536)
            if not piece:
                raise EOFError("HAProxy closed the connection")
            reply += piece
        return haproxy_text.strip_prompts(reply.decode("utf-8", "replace"))

    async def count(self, command: str) -> dict[str, Count]:
        """Send a command that asks for counts; return them.

        They are read as they arrive, a share at a time: all at once would hold up the event loop.
        """
        self._writer.write(command.encode("ascii") + b"\n")
        found: dict[str, Count] = {}
        rest = b""
        while not haproxy_text.is_whole(rest):
            piece = await self._reader.read(65536)
            if not piece:
                raise EOFError("HAProxy closed the connection")
            whole, _, rest = (rest + piece).rpartition(b"\n")
            found |= haproxy_text.read_counts(whole.decode("utf-8", "replace").split("\n"))
        return found

    async def do(self, command: str) -> None:
        """Send a command that says nothing when it is done. Raises RouterAway."""
        reply = await self.ask(command)
        if reply:
            raise RouterAway(f"HAProxy answered {reply[:200]!r} to {command[:80]!r}")


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
        self._formers: list[_Connection] = []
        self._counting = asyncio.Lock()
        self._texts: dict[str, tuple[Routes, str]] = {}

    async def apply(self, wanted: Routes) -> Changes:
        """Route exactly `wanted`; return what that changed. Raises RouterAway."""
        async with self._applying:
            return await self._apply(wanted)

    async def _apply(self, wanted: Routes) -> Changes:
        changes = routes.diff(self._routed, wanted)
        try:
            async with self._connect() as connection, asyncio.timeout(_ANSWER_SECONDS):
                found = haproxy_text.found_value(await connection.ask(self._get_revision()))
                if self._unsure or found != self._revision or len(changes) > _MANY:
                    self._unsure = True
                    await self._fill(connection, wanted)
                elif changes:
                    self._unsure = True
                    await self._change(connection, changes)
        except _AWAY as error:
            raise RouterAway(f"HAProxy does not answer on {self._socket}: {error!r}") from error
        self._unsure = False
        self._routed = wanted
        return changes

    async def counts(self, *, only_open: bool = False) -> Reading:
        """Return what is counted by task. Raises RouterAway."""
        async with self._counting:
            formers = [await self._count_former(former) for former in tuple(self._formers)]
        command = haproxy_text.counts(only_open=only_open)
        try:
            async with self._connect() as connection, asyncio.timeout(_ANSWER_SECONDS):
                found = await connection.count(command)
        except _AWAY as error:
            raise RouterAway(f"HAProxy does not answer on {self._socket}: {error!r}") from error
        for former in formers:
            for task_id, count in former.items():
                new = found.get(task_id, Count(0, 0))
                found[task_id] = new._replace(open=new.open + count.open)
        return found

    @contextlib.asynccontextmanager
    async def replaced(self) -> AsyncIterator[None]:
        """Have another HAProxy take the place of the one that answers now, if one does.

        The other one finds in the map file what is routed, and nothing is applied before the block
        ends. What is open at the former one goes on being counted.
        """
        async with self._applying:
            former = None
            with contextlib.suppress(*_AWAY):
                former = await self._open()
            # Where it fails, the other begins with an older map, and gets all with the next apply.
            with contextlib.suppress(OSError):
                self.remember()
            try:
                yield
            except BaseException:
                if former is not None:
                    former.close()
                raise
            if former is not None:
                self._formers.append(former)

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

    async def _fill(self, connection: _Connection, wanted: Routes) -> None:
        path = str(self._map_file)
        self._count += 1
        version = haproxy_text.new_version(await connection.ask(haproxy_text.prepare(path)))
        if version is None:
            raise RouterAway(f"HAProxy prepares no new version of {path}")
        entries = {**_values(wanted), REVISION: self._revision}
        for command in haproxy_text.fill(path, version, entries):
            await connection.do(command)
        await connection.do(haproxy_text.commit(path, version))

    async def _change(self, connection: _Connection, changes: Changes) -> None:
        path = str(self._map_file)
        for host in changes.removes:
            await connection.do(haproxy_text.remove(path, host))
        for host, route in changes.changes.items():
            await connection.do(haproxy_text.change(path, host, str(route)))
        for host, route in changes.adds.items():
            await connection.do(haproxy_text.add(path, host, str(route)))
        self._count += 1
        await connection.do(haproxy_text.change(path, REVISION, self._revision))

    async def _count_former(self, former: _Connection) -> Reading:
        """Return what is open in a process that was replaced; let it end when it has no client."""
        with contextlib.suppress(*_AWAY):
            async with asyncio.timeout(_ANSWER_SECONDS):
                info = await former.ask(haproxy_text.SHOW_INFO)
                found = await former.count(haproxy_text.counts(only_open=True))
            if not haproxy_text.is_over(info):
                return found
        former.close()  # the last connection, without which it ends
        self._formers.remove(former)
        return {}

    async def _open(self) -> _Connection:
        async with asyncio.timeout(_ANSWER_SECONDS):
            reader, writer = await asyncio.open_unix_connection(self._socket)
            connection = _Connection(reader, writer)
            try:
                await connection.ask(haproxy_text.PROMPT)
            except BaseException:
                connection.close()
                raise
        return connection

    @contextlib.asynccontextmanager
    async def _connect(self) -> AsyncIterator[_Connection]:
        connection = await self._open()
        try:
            yield connection
        finally:
            connection.close()
