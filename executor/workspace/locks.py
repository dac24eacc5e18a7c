"""Locks between the attempts of one agent: files, locked with flock.

The kernel lets go of a lock when its holder dies, however it dies; a lock's file stays.
"""

import contextlib
import fcntl
from collections.abc import Callable, Iterator
from pathlib import Path

from executor.ports import Signals

_PAUSE = 0.1


@contextlib.contextmanager
def locked(path: Path, signals: Signals, *, busy: Callable[[], None]) -> Iterator[None]:
    """Hold the lock of `path` within the context; calls `busy` once where it has to wait.

    Blocks until the lock is free. Raises Stopped, and what `busy` raises.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        told = False
        while not _take(file.fileno()):
            if not told:
                busy()
                told = True
            signals.wait(_PAUSE)
        yield


def _take(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
