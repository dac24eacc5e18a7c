"""Reads a file of a commit from a mirror, without checking the commit out."""

from pathlib import Path

from framework.git.git_command import GitCommand, GitFailed
from framework.ports import RepositoryFile

_LIMIT = 30
_KINDS = {"100644": "file", "100755": "file", "120000": "link", "040000": "folder"}
_MISSING = ("not a valid object name", "not a tree object")


class NoCommit(GitFailed):
    """The mirror has no such commit."""


def read_file(
    git: GitCommand, mirror: Path, sha: str, path: str, *, most: int
) -> RepositoryFile | None:
    """Return what is at `path` (from the repository's root) in a commit; None for nothing.

    It has no data if it is no file, or has more than `most` bytes. Runs git at most twice. Raises
    NoCommit, GitFailed.
    """
    listing = ["--literal-pathspecs", "ls-tree", "-z", "-l", "--full-tree", sha, "--", path]
    try:
        entry = git.read(mirror, listing, limit=_LIMIT).partition("\0")[0]
    except GitFailed as exc:
        if any(words in exc.output.lower() for words in _MISSING):
            raise NoCommit(exc.why, exc.output) from exc
        raise
    if not entry:
        return None
    mode, _, oid, size = entry.partition("\t")[0].split()
    kind = _KINDS.get(mode, "submodule")
    if kind != "file" or int(size) > most:
        return RepositoryFile(kind, int(size) if size.isdecimal() else 0)
    text, _ = git.run(mirror, ["cat-file", "blob", oid], limit=_LIMIT)
    return RepositoryFile(kind, int(size), text.encode("utf-8", "surrogateescape"))
