"""The folder of a sandbox in which the artifacts of a job are kept, and their list beside it."""

from __future__ import annotations

import shutil
from pathlib import Path, PurePosixPath
from typing import IO

from prevs.artifacts import LIST, MOST, Artifact, ArtifactsRecord, is_path

_CHUNK = 64 * 1024


class ArtifactFolder:
    """A folder that is made with its first file. Whoever chose the names may be a stranger."""

    def __init__(self, folder: Path, *, most: int = MOST) -> None:
        """Keep so many files at most."""
        self._folder = folder
        self._most = most
        self._kept: list[Artifact] = []

    @property
    def number(self) -> int:
        """How many files were saved."""
        return len(self._kept)

    def save(self, name: PurePosixPath, size: int, content: IO[bytes]) -> bool:
        """Write a file of `size` bytes; return whether it is kept.

        All folders on its way are ours, as nobody else writes there and no link is made.
        """
        path = str(name)
        if not name.parts or not is_path(path) or len(self._kept) == self._most:
            return False
        target = self._folder / name
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("xb") as file:
                shutil.copyfileobj(content, file, _CHUNK)
        except (OSError, ValueError):
            # The name is too long for this folder, or the disk is full.
            return False
        self._kept.append(Artifact(path, size))
        return True

    def write_list(self) -> bool:
        """Write the list of what was saved, if anything was; return False if the disk is full.

        Nobody finds a file without it.
        """
        if not self._kept:
            return True
        try:
            record = ArtifactsRecord(tuple(self._kept))
            (self._folder.parent / LIST).write_bytes(record.encode())
        except OSError:
            return False
        return True
