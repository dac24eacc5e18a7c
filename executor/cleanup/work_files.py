"""What takes space in the work folder: mirrors, trees that were left, files for containers."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from executor.cleanup.policy import Artifact, Kind, last_use
from executor.workspace import usage_locks
from executor.workspace.usage_locks import UsageLocks
from executor.workspace.work_folder import WorkFolder

_GOING = "going-"
"""The prefix of a mirror that is being removed: nobody looks for a mirror of that name."""


class MirrorStore:
    """Fulfils the port Store: the mirrors of repositories, in `mirrors/` of the work folder."""

    ages = False
    caches = False

    def __init__(self, path: Path, uses: UsageLocks) -> None:
        self.disk = path
        self._folder = path / "mirrors"
        self._uses = uses

    def artifacts(self) -> Sequence[Artifact]:
        """Return the mirrors."""
        return [self._artifact(entry) for entry in _entries(self._folder)]

    def remove(self, artifact: Artifact) -> bool:
        """Remove a mirror unless somebody uses it; return whether it is gone. Raises OSError."""
        path = self._folder / artifact.name
        going = path
        if not artifact.name.startswith(_GOING):
            going = path.with_name(f"{_GOING}{os.urandom(8).hex()}")
            with self._uses.removing(usage_locks.mirror(path)) as free:
                if not free:
                    return False
                # Rename it first, which takes no time: half a folder would pass for a mirror.
                with contextlib.suppress(FileNotFoundError):
                    path.rename(going)
        shutil.rmtree(going, ignore_errors=True)
        return True

    def prune(self, before: float) -> None:
        """There is no cache here."""

    def _artifact(self, entry: os.DirEntry[str]) -> Artifact:
        made = entry.stat(follow_symlinks=False).st_mtime
        kind = Kind.LEFTOVER if entry.name.startswith(_GOING) else Kind.MIRROR
        return Artifact(
            kind, entry.name, last_use(self._uses.last(usage_locks.mirror(Path(entry))), made)
        )


class TreeStore:
    """Fulfils the port Store: the trees that dead attempts left."""

    ages = True
    caches = False

    def __init__(self, path: Path) -> None:
        self.disk = path
        self._path = path
        self._folder = WorkFolder(path)

    def artifacts(self) -> Sequence[Artifact]:
        """Return the trees of dead attempts."""
        # An attempt holds its lock before it has a tree.
        return [
            Artifact(Kind.LEFTOVER, entry.name, entry.stat(follow_symlinks=False).st_mtime)
            for entry in _entries(self._path / "trees")
            if not self._folder.lives(_task_id(entry.name))
        ]

    def remove(self, artifact: Artifact) -> bool:
        """Remove a tree, or its index."""
        path = self._path / "trees" / artifact.name
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
        return True

    def prune(self, before: float) -> None:
        """There is no cache here."""


class FileStore:
    """Fulfils the port Store: the files of commits that are kept for containers, in `files/`.

    Whoever reads one reads it whole, and makes it again if it is gone.
    """

    ages = False
    caches = False

    def __init__(self, path: Path) -> None:
        self.disk = path
        self._folder = path / "files"

    def artifacts(self) -> Sequence[Artifact]:
        """Return the kept files, by commit."""
        return [
            Artifact(Kind.MIRROR, entry.name, entry.stat(follow_symlinks=False).st_mtime)
            for entry in _entries(self._folder)
        ]

    def remove(self, artifact: Artifact) -> bool:
        """Remove the files of a commit."""
        (self._folder / artifact.name).unlink(missing_ok=True)
        return True

    def prune(self, before: float) -> None:
        """There is no cache here."""


def _task_id(name: str) -> str:
    """Return the task whose tree or index has this name: a task's id has two dots."""
    return ".".join(name.split(".")[:3])


def _entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    with contextlib.suppress(FileNotFoundError), os.scandir(folder) as entries:
        yield from entries
