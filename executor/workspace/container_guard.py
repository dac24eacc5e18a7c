"""Has an attempt's containers removed if its executor dies, by the watchdog or a reaper."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

from executor.workspace.watchdog import Watchdog
from executor.workspace.work_folder import WorkFolder

LABEL = "prevs.attempts"
"""A container's label; its value is the id of the work folder in which its attempt's lock is."""

_REAPING_LIMIT = 10.0
"""Seconds that a container waits for the reaper."""

logger = logging.getLogger(__name__)


class ContainerGuard:
    """The guard of one attempt after the other, in the work folder at `path`.

    Fulfils Guard of executor/container/containers.py and BuildGuard of executor/builds/buildkit.py.
    """

    def __init__(self, path: Path, watchdog: Watchdog) -> None:
        self._path = path
        self._folder = WorkFolder(path)
        self._watchdog = watchdog
        self._reaped = threading.Event()
        self._task_id = ""
        self._lock: int | None = None
        self._containers: set[str] = set()
        self._kept: dict[str, tuple[str, int]] = {}
        self._is_building = False

    def begin(self, task_id: str) -> None:
        """Mark the attempt as alive until end() or the end of this process. Raises OSError."""
        self._task_id = task_id
        self._lock = self._folder.hold(task_id)
        self._watchdog.attempt(str(self._path), task_id)
        for name in self._kept:
            self._watchdog.container(name)

    def reap(self, reap: Callable[[WorkFolder], None]) -> None:
        """Call `reap`, which removes what dead attempts left. Never raises."""
        try:
            reap(self._folder)
        except Exception:
            # These are other attempts' leftovers, and the next executor reaps again.
            logger.exception("leftovers of dead attempts may remain")
        finally:
            self._reaped.set()

    def labels(self) -> Mapping[str, str]:
        """Return the labels by which the reaper finds a container."""
        return {LABEL: self._folder.id()}

    def register(self, name: str) -> None:
        """Guard a container that is about to be created."""
        self._containers.add(name)
        self._watchdog.container(name)

    def register_network(self, name: str) -> None:
        """Guard the network of the attempt, which is removed after its containers."""
        self._watchdog.network(name)

    def keep(self, name: str) -> None:
        """Guard a container that is about to be created, and that stays for the next attempts.

        For the reaper it belongs to this attempt, which lives as long. Raises OSError.
        """
        self._kept[name] = (self._task_id, self._folder.hold(self._task_id))
        self._watchdog.container(name)

    def unregister(self, name: str) -> None:
        """Note that a container has been removed for sure."""
        self._containers.discard(name)
        self._watchdog.gone(name)
        if name in self._kept:
            task_id, lock = self._kept.pop(name)
            os.close(lock)
            self._folder.forget(task_id)

    def wait_for_reaper(self) -> None:
        """Block until the reaper is done: a container that it removes may have our port."""
        self._reaped.wait(_REAPING_LIMIT)

    def build_started(self) -> None:
        """Guard the steps of a build that starts now."""
        self._is_building = True
        self._watchdog.building()

    def build_ended(self) -> None:
        """Note that the build has ended by itself, and with it its steps."""
        self._is_building = False
        self._watchdog.built()

    def end(self) -> bool:
        """Release the watchdog, as the attempt has ended; not while something may be left.

        Return whether nothing is, but for what stays for the next attempt.
        """
        if self._containers:
            return False
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None
            self._folder.forget(self._task_id)
        if self._is_building:
            return False
        if not self._kept:
            self._watchdog.done()
        return True
