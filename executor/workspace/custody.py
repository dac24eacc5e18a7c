"""Sees to it that no container outlives its executor: guardian, work folder and reaper together."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

from executor.workspace.guardian import Guardian
from executor.workspace.work_folder import Folder

LABEL = "prevs.attempts"
"""A container's label; its value is the id of the work folder in which its attempt's lock is."""

_REAPING_LIMIT = 10.0
"""Seconds that a container waits for the reaper."""

logger = logging.getLogger(__name__)


class Custody:
    """One attempt's, in the work folder at `path`; as executor/container/containers.py wants it."""

    def __init__(self, path: Path, guardian: Guardian) -> None:
        self._path = path
        self._folder = Folder(path)
        self._guardian = guardian
        self._reaped = threading.Event()
        self._task_id = ""
        self._lock: int | None = None
        self._has_container = False
        self._is_building = False

    def begin(self, task_id: str) -> None:
        """Say that the attempt lives, until end() or this process's own end. Raises OSError."""
        self._task_id = task_id
        self._lock = self._folder.hold(task_id)
        self._guardian.attempt(str(self._path), task_id)

    def reap(self, reap: Callable[[Folder], None]) -> None:
        """Have what dead attempts left removed; never raises."""
        try:
            reap(self._folder)
        except Exception:
            # It is for others, and there will be another executor.
            logger.exception("what dead attempts left may be left")
        finally:
            self._reaped.set()

    def labels(self) -> Mapping[str, str]:
        """Return what a container carries to be found when everything else is dead."""
        return {LABEL: self._folder.id()}

    def take(self, name: str) -> None:
        """Answer for a container that is about to be created."""
        self._has_container = True
        self._guardian.container(name)

    def building(self) -> None:
        """Answer for the steps of a build that begins."""
        self._is_building = True
        self._guardian.building()

    def built(self) -> None:
        """Hear that it has ended by itself, and so have its steps."""
        self._is_building = False
        self._guardian.built()

    def clear_way(self) -> None:
        """Return when the reaper has worked: what it removes may have the container's port."""
        self._reaped.wait(_REAPING_LIMIT)

    def release(self) -> None:
        """Hear that it is gone for sure."""
        self._has_container = False
        self._guardian.gone()

    def end(self) -> None:
        """Let the guardian go, as the attempt has ended, unless it is still needed."""
        if self._has_container:
            return
        if self._lock is not None:
            os.close(self._lock)
            self._folder.forget(self._task_id)
        if not self._is_building:
            self._guardian.done()
