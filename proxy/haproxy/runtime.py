"""Connections to the runtime sockets of HAProxy processes. No other module opens any.

A connection is used once: a kept connection would stay with a replaced process.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from proxy.haproxy import text
from proxy.model.errors import RouterAway, RouterGone
from proxy.model.usage import Count

_SECONDS = 10.0


class Connection:
    """One connection to a runtime socket."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def send(self, command: str) -> str:
        """Send a command and return the reply."""
        self._writer.write(command.encode("ascii") + b"\n")
        reply = b""
        while not text.is_whole(reply):
            reply += await self._read()
        return text.strip_prompts(reply.decode("utf-8", "replace"))

    async def execute(self, command: str) -> None:
        """Send a command whose reply is empty when it succeeds. Raises RouterAway."""
        reply = await self.send(command)
        if reply:
            raise RouterAway(f"HAProxy answered {reply[:200]!r} to {command[:80]!r}")

    async def count(self, command: str) -> dict[str, Count]:
        """Send a command that shows counters; return them.

        They are parsed as they arrive: parsing all of them at once would block the event loop.
        """
        self._writer.write(command.encode("ascii") + b"\n")
        found: dict[str, Count] = {}
        rest = b""
        while not text.is_whole(rest):
            whole, _, rest = (rest + await self._read()).rpartition(b"\n")
            found |= text.read_counts(whole.decode("utf-8", "replace").split("\n"))
        return found

    async def _read(self) -> bytes:
        piece = await self._reader.read(65536)
        if not piece:
            raise EOFError("HAProxy closed the connection")
        return piece


@contextlib.asynccontextmanager
async def connect(socket: Path, seconds: float = _SECONDS) -> AsyncIterator[Connection]:
    """Open a connection that may last so many seconds.

    Raises RouterGone if no process listens there, RouterAway if something else fails.
    """
    try:
        async with asyncio.timeout(seconds):
            reader, writer = await asyncio.open_unix_connection(socket)
            try:
                connection = Connection(reader, writer)
                await connection.send(text.PROMPT)
                yield connection
            finally:
                writer.close()
    except (FileNotFoundError, ConnectionRefusedError) as error:
        raise RouterGone(f"no HAProxy listens on {socket}") from error
    except (OSError, EOFError, ValueError) as error:
        raise RouterAway(f"HAProxy does not answer on {socket}: {error!r}") from error


async def pid(socket: Path, seconds: float = _SECONDS) -> int | None:
    """Return the id of the process behind a runtime socket; None if none answers in time."""
    try:
        async with connect(socket, seconds) as connection:
            return text.answering_pid(await connection.send(text.SHOW_INFO))
    except RouterAway:
        return None
