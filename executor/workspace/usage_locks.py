"""What the attempts of an agent use of what they share, and since when nobody does.

A file for each thing, in `uses/` of the work folder: whoever uses the thing has locked it, and its
time is that of the last use. The kernel lets go of a lock when its holder dies, however it dies.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Optional


class Uses:
    """The uses in the work folder at `path`. Thread safe."""

    def __init__(self, path: Path) -> None:
        self._folder = path / "uses"
        self._held: dict[str, int] = {}

    def hold(self, thing: str) -> None:
        """Use a thing from now on, until release() or this process's end.

        Blocks while it is being removed: whoever holds it looks afterwards whether it is there.
        Raises OSError.
        """
        if thing not in self._held:
            self._held[thing] = self._open(thing)

    def release(self) -> None:
        """Use nothing any more that is held."""
        self.refresh()
        while self._held:
            os.close(self._held.popitem()[1])

    def refresh(self) -> None:
        """Note that what is held is used still."""
        for descriptor in list(self._held.values()):
            with contextlib.suppress(OSError):
                os.utime(descriptor)

    @contextlib.contextmanager
    def using(self, thing: str) -> Iterator[None]:
        """Use a thing within the context. Blocks and raises as hold() does."""
        descriptor = self._open(thing)
        try:
            yield
        finally:
            with contextlib.suppress(OSError):
                os.utime(descriptor)
            os.close(descriptor)

    def last(self, thing: str) -> Optional[float]:
        """Return when it was used last, in seconds since the epoch; None if that is not known."""
        try:
            return self._file(thing).stat().st_mtime
        except OSError:
            return None

    @contextlib.contextmanager
    def removing(self, thing: str) -> Iterator[bool]:
        """Tell whether nobody uses a thing; within the context nobody begins to. Raises OSError."""
        try:
            lock = self._lock(thing, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        try:
            yield True
        finally:
            os.close(lock)

    def tidy(self, before: float) -> None:
        """Forget the uses that were before a time, in seconds since the epoch. Raises OSError."""
        with contextlib.suppress(FileNotFoundError), os.scandir(self._folder) as entries:
            for entry in entries:
                if entry.stat().st_mtime < before:
                    self._forget(Path(entry.path))

    def _forget(self, file: Path) -> None:
        with contextlib.suppress(FileNotFoundError, BlockingIOError), file.open("rb") as opened:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
            file.unlink()

    def _open(self, thing: str) -> int:
        lock = self._lock(thing, fcntl.LOCK_SH)
        os.utime(lock)
        return lock

    def _lock(self, thing: str, how: int) -> int:
        """Return the locked file of a thing. Raises BlockingIOError as flock does."""
        self._folder.mkdir(parents=True, exist_ok=True)
        file = self._file(thing)
        while True:
            lock = os.open(file, os.O_RDWR | os.O_CREAT, 0o644)
            try:
                fcntl.flock(lock, how)
            except BlockingIOError:
                os.close(lock)
                raise
            # Who forgets a use removes its file: then this is the lock of nothing.
            with contextlib.suppress(FileNotFoundError):
                if os.path.samestat(file.stat(), os.fstat(lock)):
                    return lock
            os.close(lock)

    def _file(self, thing: str) -> Path:
        return self._folder / hashlib.sha256(thing.encode()).hexdigest()[:32]


def image(tag: str) -> str:
    """Return what an image is called as a thing that is used."""
    return f"image {tag}"


def mirror(folder: Path) -> str:
    """Return what the mirror in a folder is called as a thing that is used."""
    return f"mirror {folder.name}"


def volume(name: str) -> str:
    """Return what a volume is called as a thing that is used."""
    return f"volume {name}"
