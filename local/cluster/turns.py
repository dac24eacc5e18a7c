"""`up` and `down` of a folder take turns: one changes what runs, the others wait for its end."""

import contextlib
import enum
import fcntl
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

_POLL = 0.1  # seconds


class Command(enum.Enum):
    """What has the turn."""

    UP = "up"
    DOWN = "down"


@contextlib.contextmanager
def turn(folder: Path, command: Command, wait: Callable[[Command], None]) -> Iterator[None]:
    """Hold the turn of a folder, which must exist. The turn of a process ends with it.

    While another process has the turn, calls `wait` with its command, ten times a second.
    """
    with (folder / "turn.lock").open("a+") as lock:
        while not _take(lock.fileno()):
            lock.seek(0)
            wait(_read(lock.read()))
            time.sleep(_POLL)
        lock.truncate(0)
        # On a full disk others do not learn whose turn it is, and what runs can still be ended.
        with contextlib.suppress(OSError):
            os.write(lock.fileno(), command.value.encode())
        yield


def _take(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _read(text: str) -> Command:
    """Return the command in a lock; UP if its process has not written the command yet."""
    try:
        return Command(text)
    except ValueError:
        return Command.UP
