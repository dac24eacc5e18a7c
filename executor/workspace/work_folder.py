"""The folder that all attempts of an agent share, and which of them live.

    id               names this folder for as long as it exists; its containers carry it
    attempts/<task>  held with flock by the executor of that task while it lives
    trees/<task>     the commit's files while its image is built; beside them, while they are
                     fetched, trees/<task>.index and trees/<task>.keys
    prepared/<volume>/<key>  where hooks have succeeded on a volume and its preview's others

The kernel lets go of a lock when its holder dies, however it dies. A path would not do as a name:
agents that run in containers may each have a folder of the same path, and one docker daemon.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
from collections.abc import Iterator
from pathlib import Path


class Folder:
    """The work folder at `path`. Thread safe."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._attempts = path / "attempts"

    def id(self) -> str:
        """Return the folder's name, made up when it is first asked for. Raises OSError."""
        file = self._path / "id"
        with contextlib.suppress(FileNotFoundError):
            return file.read_text()
        self._path.mkdir(parents=True, exist_ok=True)
        name = os.urandom(8).hex()
        mine = file.with_name(f"id.{name}")
        mine.write_text(name)
        # Whole at once, and the first one's where several begin at the same time.
        with contextlib.suppress(FileExistsError):
            os.link(mine, file)
        mine.unlink()
        return file.read_text()

    def tree(self, task_id: str) -> Path:
        """Return where the files of an attempt's commit are."""
        return self._path / "trees" / task_id

    def is_prepared(self, volume: str, key: str) -> bool:
        """Tell whether keep_prepared was called so."""
        return (self._path / "prepared" / volume / key).exists()

    def keep_prepared(self, volume: str, key: str) -> None:
        """Note that a volume has what `key` stands for. Raises OSError."""
        file = self._path / "prepared" / volume / key
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()

    def index(self, task_id: str) -> Path:
        """Return where git notes what it has written into the tree."""
        return self._path / "trees" / f"{task_id}.index"

    def keys(self, task_id: str) -> Path:
        """Return the folder of what git is told in secret while it reads a repository."""
        return self._path / "trees" / f"{task_id}.keys"

    def remove_files(self, task_id: str) -> None:
        """Remove an attempt's tree and what was beside it."""
        shutil.rmtree(self.tree(task_id), ignore_errors=True)
        shutil.rmtree(self.keys(task_id), ignore_errors=True)
        self.index(task_id).unlink(missing_ok=True)

    def forget_prepared(self, volume: str) -> None:
        """Forget what a volume had that is gone."""
        shutil.rmtree(self._path / "prepared" / volume, ignore_errors=True)

    def hold(self, task_id: str) -> int:
        """Say that an attempt lives, until the returned descriptor is closed. Raises OSError."""
        self._attempts.mkdir(parents=True, exist_ok=True)
        while True:
            lock = os.open(self._attempts / task_id, os.O_RDWR | os.O_CREAT, 0o644)
            # Shared: only who looks takes it alone, for a moment.
            fcntl.flock(lock, fcntl.LOCK_SH)
            if self._is_there(task_id, lock):
                return lock
            os.close(lock)

    def lives(self, task_id: str) -> bool:
        """Tell whether an attempt's executor lives."""
        with self._alone(task_id) as lock:
            return lock is None and (self._attempts / task_id).exists()

    def tasks(self) -> list[str]:
        """Return the attempts of which there are traces."""
        try:
            return sorted(entry.name for entry in self._attempts.iterdir())
        except FileNotFoundError:
            return []

    def forget(self, task_id: str) -> None:
        """Remove the traces of an attempt, unless it lives."""
        with self._alone(task_id) as lock:
            if lock is None:
                return
            self.remove_files(task_id)
            (self._attempts / task_id).unlink(missing_ok=True)

    @contextlib.contextmanager
    def _alone(self, task_id: str) -> Iterator[int | None]:
        """Hold an attempt's lock alone, if there is one and nobody else does."""
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
        """Tell whether that is still the file's lock: who looked may have removed the file."""
        try:
            return os.path.samestat((self._attempts / task_id).stat(), os.fstat(lock))
        except FileNotFoundError:
            return False
