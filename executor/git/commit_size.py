"""How much a commit is, counted before git writes any of it. Pure.

A repository of 200 KB may have a million files, where a folder is many times in another. The time
of a fetch is no limit for that: git's memory and the agent's inodes are used up before.
"""

from __future__ import annotations

from executor.errors import CommitTooLarge

MOST_FILES = 200_000
"""Files and folders: twice what Linux has. git holds all of them in the memory of a small task."""

MOST_NAMES = 16_000_000
"""Bytes of all paths: 80 for each of so many files."""

LONGEST_PATH = 4096
"""Bytes: a longer one cannot be written (Linux, PATH_MAX)."""

MOST_BYTES = 8_000_000_000
"""What a fetch brings at 30 MB a second, which its five minutes allow. A build takes it twice."""

LISTING = ("ls-tree", "-r", "-t", "-l", "-z", "--full-tree")
"""The command of git that lists a commit for `Extent.listing`."""


class Extent:
    """What a commit has so far, with its submodules; one too many raises CommitTooLarge."""

    def __init__(self, sha: str) -> None:
        self._sha = sha
        self._files = self._names = self._bytes = 0

    def listing(self) -> Listing:
        """Return what counts the files of one repository."""
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
        """Raise where a path of as many bytes is too long."""
        if name > LONGEST_PATH:
            raise CommitTooLarge(self._sha, f"{LONGEST_PATH:,} bytes in one file's path")

    def add_bytes(self, size: int) -> None:
        """Count what a file has beside what the repository has of it."""
        self._bytes += size
        if self._bytes > MOST_BYTES:
            raise CommitTooLarge(self._sha, f"{MOST_BYTES // 10**9} GB of files")


class Listing:
    """Reads what git says to LISTING, in pieces as they come.

    `has_attributes` tells whether there is a .gitattributes among it so far.
    """

    def __init__(self, extent: Extent) -> None:
        self._extent = extent
        self._rest = b""
        self.has_attributes = False

    def take(self, piece: bytes) -> None:
        """Count the files in a piece, and keep the beginning of the next."""
        *entries, self._rest = (self._rest + piece).split(b"\0")
        for entry in entries:
            head, _, path = entry.partition(b"\t")
            self.has_attributes |= path.rpartition(b"/")[2] == b".gitattributes"
            size = head.rpartition(b" ")[2]
            # Folders and submodules have a dash there.
            self._extent.add(len(path), int(size) if size.isdigit() else 0)
        # One that does not end would be kept, and copied with each piece, until it does.
        self._extent.refuse_path(len(self._rest.partition(b"\t")[2]))
