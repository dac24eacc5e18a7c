"""HAProxy's map, changed over its runtime socket. The only module that speaks to that socket.

Each apply has a connection of its own: one that was kept would stay with a process that another
has replaced. The map's key `~rev` says which apply it is the outcome of; where it says something
else (HAProxy was started anew), everything is given again in one commit.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

from proxy import haproxy_text, routes
from proxy.errors import RouterAway
from proxy.routes import Changes, Route, Routes

REVISION = "~rev"
_ANSWER_SECONDS = 10.0
_MANY = 500
"""From here on a whole commit disturbs the traffic less than single commands."""


class _Connection:
    """One connection to the runtime socket."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def ask(self, command: str) -> str:
        """Send a command and return the reply."""
        self._writer.write(command.encode("ascii") + b"\n")
        reply = ""
        while not haproxy_text.is_whole(reply):
            reply += (await self._reader.readuntil(b"> ")).decode("utf-8", "replace")
        return haproxy_text.strip_prompts(reply)

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

    async def apply(self, wanted: Routes) -> Changes:
        """Route exactly `wanted`; return what that changed. Raises RouterAway."""
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
        except (OSError, EOFError, ValueError, asyncio.LimitOverrunError) as error:
            raise RouterAway(f"HAProxy does not answer on {self._socket}: {error!r}") from error
        self._unsure = False
        self._routed = dict(wanted)
        return changes

    def remember(self) -> None:
        """Write the map file: what HAProxy starts with. Blocks for a small write."""
        new = self._map_file.with_suffix(".new")
        new.write_text(haproxy_text.map_file(self._entries(self._routed)), encoding="ascii")
        new.replace(self._map_file)

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
        self._routed = dict(wanted)
        self.remember()

    @property
    def _revision(self) -> str:
        return f"{self._run}.{self._count}"

    def _get_revision(self) -> str:
        return haproxy_text.get(str(self._map_file), REVISION)

    def _entries(self, wanted: Mapping[str, Route]) -> dict[str, str]:
        return {**{h: str(route) for h, route in wanted.items()}, REVISION: self._revision}

    async def _fill(self, connection: _Connection, wanted: Routes) -> None:
        path = str(self._map_file)
        self._count += 1
        version = haproxy_text.new_version(await connection.ask(haproxy_text.prepare(path)))
        if version is None:
            raise RouterAway(f"HAProxy prepares no new version of {path}")
        for command in haproxy_text.fill(path, version, self._entries(wanted)):
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

    @contextlib.asynccontextmanager
    async def _connect(self) -> AsyncIterator[_Connection]:
        async with asyncio.timeout(_ANSWER_SECONDS):
            reader, writer = await asyncio.open_unix_connection(self._socket)
        try:
            connection = _Connection(reader, writer)
            await connection.ask(haproxy_text.PROMPT)
            yield connection
        finally:
            writer.close()
