"""Connections to the runtime sockets of HAProxy processes. The only module that speaks to one.

A connection is for one conversation: one that was kept would stay with a process that another has
replaced.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from proxy.haproxy import text
from proxy.model.errors import RouterAway, RouterGone
from proxy.model.use import Count

_SECONDS = 10.0


class Connection:
    """One connection to a runtime socket."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def ask(self, command: str) -> str:
        """Send a command and return the reply."""
        self._writer.write(command.encode("ascii") + b"\n")
        reply = b""
        while not text.is_whole(reply):
            reply += await self._read()
        return text.strip_prompts(reply.decode("utf-8", "replace"))

    async def do(self, command: str) -> None:
        """Send a command that says nothing when it is done. Raises RouterAway."""
        reply = await self.ask(command)
        if reply:
            raise RouterAway(f"HAProxy answered {reply[:200]!r} to {command[:80]!r}")

    async def count(self, command: str) -> dict[str, Count]:
        """Send a command that asks for counts; return them.

        They are read as they arrive, a share at a time: all at once would hold up the event loop.
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
    """Have a connection for so many seconds.

    Raises RouterGone where nobody listens, and RouterAway where the conversation fails.
    """
    try:
        async with asyncio.timeout(seconds):
            reader, writer = await asyncio.open_unix_connection(socket)
            try:
                connection = Connection(reader, writer)
                await connection.ask(text.PROMPT)
                yield connection
            finally:
                writer.close()
    except (FileNotFoundError, ConnectionRefusedError) as error:
        raise RouterGone(f"no HAProxy listens on {socket}") from error
    except (OSError, EOFError, ValueError) as error:
        raise RouterAway(f"HAProxy does not answer on {socket}: {error!r}") from error


async def pid(socket: Path, seconds: float = _SECONDS) -> int | None:
    """Return which process answers on a runtime socket; None where none does in so many seconds."""
    try:
        async with connect(socket, seconds) as connection:
            return text.answering_pid(await connection.ask(text.SHOW_INFO))
    except RouterAway:
        return None
