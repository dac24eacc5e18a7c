"""The files of a commit as recipes look at them: what is there, and small files' contents. Pure."""

import functools
import json
import re
import tomllib
from collections.abc import Iterable, Mapping
from typing import Any

from framework.apps.commit_files import CommitFiles

MOST_BYTES = 262_144
"""The largest file that is looked into."""

_PLAIN = re.compile(
    r"[A-Za-z0-9_.@+][A-Za-z0-9_.@+-]*(/[A-Za-z0-9_@+][A-Za-z0-9_.@+-]*)*", re.ASCII
)
_LONGEST = 200


def is_plain(name: str) -> bool:
    """Return whether a path of a repository may be written into a Dockerfile as it is."""
    return len(name) <= _LONGEST and bool(_PLAIN.fullmatch(name)) and ".." not in name


class Project:
    """The files of a commit, from the app's folder on. Each is read at most once."""

    def __init__(self, files: CommitFiles) -> None:
        self._files = files
        self._texts: dict[str, str | None] = {}

    @functools.cached_property
    def names(self) -> frozenset[str]:
        """The names of the regular files in the folder."""
        return self.names_in(".")

    @functools.cached_property
    def folders(self) -> tuple[str, ...]:
        """The names of the folders in the folder that may stand in a Dockerfile."""
        return self.folders_in(".")

    def folders_in(self, folder: str) -> tuple[str, ...]:
        """Return the names of the folders in a folder that may stand in a Dockerfile."""
        found = self._files.list(folder).items()
        return tuple(sorted(name for name, kind in found if kind == "folder" and is_plain(name)))

    def names_in(self, folder: str) -> frozenset[str]:
        """Return the names of the regular files of a folder."""
        return frozenset(name for name, kind in self._files.list(folder).items() if kind == "file")

    def first(self, *names: str) -> str:
        """Return the first of these files that is there, "" for none."""
        return next((name for name in names if self.has(name)), "")

    def those(self, names: Iterable[str]) -> tuple[str, ...]:
        """Return those of these files that are there."""
        return tuple(name for name in names if self.has(name))

    def has(self, path: str) -> bool:
        """Return whether there is a regular file at a path."""
        folder, _, name = path.rpartition("/")
        if folder and folder.partition("/")[0] not in self.folders:
            return False
        return name in (self.names_in(folder) if folder else self.names)

    def text(self, path: str) -> str:
        """Return a file's text, "" if there is none that can be read as one."""
        if path not in self._texts:
            self._texts[path] = self._read(path) if self.has(path) else ""
        return self._texts[path] or ""

    def json(self, path: str) -> Mapping[str, Any] | None:
        """Return the object in a file, None if it has none."""
        try:
            value = json.loads(self.text(path) or "null")
        except (ValueError, RecursionError):
            return None
        return value if isinstance(value, dict) else None

    def toml(self, path: str) -> Mapping[str, Any] | None:
        """Return the table in a file, None if it is not TOML."""
        try:
            return tomllib.loads(self.text(path))
        except (ValueError, RecursionError):
            return None

    def _read(self, path: str) -> str:
        file = self._files.read(path, most=MOST_BYTES)
        if file is None or file.kind != "file" or file.size > MOST_BYTES:
            return ""
        return file.data.decode(errors="replace")


def table(value: object, *keys: str) -> Mapping[str, Any]:
    """Return the table below these keys, an empty one if there is none."""
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value if isinstance(value, Mapping) else {}


def string(value: object) -> str:
    """Return a text, "" for anything else."""
    return value if isinstance(value, str) else ""
