"""Removes what an agent can do without when a disk gets full: before builds, and now and then."""

from __future__ import annotations

import contextlib
import fcntl
import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

from executor.cleanup.policy import KEPT, Marks, Prune, Thing, expired, plan
from executor.errors import ExecutorError
from executor.limits.disk_usage import Disk, measure
from executor.ports import Signals
from executor.workspace.locks import locked
from executor.workspace.usage_locks import Uses

_LOOK = 300.0
"""Seconds between the looks of one executor: two calls to the kernel, unless it is due."""

_PAUSE = 600.0
"""Seconds in which one look at all that there is suffices for an agent."""

logger = logging.getLogger(__name__)


class Store(Protocol):
    """One kind of what takes space on a disk, `disk` being a folder on it.

    `ages` tells whether something goes because of its age, `caches` whether prune() does anything.
    """

    disk: Path
    ages: bool
    caches: bool

    def things(self) -> Sequence[Thing]:
        """Return what there is. Raises DockerUnavailable, OSError."""
        ...

    def remove(self, thing: Thing) -> bool:
        """Remove one unless somebody uses it or is about to; tell whether it is gone.

        Raises DockerUnavailable, OSError.
        """
        ...

    def prune(self, before: float) -> None:
        """Remove what of a cache was not used since a time. Raises DockerUnavailable."""
        ...


class Collector:
    """The collection of one executor; at most one of an agent collects at a time.

    `folder` is the work folder. `find_stores` is asked each time: docker may have been away.
    """

    def __init__(
        self,
        folder: Path,
        marks: Marks,
        uses: Uses,
        find_stores: Callable[[], Sequence[Store]],
        *,
        measure: Callable[[Path], Disk] = measure,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._lock = folder / "locks" / "collection"
        self._noted = folder / "collected"
        self._marks = marks
        self._uses = uses
        self._find_stores = find_stores
        self._measure = measure
        self._now = now

    def make_room(self, signals: Signals, tell: Callable[[], None]) -> None:
        """Collect if a disk is above its high mark, as something will be built; `tell` hears of it.

        Blocks while that goes on. Where it does not succeed, the build will tell. Raises Stopped.
        """
        with self._logged():
            stores = self._find_stores()
            if not self._is_short(stores):
                return
            tell()
            with locked(self._lock, signals, busy=lambda: None):
                self._collect(stores, signals.check)

    def watch(self, over: threading.Event) -> None:
        """Look now and then until `over` is set, on the thread that calls this. Never raises."""
        with self._logged():
            self._make_lock()
        while not over.wait(_LOOK):
            try:
                self.look()
            except Exception:
                # It is for others, and there will be another look.
                logger.exception("what can go could not be collected")

    def look(self) -> None:
        """Collect what is due, unless that was done lately or another executor is at it."""
        self._uses.refresh()
        with self._logged(), self._alone() as mine:
            if not mine:
                return
            stores = self._find_stores()
            self._remove_expired(stores)
            self._uses.tidy(self._now() - 2 * KEPT)
            if self._is_short(stores):
                self._collect(stores, lambda: None)

    def _is_short(self, stores: Sequence[Store]) -> bool:
        return any(self._measure(disk).is_above(self._marks.high) for disk, _ in _by_disk(stores))

    def _collect(self, stores: Sequence[Store], check: Callable[[], None]) -> None:
        """Remove things from each disk that is too full; calls `check` before each."""
        for disk, those in _by_disk(stores):
            found = self._measure(disk)
            if not found.is_above(self._marks.high):
                continue
            logger.info("making room on the disk of %s: %s", disk, found.told())
            owners = {thing: store for store in those for thing in store.things()}
            caching = [store for store in those if store.caches]
            for step in plan(owners, self._now(), cache=bool(caching)):
                check()
                if not self._measure(disk).is_above(self._marks.low):
                    break
                if isinstance(step, Prune):
                    for store in caching:
                        store.prune(step.before)
                else:
                    self._remove(owners[step], step)
            else:
                left = self._measure(disk)
                if left.is_above(self._marks.low):
                    logger.warning("nothing more can go from the disk of %s: %s", disk, left.told())

    def _remove_expired(self, stores: Sequence[Store]) -> None:
        for store in stores:
            if store.ages:
                for thing in expired(store.things(), self._now()):
                    self._remove(store, thing)

    def _remove(self, store: Store, thing: Thing) -> None:
        try:
            gone = store.remove(thing)
        except OSError as exc:
            # Of a thing that was never noted there is no lock yet, and may be no inode for one.
            logger.info("the %s %s stays: %s", thing.kind.value, thing.name, exc)
            return
        if gone:
            hours = (self._now() - thing.used) / 3600
            logger.info("removed %s %s, unused for %.1f h", thing.kind.value, thing.name, hours)

    def _make_lock(self) -> None:
        """Make the file to lock: once a disk has to be collected from it may have no inode."""
        self._lock.parent.mkdir(parents=True, exist_ok=True)
        self._lock.touch()

    @contextlib.contextmanager
    def _alone(self) -> Iterator[bool]:
        """Tell whether it is due, and this executor's to do until the context ends."""
        self._make_lock()
        with self._lock.open("ab") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
                return
            with contextlib.suppress(FileNotFoundError):
                if 0 <= self._now() - self._noted.stat().st_mtime < _PAUSE:
                    yield False
                    return
            # Where there is no inode for the note, the next look comes sooner.
            with contextlib.suppress(OSError):
                self._noted.touch()
            yield True

    @contextlib.contextmanager
    def _logged(self) -> Iterator[None]:
        """Have what goes wrong in the context end it, and nothing else."""
        try:
            yield
        except (ExecutorError, OSError):
            logger.exception("what can go could not be collected")


def _by_disk(stores: Sequence[Store]) -> Sequence[tuple[Path, Sequence[Store]]]:
    """Return a folder of each disk, with the stores that are on that disk."""
    disks: dict[int, list[Store]] = {}
    for store in stores:
        with contextlib.suppress(FileNotFoundError):
            disks.setdefault(store.disk.stat().st_dev, []).append(store)
    return [(those[0].disk, those) for those in disks.values()]
