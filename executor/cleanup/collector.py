"""Removes what nobody uses when an agent's disk gets full: before builds, and now and then."""

from __future__ import annotations

import contextlib
import fcntl
import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

from executor.cleanup.policy import KEPT, Artifact, Prune, Watermarks, expired, plan
from executor.errors import ExecutorError
from executor.limits.disk_usage import DiskUsage, measure
from executor.ports import Signals
from executor.workspace.locks import locked
from executor.workspace.usage_locks import UsageLocks

_LOOK = 300.0
"""Seconds between the checks of one executor. One that finds nothing due is two system calls."""

_PAUSE = 600.0
"""Seconds for which one check by any executor suffices for the agent, and for which builds collect
nothing after a collection that could not free enough."""

logger = logging.getLogger(__name__)


class Store(Protocol):
    """The artifacts of one kind, which take space on the disk of the folder `disk`.

    `ages` is whether artifacts are removed for their age, `caches` whether prune() does anything.
    """

    disk: Path
    ages: bool
    caches: bool

    def artifacts(self) -> Sequence[Artifact]:
        """Return all artifacts. Raises DockerUnavailable, OSError."""
        ...

    def remove(self, artifact: Artifact) -> bool:
        """Remove an artifact unless somebody uses it or is about to; return whether it is gone.

        Raises DockerUnavailable, OSError.
        """
        ...

    def prune(self, before: float) -> None:
        """Remove the cache that was not used since a time. Raises DockerUnavailable."""
        ...


_Disk = tuple[Path, Sequence[Store]]
"""A folder of a disk, and the stores on that disk."""


class DiskCollector:
    """The garbage collection of one executor; only one executor of an agent collects at a time.

    `folder` is the work folder. `find_stores` is called each time, as docker may have been away.
    """

    def __init__(
        self,
        folder: Path,
        watermarks: Watermarks,
        uses: UsageLocks,
        find_stores: Callable[[], Sequence[Store]],
        *,
        measure: Callable[[Path], DiskUsage] = measure,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._folder = folder
        self._lock = folder / "locks" / "collection"
        self._noted = folder / "collected"
        self._watermarks = watermarks
        self._uses = uses
        self._find_stores = find_stores
        self._measure = measure
        self._now = now

    def make_room(self, signals: Signals, on_start: Callable[[], None]) -> None:
        """Collect if a disk is above its high watermark. Call it before a build.

        Calls `on_start` if it collects, and blocks until it is done. If it frees too little, the
        build fails with its own error, and the builds of the next ten minutes do not collect:
        others' files fill the disk, and each build would wait, and lose its cache, for nothing.
        """
        with self._logged():
            stores = self._find_stores()
            if not self._find_worth(stores):
                return
            on_start()
            with locked(self._lock, signals, busy=lambda: None):
                # Another attempt may have collected meanwhile.
                self._collect(self._find_worth(stores), signals.check)

    def watch(self, over: threading.Event) -> None:
        """Check now and then until `over` is set, on the caller's thread. Never raises."""
        with self._logged():
            self._make_lock()
        while not over.wait(_LOOK):
            try:
                self.look()
            except Exception:
                # The next check tries again.
                logger.exception("unused files could not be collected")

    def look(self) -> None:
        """Collect what is due, unless somebody did that lately or is at it."""
        self._uses.refresh()
        with self._logged(), self._alone() as mine:
            if not mine:
                return
            stores = self._find_stores()
            self._remove_expired(stores)
            self._uses.tidy(self._now() - 2 * KEPT)
            self._collect(self._find_short(stores), lambda: None)

    def _find_short(self, stores: Sequence[Store]) -> Sequence[_Disk]:
        """Return the disks that are above the high watermark."""
        high = self._watermarks.high
        return [found for found in _by_disk(stores) if self._measure(found[0]).is_above(high)]

    def _find_worth(self, stores: Sequence[Store]) -> Sequence[_Disk]:
        """Return the disks worth cleaning before a build.

        Full ones, and those where the last cleaning freed something.
        """
        return [
            (disk, those)
            for disk, those in self._find_short(stores)
            if self._measure(disk).is_full or not self._is_recent(self._in_vain(disk))
        ]

    def _in_vain(self, disk: Path) -> Path:
        """Return the note that a collection of a disk could not free enough."""
        return self._folder / f"in-vain-{disk.stat().st_dev}"

    def _collect(self, disks: Sequence[_Disk], check: Callable[[], None]) -> None:
        """Remove artifacts from disks that are too full; calls `check` before each."""
        for disk, those in disks:
            found = self._measure(disk)
            logger.info("freeing space on the disk of %s: %s", disk, found.describe())
            owners = {artifact: store for store in those for artifact in store.artifacts()}
            caching = [store for store in those if store.caches]
            for removal in plan(owners, self._now(), cache=bool(caching)):
                check()
                if not self._measure(disk).is_above(self._watermarks.low):
                    break
                if isinstance(removal, Prune):
                    for store in caching:
                        store.prune(removal.before)
                else:
                    self._remove(owners[removal], removal)
            else:
                left = self._measure(disk)
                if left.is_above(self._watermarks.low):
                    logger.warning(
                        "nothing more can be removed from the disk of %s: %s", disk, left.describe()
                    )
                    self._note(self._in_vain(disk))

    def _remove_expired(self, stores: Sequence[Store]) -> None:
        for store in stores:
            if store.ages:
                for artifact in expired(store.artifacts(), self._now()):
                    self._remove(store, artifact)

    def _remove(self, store: Store, artifact: Artifact) -> None:
        try:
            gone = store.remove(artifact)
        except OSError as exc:
            # A use that was never noted has no lock yet, and the disk may have no inode for one.
            logger.info("could not remove the %s %s: %s", artifact.kind.value, artifact.name, exc)
            return
        if gone:
            hours = (self._now() - artifact.used) / 3600
            logger.info(
                "removed %s %s, unused for %.1f h", artifact.kind.value, artifact.name, hours
            )

    def _make_lock(self) -> None:
        """Create the lock's file early: a disk that is full may have no inode for it."""
        self._lock.parent.mkdir(parents=True, exist_ok=True)
        self._lock.touch()

    @contextlib.contextmanager
    def _alone(self) -> Iterator[bool]:
        """Give whether a check is due and this executor has the lock, within the context."""
        self._make_lock()
        with self._lock.open("ab") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
                return
            if self._is_recent(self._noted):
                yield False
                return
            self._note(self._noted)
            yield True

    def _note(self, note: Path) -> None:
        """Note the time. Without an inode for it, the next check just comes sooner."""
        with contextlib.suppress(OSError):
            note.touch()

    def _is_recent(self, note: Path) -> bool:
        """Return whether that was noted within the pause."""
        with contextlib.suppress(FileNotFoundError):
            return 0 <= self._now() - note.stat().st_mtime < _PAUSE
        return False

    @contextlib.contextmanager
    def _logged(self) -> Iterator[None]:
        """Log what goes wrong in the context, which ends then."""
        try:
            yield
        except (ExecutorError, OSError):
            logger.exception("unused files could not be collected")


def _by_disk(stores: Sequence[Store]) -> Sequence[_Disk]:
    """Return a folder of each disk, with the stores that are on that disk."""
    disks: dict[int, list[Store]] = {}
    for store in stores:
        with contextlib.suppress(FileNotFoundError):
            disks.setdefault(store.disk.stat().st_dev, []).append(store)
    return [(those[0].disk, those) for those in disks.values()]
