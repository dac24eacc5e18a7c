"""What takes space in the work folder that attempts share: mirrors, and trees that are left."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from executor.cleanup.policy import Kind, Thing, last_use
from executor.workspace import usage_locks
from executor.workspace.usage_locks import Uses
from executor.workspace.work_folder import Folder

_GOING = "going-"
"""How the name of a mirror begins that is being removed: nobody looks for it any more."""


class MirrorStore:
    """Fulfils the port Store: the mirrors of repositories, in `mirrors/` of the work folder."""

    ages = False
    caches = False

    def __init__(self, path: Path, used: Uses) -> None:
        self.disk = path
        self._folder = path / "mirrors"
        self._uses = used

    def things(self) -> Sequence[Thing]:
        """Return the mirrors. Raises OSError."""
        return [self._thing(entry) for entry in _entries(self._folder)]

    def remove(self, thing: Thing) -> bool:
        """Remove a mirror unless somebody uses it; tell whether it is gone. Raises OSError."""
        path = self._folder / thing.name
        going = path
        if not thing.name.startswith(_GOING):
            going = path.with_name(f"{_GOING}{os.urandom(8).hex()}")
            with self._uses.removing(usage_locks.mirror(path)) as free:
                if not free:
                    return False
                # At once, so that nobody waits: what is half removed would be taken for a mirror.
                with contextlib.suppress(FileNotFoundError):
                    path.rename(going)
        shutil.rmtree(going, ignore_errors=True)
        return True

    def prune(self, before: float) -> None:
        """There is no cache here."""

    def _thing(self, entry: os.DirEntry[str]) -> Thing:
        made = entry.stat(follow_symlinks=False).st_mtime
        kind = Kind.LEFTOVER if entry.name.startswith(_GOING) else Kind.MIRROR
        return Thing(
            kind, entry.name, last_use(self._uses.last(usage_locks.mirror(Path(entry))), made)
        )


class TreeStore:
    """Fulfils the port Store: the trees of attempts of which nothing else is left."""

    ages = True
    caches = False

    def __init__(self, path: Path) -> None:
        self.disk = path
        self._path = path
        self._folder = Folder(path)

    def things(self) -> Sequence[Thing]:
        """Return the trees of dead attempts. Raises OSError."""
        # An attempt holds its lock before it has a tree.
        return [
            Thing(Kind.LEFTOVER, entry.name, entry.stat(follow_symlinks=False).st_mtime)
            for entry in _entries(self._path / "trees")
            if not self._folder.lives(_task_id(entry.name))
        ]

    def remove(self, thing: Thing) -> bool:
        """Remove a tree, or its index."""
        path = self._path / "trees" / thing.name
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
        return True

    def prune(self, before: float) -> None:
        """There is no cache here."""


def _task_id(name: str) -> str:
    """Return whose tree, or index of a tree, has a name: a task's id has two dots."""
    return ".".join(name.split(".")[:3])


def _entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    with contextlib.suppress(FileNotFoundError), os.scandir(folder) as entries:
        yield from entries
