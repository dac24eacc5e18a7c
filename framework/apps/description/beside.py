"""The files that a compose file names, within bounds."""

import posixpath

from framework.apps.commit_files import CommitFiles
from framework.apps.compose import file_text

_MOST = 300
"""How many files are read, and folders listed: each costs a call of git."""


class Beside:
    """Other files of a commit. After too many of them nothing more is read."""

    def __init__(self, files: CommitFiles) -> None:
        self._files = files
        self._left = _MOST
        self._folders: dict[str, dict[str, str]] = {}

    def read(self, path: str) -> str | None:
        """Return the text of a file from the app's folder on; None if there is no such one."""
        if self.find_kind(path) != "file" or not self._take():
            return None
        file = self._files.read(path, most=file_text.MOST_COMPOSE_BYTES)
        if file is None or file.kind != "file" or file.size > file_text.MOST_COMPOSE_BYTES:
            return None
        return file.data.decode(errors="replace")

    def find_kind(self, path: str) -> str:
        """Return what is at a path: file, folder, link or submodule, "" for nothing."""
        folder, name = posixpath.split(posixpath.normpath(path))
        if name in {".", ".."}:
            return "folder"  # the app's, or one above it
        if folder not in self._folders:
            listed = self._files.list(folder or ".") if self._take() else {}
            self._folders[folder] = dict(listed)
        return self._folders[folder].get(name, "")

    def _take(self) -> bool:
        self._left -= 1
        return self._left >= 0
