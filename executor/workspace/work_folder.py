"""The folder that all attempts of an agent share. It shows which attempts are alive.

    id               the folder's own id, which its containers have as a label
    attempts/<task>  held with flock by the executor of that task while it lives
    trees/<task>     the commit's files while its image is built; beside them, while they are
                     fetched, trees/<task>.index and trees/<task>.keys, and the Dockerfiles of
                     recipes, trees/<task>.recipes; trees/<task>.going-… is being removed
    files/<key>.tar  what containers have of a commit's files (executor/container/commit_files.py)
    prepared/<volume>/<key>  the hooks of that key have succeeded on this volume and its preview's
                     other volumes

The kernel releases a lock when its holder dies, however it dies. The folder's path cannot be its
id: agents that run in containers may use the same path and share one docker daemon.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

from executor.attempt.context import RECIPES


class WorkFolder:
    """The work folder at `path`. Thread safe."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._attempts = path / "attempts"

    def id(self) -> str:
        """Return the folder's id; the first call makes it."""
        file = self._path / "id"
        with contextlib.suppress(FileNotFoundError):
            return file.read_text()
        self._path.mkdir(parents=True, exist_ok=True)
        name = os.urandom(8).hex()
        mine = file.with_name(f"id.{name}")
        mine.write_text(name)
        # The link makes the file appear whole. If several start at once, the first one wins.
        with contextlib.suppress(FileExistsError):
            os.link(mine, file)
        mine.unlink()
        return file.read_text()

    def tree(self, task_id: str) -> Path:
        """Return where the files of an attempt's commit are."""
        return self._path / "trees" / task_id

    def recipes(self, task_id: str) -> Path:
        """Return the folder of the Dockerfiles that prevs wrote for an attempt."""
        return self._path / "trees" / f"{task_id}{RECIPES}"

    def is_prepared(self, volume: str, key: str) -> bool:
        """Return whether keep_prepared was called with these arguments."""
        return (self._path / "prepared" / volume / key).exists()

    def keep_prepared(self, volume: str, key: str) -> None:
        """Note that the hooks of `key` have succeeded on a volume."""
        file = self._path / "prepared" / volume / key
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()

    def index(self, task_id: str) -> Path:
        """Return the path of git's index for the tree."""
        return self._path / "trees" / f"{task_id}.index"

    def keys(self, task_id: str) -> Path:
        """Return the folder for the secrets that git needs while it reads a repository."""
        return self._path / "trees" / f"{task_id}.keys"

    def remove_files(self, task_id: str) -> None:
        """Remove an attempt's tree and what is beside it."""
        self._remove(task_id)
        self._remove_discarded(task_id)

    def _remove(self, task_id: str) -> None:
        shutil.rmtree(self.tree(task_id), ignore_errors=True)
        shutil.rmtree(self.keys(task_id), ignore_errors=True)
        shutil.rmtree(self.recipes(task_id), ignore_errors=True)
        self.index(task_id).unlink(missing_ok=True)

    def discard(self, task_id: str) -> None:
        """Do what remove_files() does, but remove the tree on a thread: it may have many files."""
        going = self._going(task_id)
        with contextlib.suppress(FileNotFoundError):
            self.tree(task_id).rename(going.with_name(f"{going.name}-{os.urandom(4).hex()}"))
        self._remove(task_id)
        threading.Thread(
            target=self._remove_discarded, args=(task_id,), daemon=True, name="discard"
        ).start()

    def _going(self, task_id: str) -> Path:
        return self._path / "trees" / f"{task_id}.going"

    def _remove_discarded(self, task_id: str) -> None:
        going = self._going(task_id)
        for one in going.parent.glob(f"{going.name}-*"):
            shutil.rmtree(one, ignore_errors=True)

    def forget_prepared(self, volume: str) -> None:
        """Remove the notes of keep_prepared() about a volume that was removed."""
        shutil.rmtree(self._path / "prepared" / volume, ignore_errors=True)

    def hold(self, task_id: str) -> int:
        """Mark an attempt as alive until the returned descriptor is closed."""
        self._attempts.mkdir(parents=True, exist_ok=True)
        while True:
            lock = os.open(self._attempts / task_id, os.O_RDWR | os.O_CREAT, 0o644)
            # Shared: only lives() and forget() lock it exclusively, for a moment.
            fcntl.flock(lock, fcntl.LOCK_SH)
            if self._is_there(task_id, lock):
                return lock
            os.close(lock)

    def lives(self, task_id: str) -> bool:
        """Return whether an attempt's executor is alive."""
        with self._alone(task_id) as lock:
            return lock is None and (self._attempts / task_id).exists()

    def tasks(self) -> list[str]:
        """Return the ids of the attempts that have left traces."""
        try:
            return sorted(entry.name for entry in self._attempts.iterdir())
        except FileNotFoundError:
            return []

    def forget(self, task_id: str) -> None:
        """Remove the traces of an attempt, unless it is alive."""
        with self._alone(task_id) as lock:
            if lock is None:
                return
            self.remove_files(task_id)
            (self._attempts / task_id).unlink(missing_ok=True)

    @contextlib.contextmanager
    def _alone(self, task_id: str) -> Iterator[int | None]:
        """Give an attempt's lock, held exclusively; None if there is none or it is held."""
        try:
            lock = os.open(self._attempts / task_id, os.O_RDWR)
        except FileNotFoundError:
            yield None
            return
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield None
        else:
            yield lock
        finally:
            os.close(lock)

    def _is_there(self, task_id: str, lock: int) -> bool:
        """Return whether the lock is on the file: forget() may have removed the file meanwhile."""
        try:
            return os.path.samestat((self._attempts / task_id).stat(), os.fstat(lock))
        except FileNotFoundError:
            return False
