"""Locks on what the attempts of an agent share: who uses it, and when it was used last.

Each shared image, mirror and volume has a file in `uses/` of the work folder. Whoever uses it holds
a lock on the file, and the file's time is the time of the last use. The kernel releases a lock when
its holder dies, however it dies.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Optional


class UsageLocks:
    """The locks in the work folder at `path`. Thread safe.

    A `resource` is what one of the functions below returns.
    """

    def __init__(self, path: Path) -> None:
        self._folder = path / "uses"
        self._held: dict[str, int] = {}

    def hold(self, resource: str) -> None:
        """Lock a resource until release() or the end of this process.

        Blocks while the resource is being removed, so check only afterwards that it exists.
        """
        if resource not in self._held:
            self._held[resource] = self._open(resource)

    def take(self, resource: str) -> bool:
        """Lock a resource for this process alone, as hold() does; return False if others use it."""
        if resource not in self._held:
            try:
                self._held[resource] = self._lock(resource, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
        return True

    def let_go(self, resource: str) -> None:
        """Release one resource, if hold() or take() has locked it."""
        if (lock := self._held.pop(resource, None)) is not None:
            os.close(lock)

    def is_used(self, resource: str) -> bool:
        """Return whether somebody else uses a resource now."""
        with self.removing(resource) as free:
            return not free

    def release(self) -> None:
        """Release all that hold() and take() have locked."""
        self.refresh()
        while self._held:
            os.close(self._held.popitem()[1])

    def refresh(self) -> None:
        """Set the time of last use of all that hold() and take() have locked to now."""
        for descriptor in list(self._held.values()):
            with contextlib.suppress(OSError):
                os.utime(descriptor)

    @contextlib.contextmanager
    def using(self, resource: str) -> Iterator[None]:
        """Lock a resource within the context. Blocks and raises like hold()."""
        descriptor = self._open(resource)
        try:
            yield
        finally:
            with contextlib.suppress(OSError):
                os.utime(descriptor)
            os.close(descriptor)

    def last(self, resource: str) -> Optional[float]:
        """Return the time of the last use in seconds since the epoch, None if it is not known."""
        try:
            return self._file(resource).stat().st_mtime
        except OSError:
            return None

    @contextlib.contextmanager
    def removing(self, resource: str) -> Iterator[bool]:
        """Give whether nobody uses a resource. Within the context nobody can lock it."""
        try:
            lock = self._lock(resource, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        try:
            yield True
        finally:
            os.close(lock)

    def tidy(self, before: float) -> None:
        """Remove the files of uses before a time, in seconds since the epoch."""
        with contextlib.suppress(FileNotFoundError), os.scandir(self._folder) as entries:
            for entry in entries:
                if entry.stat().st_mtime < before:
                    self._forget(Path(entry.path))

    def _forget(self, file: Path) -> None:
        with contextlib.suppress(FileNotFoundError, BlockingIOError), file.open("rb") as opened:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
            file.unlink()

    def _open(self, resource: str) -> int:
        lock = self._lock(resource, fcntl.LOCK_SH)
        os.utime(lock)
        return lock

    def _lock(self, resource: str, how: int) -> int:
        """Return the locked file of a resource. Raises BlockingIOError like flock."""
        self._folder.mkdir(parents=True, exist_ok=True)
        file = self._file(resource)
        while True:
            lock = os.open(file, os.O_RDWR | os.O_CREAT, 0o644)
            try:
                fcntl.flock(lock, how)
            except BlockingIOError:
                os.close(lock)
                raise
            # tidy() may have removed the file meanwhile. Then this lock is worth nothing.
            with contextlib.suppress(FileNotFoundError):
                if os.path.samestat(file.stat(), os.fstat(lock)):
                    return lock
            os.close(lock)

    def _file(self, resource: str) -> Path:
        return self._folder / hashlib.sha256(resource.encode()).hexdigest()[:32]


def image(tag: str) -> str:
    """Return the resource that an image is."""
    return f"image {tag}"


def mirror(folder: Path) -> str:
    """Return the resource that the mirror in a folder is."""
    return f"mirror {folder.name}"


def volume(name: str) -> str:
    """Return the resource that a volume is."""
    return f"volume {name}"


def data(app: str, branch: str, app_created: float) -> str:
    """Return the resource that the data of a branch are."""
    return f"data {app} {app_created!r} {branch}"
