"""What the reading of a commit needs of its files, as a small protocol; git fulfils it."""

from collections.abc import Mapping
from typing import NamedTuple, Protocol


class RepositoryFile(NamedTuple):
    """The entry at a path of a commit. `kind` is file, link, folder or submodule."""

    kind: str
    size: int
    data: bytes = b""


class CommitFiles(Protocol):
    """The files of one commit. Paths begin at the app's folder, and may lead to its parents.

    Its methods block as git does, and raise what Repositories.read_file raises.
    """

    def read(self, path: str, *, most: int) -> RepositoryFile | None:
        """Return what is at a path, None for nothing; without data if it has more than `most`."""
        ...

    def list(self, folder: str) -> Mapping[str, str]:
        """Return the kinds of all entries of a folder by name, nothing if there is no such folder.

        Kinds are those of RepositoryFile.
        """
        ...
