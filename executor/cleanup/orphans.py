"""Removes what a killed executor leaves: its processes, its containers and its files.

At the end the watchdog becomes `python -m executor.cleanup.orphans NAME=value MESSAGES`.
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

from executor.docker.engine import remove_container, remove_network
from executor.workspace.build_marks import is_marked, mark_of
from executor.workspace.work_folder import WorkFolder
from prevs.environment import read_environment

_GRACE = 3.0
"""Seconds that git and docker get to remove their own lock and temporary files."""

_PATIENCE = 600.0
"""Seconds to wait for a daemon that is away. After that the next executor's reaper removes it."""

_CREATION = 15.0
"""Seconds in which a container may still appear after the request to create it."""

_LAST = 10.0
"""Seconds to wait for killed processes to be gone. A process that hangs in a disk or a network file
system stays, and the container and its port must not wait for it."""

_LATE = 15.0
"""Seconds in which a step may still start after its build was cut off."""

_PAUSE = 0.25
_AWAY_PAUSE = 1.0
_SIGNAL_PAUSE = 0.05

logger = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class Orphans:
    """What an executor that has ended may have left: an attempt's files, containers, `network`.

    `is_building` means that its build was cut off, and that a step of it may still start
    (executor/workspace/build_marks.py).
    """

    folder: str | None = None
    task_id: str = ""
    containers: tuple[str, ...] = ()
    network: str = ""
    is_building: bool = False

    def after(self, line: str) -> Orphans:
        """Return what is left after one more message (executor/workspace/watchdog.py)."""
        word, _, rest = line.partition(" ")
        if word == "attempt":
            task_id, _, folder = rest.partition(" ")
            return dataclasses.replace(self, folder=folder, task_id=task_id)
        if word == "network":
            return dataclasses.replace(self, network=rest)
        if word in ("building", "built"):
            return dataclasses.replace(self, is_building=word == "building")
        others = tuple(name for name in self.containers if name != rest)
        return dataclasses.replace(
            self, containers=(*others, rest) if word == "container" else others
        )


def clear(orphans: Orphans, mark: bytes, environ: Mapping[str, str]) -> None:
    """End the executor's processes, then remove its containers, its files and its lock.

    `mark` is `NAME=value`, which all these processes have in their environment. Blocks for some
    minutes if docker is away, and then leaves the lock for the reaper.
    """
    if not end_marked(lambda number: _signal_marked(mark, number)):
        logger.error("processes of the executor are left: even SIGKILL does not end them")
    if orphans.is_building:
        end_late(lambda number: _signal_marked(mark, number))
    left = [name for name in orphans.containers if not _remove_named(environ, name)]
    if left:
        return
    if orphans.network:
        remove_network(environ, orphans.network)
    if orphans.folder is not None:
        WorkFolder(Path(orphans.folder)).forget(orphans.task_id)


def _remove_named(environ: Mapping[str, str], name: str) -> bool:
    """Remove a container; return whether it is gone."""
    logger.warning("the executor has ended; removing its container %s", name)
    is_gone = remove(lambda: remove_container(environ, name))
    if not is_gone:
        logger.error("docker does not answer; the container %s is left behind", name)
    return is_gone


def remove(
    request: Callable[[], int | None],
    *,
    now: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> bool:
    """Request the removal of a container until it is gone for sure; return whether it is.

    `request` returns what remove_container returns.
    """
    began = now()
    absent_since: float | None = None
    while now() - began < _PATIENCE:
        status = request()
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
    """Send SIGTERM to processes, and SIGKILL some seconds later; return whether all are gone.

    `signal_them` signals all that exist, and returns whether there was one. Blocks for some seconds
    at most.
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
    """Kill what starts within the next seconds. Blocks for all of them."""
    began = now()
    while now() - began < _LATE:
        signal_them(signal.SIGKILL)
        sleep(_PAUSE)


def _signal_marked(mark: bytes, number: signal.Signals) -> bool:
    """Signal every marked process; return whether there was one."""
    found = False
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or not _has(entry, mark):
            continue
        with contextlib.suppress(OSError):
            handle = os.pidfd_open(int(entry.name))
            try:
                # Checked with the handle open: the number cannot be another process's by now.
                if _has(entry, mark):
                    signal.pidfd_send_signal(handle, number)
                    found = True
            finally:
                os.close(handle)
    return found


def _has(process: Path, mark: bytes) -> bool:
    """Return whether the executor started a process, or BuildKit did for its build."""
    try:
        environment = read_environment(process)
    except OSError:
        return False
    return mark in environment or is_marked(environment, mark_of(mark.rpartition(b"=")[2].decode()))


def main() -> None:
    """Remove what the executor that sent the messages (the second argument) has left."""
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    mark, messages = sys.argv[1:]
    orphans = Orphans()
    for line in messages.splitlines():
        orphans = orphans.after(line)
    clear(orphans, mark.encode(), os.environ)


if __name__ == "__main__":
    main()
