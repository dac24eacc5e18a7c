"""Reads files and folders of a commit from a mirror, without checking the commit out."""

import posixpath
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Protocol

from framework.git.git_command import GitCommand, GitFailed
from framework.ports import RepositoryFile

MOST_LISTED = 1_000_000
"""How many bytes of git's list of a folder are read; an entry of it has some 60."""

_LIMIT = 30
_PARENT = ".."
_KINDS = {"100644": "file", "100755": "file", "120000": "link", "040000": "folder"}
_MISSING = ("not a valid object name", "not a tree object")


class NoCommit(GitFailed):
    """The mirror has no commit `sha`."""

    def __init__(self, failure: GitFailed, sha: str) -> None:
        super().__init__(failure.why, failure.output)
        self.sha = sha


def read_file(
    git: GitCommand, mirror: Path, sha: str, path: str, *, most: int
) -> RepositoryFile | None:
    """Return what is at `path` (from the repository's root) in a commit; None for nothing.

    It has no data if it is no file, or has more than `most` bytes. Runs git at most twice. Raises
    NoCommit, GitFailed.
    """
    entry = next(_list(git, mirror, sha, path, "-l"), None)
    if entry is None:
        return None
    mode, _, oid, size = entry[0].split()
    kind = _KINDS.get(mode, "submodule")
    if kind != "file" or int(size) > most:
        return RepositoryFile(kind, int(size) if size.isdecimal() else 0)
    text, _ = git.run(mirror, ["cat-file", "blob", oid], limit=_LIMIT)
    return RepositoryFile(kind, int(size), text.encode("utf-8", "surrogateescape"))


def list_folder(git: GitCommand, mirror: Path, sha: str, path: str) -> Mapping[str, str]:
    """Return the kinds of a folder's entries by name; of a very large folder, of the first ones.

    `path` begins at the repository's root, which is "". There is nothing in what is no folder.
    Bytes of a name that are not UTF-8 are surrogates. Runs git once. Raises NoCommit, GitFailed.
    """
    inside = f"{path}/" if path else ""
    entries = _list(git, mirror, sha, inside)
    return {
        name.removeprefix(inside): _KINDS.get(facts.split()[0], "submodule")
        for facts, name in entries
        if name.startswith(inside) and posixpath.dirname(name) == path
    }


def _list(
    git: GitCommand, mirror: Path, sha: str, path: str, *options: str
) -> Iterator[tuple[str, str]]:
    """Yield the facts and the path of each entry that git lists; all of the root for no path."""
    listing = ["--literal-pathspecs", "ls-tree", "-z", *options, "--full-tree", sha]
    try:
        found = git.read_start(
            mirror, [*listing, *(["--", path] if path else [])], limit=_LIMIT, most=MOST_LISTED
        )
    except GitFailed as exc:
        if any(words in exc.output.lower() for words in _MISSING):
            raise NoCommit(exc, sha) from exc
        raise
    for entry in found.split("\0")[:-1]:
        facts, _, name = entry.partition("\t")
        yield facts, name


class ReadFile(Protocol):
    """As Repositories.read_file, of a commit."""

    def __call__(self, path: str, *, most: int) -> RepositoryFile | None: ...


class MirroredFiles:
    """The files of a commit, whose app is in a `folder`, by functions that ask git.

    For one thread: it keeps the folders that it has listed. Nothing is at paths that lead out of
    the repository.
    """

    def __init__(
        self, folder: str, read: ReadFile, list_folder: Callable[[str], Mapping[str, str]]
    ) -> None:
        self._folder = folder
        self._read = read
        self._list = list_folder
        self._listed: dict[str, Mapping[str, str]] = {}

    def read(self, path: str, *, most: int) -> RepositoryFile | None:
        """Return what is at a path, as CommitFiles says."""
        place = self._find_place(path)
        folder, name = posixpath.split(place)
        if _leads_out(place) or name not in self._listed.get(folder, {name: ""}):
            return None
        return self._read(place, most=most)

    def list(self, folder: str) -> Mapping[str, str]:
        """Return what is in a folder, as CommitFiles says."""
        place = self._find_place(folder)
        if _leads_out(place):
            return {}
        if place not in self._listed:
            self._listed[place] = self._list(place)
        return self._listed[place]

    def _find_place(self, path: str) -> str:
        """Return a path from the repository's root on, "" for the root."""
        place = posixpath.normpath(posixpath.join(self._folder, path))
        return "" if place == "." else place


def _leads_out(place: str) -> bool:
    return place.startswith("/") or place.split("/", maxsplit=1)[0] == _PARENT
