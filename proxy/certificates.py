"""Watches a folder of certificates for changes."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import structlog

log = structlog.get_logger(__name__)

LOOK_SECONDS = 2.0

State = frozenset[tuple[str, int, int]]
"""The state of a folder: the name, the size and the modification time of each file."""


def look(folder: Path) -> State:
    """Return the state of a folder; follow links. Raises OSError."""
    found = [(path.name, path.stat()) for path in folder.iterdir()]
    return frozenset((name, stat.st_size, stat.st_mtime_ns) for name, stat in found)


async def watch(
    folder: Path,
    changed: Callable[[], object],
    *,
    pause: Callable[[float], Awaitable[object]] = asyncio.sleep,
) -> None:
    """Call `changed` after each change, once two looks in a row find the same state.

    So it is called only when the last of several files is written. Runs until cancelled.
    """
    used = seen = look(folder)
    while True:
        await pause(LOOK_SECONDS)
        try:
            now = look(folder)
        except OSError as error:  # a file may disappear during the look
            log.warning("the certificates cannot be read", folder=str(folder), why=str(error))
            continue
        if now == seen != used:
            used = now
            log.info("the certificates have changed", folder=str(folder))
            changed()
        seen = now
