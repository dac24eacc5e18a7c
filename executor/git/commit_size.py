"""Counts the size of a commit before git writes any of it. Pure.

A repository of 200 KB may have a million files, if a folder contains another one many times. The
time limit of a fetch does not stop that: git's memory and the agent's inodes run out before.
"""

from __future__ import annotations

from executor.errors import CommitTooLarge

MOST_FILES = 200_000
"""Files and folders: twice as many as Linux has. git holds all of them in a small task's memory."""

MOST_NAMES = 16_000_000
"""In bytes, all paths together: 80 for each of that many files."""

LONGEST_PATH = 4096
"""In bytes: Linux cannot open a longer path (PATH_MAX)."""

MOST_BYTES = 8_000_000_000
"""About what a fetch brings in its five minutes at 30 MB a second. A build takes it twice."""

LISTING = ("ls-tree", "-r", "-t", "-l", "-z", "--full-tree")
"""The command of git that lists a commit for `CommitSize.listing`."""


class CommitSize:
    """The size of a commit so far, with its submodules. Raises CommitTooLarge above a limit."""

    def __init__(self, sha: str) -> None:
        self._sha = sha
        self._files = self._names = self._bytes = 0

    def listing(self) -> Listing:
        """Return a Listing that counts the files of one repository."""
        return Listing(self)

    def add(self, name: int, size: int) -> None:
        """Count a file: the bytes of its path, and its own."""
        self._files += 1
        self._names += name
        self.refuse_path(name)
        if self._files > MOST_FILES:
            raise CommitTooLarge(self._sha, f"{MOST_FILES:,} files and folders")
        if self._names > MOST_NAMES:
            raise CommitTooLarge(self._sha, f"{MOST_NAMES // 10**6} MB of file names")
        self.add_bytes(size)

    def refuse_path(self, name: int) -> None:
        """Raise CommitTooLarge if a path of that many bytes is too long."""
        if name > LONGEST_PATH:
            raise CommitTooLarge(self._sha, f"{LONGEST_PATH:,} bytes in one file's path")

    def add_bytes(self, size: int) -> None:
        """Count bytes of files, such as large files outside the repository."""
        self._bytes += size
        if self._bytes > MOST_BYTES:
            raise CommitTooLarge(self._sha, f"{MOST_BYTES // 10**9} GB of files")


class Listing:
    """Reads the output of LISTING, in pieces as they come.

    `has_attributes` is whether it has a .gitattributes so far.
    """

    def __init__(self, size: CommitSize) -> None:
        self._size = size
        self._rest = b""
        self.has_attributes = False

    def take(self, piece: bytes) -> None:
        """Count the files in a piece, and keep an incomplete entry for the next one."""
        *entries, self._rest = (self._rest + piece).split(b"\0")
        for entry in entries:
            head, _, path = entry.partition(b"\t")
            self.has_attributes |= path.rpartition(b"/")[2] == b".gitattributes"
            size = head.rpartition(b" ")[2]
            # Folders and submodules have a dash there.
            self._size.add(len(path), int(size) if size.isdigit() else 0)
        # An endless entry would grow, and be copied with each piece.
        self._size.refuse_path(len(self._rest.partition(b"\t")[2]))
