"""framework.apps.commit_files.CommitFiles from a table of paths and texts."""

import posixpath
from collections.abc import Mapping

from framework.apps.commit_files import RepositoryFile


class Tree:
    """A commit, seen from its `folder`. A text `-> x` makes a link, None a submodule."""

    def __init__(self, texts: Mapping[str, str | None], folder: str = "") -> None:
        self._texts = texts
        self._folder = folder

    def read(self, path: str, *, most: int) -> RepositoryFile | None:
        """Return what is at a path, as CommitFiles says."""
        place = self._find_place(path)
        if place not in self._texts:
            is_folder = any(one.startswith(f"{place}/") for one in self._texts)
            return RepositoryFile("folder", 0) if is_folder else None
        text = self._texts[place] or ""
        kind, data = self._find_kind(place), text.encode()
        is_read = kind == "file" and len(data) <= most
        return RepositoryFile(kind, len(data), data if is_read else b"")

    def list(self, folder: str) -> Mapping[str, str]:
        """Return what is in a folder, as CommitFiles says."""
        place = self._find_place(folder)
        inside, found = "" if place == "." else f"{place}/", {}
        for path in self._texts:
            if path.startswith(inside):
                name, _, below = path.removeprefix(inside).partition("/")
                found[name] = "folder" if below else self._find_kind(path)
        return found

    def _find_place(self, path: str) -> str:
        return posixpath.normpath(posixpath.join(self._folder, path))

    def _find_kind(self, path: str) -> str:
        text = self._texts[path]
        if text is None:
            return "submodule"
        return "link" if text.startswith("-> ") else "file"
