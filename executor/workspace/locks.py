"""Locks between the attempts of one agent: files, locked with flock.

The kernel releases a lock when its holder dies, however it dies. The file of a lock stays.
"""

import contextlib
import fcntl
from collections.abc import Callable, Iterator
from pathlib import Path

from executor.ports import Signals

_PAUSE = 0.1


@contextlib.contextmanager
def locked(path: Path, signals: Signals, *, busy: Callable[[], None]) -> Iterator[None]:
    """Hold the lock of `path` within the context; calls `busy` once if it has to wait.

    Blocks until the lock is free. Raises Stopped, and what `busy` raises.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        waited = False
        while not _take(file.fileno()):
            if not waited:
                busy()
                waited = True
            signals.wait(_PAUSE)
        yield


def _take(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
