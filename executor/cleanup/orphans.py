"""What an executor leaves when it is killed, and how that ends.

`python -m executor.cleanup.orphans NAME=value TOLD` is what the guardian becomes in the end.
"""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from executor.docker.engine import remove_container
from executor.workspace.build_marks import is_marked, mark_of
from executor.workspace.work_folder import Folder
from prevs.environment import read_environment

_GRACE = 3.0
"""Seconds that git and docker get to remove their own lock and temporary files."""

_PATIENCE = 600.0
"""Seconds for a daemon that is away; after that it is for the next executor's reaper."""

_CREATION = 15.0
"""Seconds in which a container may still appear whose creation was asked for."""

_LAST = 10.0
"""Seconds for what has been killed to be gone: what waits for a disk or a network file system that
hangs is not, and the container and its port must not wait for it."""

_LATE = 15.0
"""Seconds in which a step may still begin whose build was cut off before."""

_PAUSE = 0.25
_AWAY_PAUSE = 1.0
_SIGNAL_PAUSE = 0.05

logger = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class Remains:
    """What is known of an executor that has ended: its attempt, its container if it may be left.

    `is_building`: its build was cut off, and a step of that may begin yet
    (executor/workspace/build_marks.py).
    """

    folder: str | None = None
    task_id: str = ""
    container: str | None = None
    is_building: bool = False

    def told(self, line: str) -> Remains:
        """Return what is known after a line of the executor's (executor/workspace/guardian.py)."""
        word, _, rest = line.partition(" ")
        if word == "attempt":
            task_id, _, folder = rest.partition(" ")
            return dataclasses.replace(self, folder=folder, task_id=task_id)
        if word == "container":
            return dataclasses.replace(self, container=rest)
        if word in ("building", "built"):
            return dataclasses.replace(self, is_building=word == "building")
        return dataclasses.replace(self, container=None)


def clear(remains: Remains, mark: bytes, environ: Mapping[str, str]) -> None:
    """End the executor's processes, then remove its container, its files and its lock.

    `mark` is `NAME=value`, which all those processes have in their environment. Blocks for some
    minutes where docker is away; then the lock is left for the reaper.
    """
    if not end_marked(lambda number: _signal_marked(mark, number)):
        logger.error("processes of the executor are left: even SIGKILL does not end them")
    if remains.is_building:
        end_late(lambda number: _signal_marked(mark, number))
    name = remains.container
    if name is not None:
        logger.warning("the executor has ended; removing its container %s", name)
        if not remove(lambda: remove_container(environ, name)):
            logger.error("docker does not answer; the container %s is left", name)
            return
    if remains.folder is not None:
        Folder(Path(remains.folder)).forget(remains.task_id)


def remove(
    ask: Callable[[], int | None],
    *,
    now: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> bool:
    """Ask for a container's removal until it is gone for sure; tell whether it is.

    `ask` returns what remove_container does.
    """
    began = now()
    absent_since: float | None = None
    while now() - began < _PATIENCE:
        status = ask()
        if status is not None and 200 <= status < 300:
            return True
        if status != 404:
            absent_since = None
        elif absent_since is None:
            absent_since = now()
        elif now() - absent_since >= _CREATION:
            return True
        sleep(_AWAY_PAUSE if status is None else _PAUSE)
    return False


def end_marked(
    signal_them: Callable[[signal.Signals], bool],
    *,
    now: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> bool:
    """End processes: SIGTERM, some seconds later SIGKILL; tell whether all are gone.

    `signal_them` signals all that there are, and tells whether there was one. Blocks for some
    seconds at most.
    """
    began = now()
    number = signal.SIGTERM
    while signal_them(number):
        sleep(_SIGNAL_PAUSE)
        if now() - began >= _GRACE + _LAST:
            return False
        if now() - began >= _GRACE:
            number = signal.SIGKILL
    return True


def end_late(
    signal_them: Callable[[signal.Signals], bool],
    *,
    now: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Kill what begins within some seconds, all of which it blocks for."""
    began = now()
    while now() - began < _LATE:
        signal_them(signal.SIGKILL)
        sleep(_PAUSE)


def _signal_marked(mark: bytes, number: signal.Signals) -> bool:
    """Signal every marked process; tell whether there was one."""
    found = False
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or not _has(entry, mark):
            continue
        with contextlib.suppress(OSError):
            handle = os.pidfd_open(int(entry.name))
            try:
                # Asked after the handle is held: it cannot be another process by now.
                if _has(entry, mark):
                    signal.pidfd_send_signal(handle, number)
                    found = True
            finally:
                os.close(handle)
    return found


def _has(process: Path, mark: bytes) -> bool:
    """Tell whether the executor started a process, or BuildKit one for a build of the executor."""
    try:
        environment = read_environment(process)
    except OSError:
        return False
    return mark in environment or is_marked(environment, mark_of(mark.rpartition(b"=")[2].decode()))


def main() -> None:
    """Clear what the executor that told the second argument has left."""
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    mark, told = sys.argv[1:]
    remains = Remains()
    for line in told.splitlines():
        remains = remains.told(line)
    clear(remains, mark.encode(), os.environ)


if __name__ == "__main__":
    main()
