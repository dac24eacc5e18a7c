"""The folder of a mirror, as git keeps it: what fetches fill, and maintenance tidies.

HEAD                made first, before git asks the repository for anything
objects/*/tmp_*     what is being written; a git that was cut off leaves it, and never goes on
refs, packed-refs   written last, once all that they reach is there
fetched             touched then: the refs were as they are here at its time
"""

import contextlib
import shutil
import threading
import time
from pathlib import Path

from framework.git.git_command import GitCommand, GitFailed
from prevs.messages import Credential

FIRST_FETCH_LIMIT = 600
FETCH_LIMIT = 60
READ_LIMIT = 30
MAINTENANCE_LIMIT = 600

_REFSPECS = ("+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")
_FETCHED = "fetched"
_FETCH = (
    "fetch",
    "--prune",
    "--no-tags",
    "--update-shallow",
    "--no-recurse-submodules",
    "--no-write-fetch-head",
    "--no-auto-maintenance",
    "--end-of-options",
)


class MirrorFolder:
    """The branches and tags of one repository below `path`.

    `fetch` is for one caller at a time; all else is thread safe.
    """

    def __init__(self, path: Path, git: GitCommand) -> None:
        self.path = path
        self._git = git
        self._filled = False
        self._tidying = threading.Lock()

    def exists(self) -> bool:
        """Tell whether there is a mirror, which may be empty still."""
        return (self.path / "HEAD").is_file()

    def fetch(self, repository: str, credential: Credential | None) -> bool:
        """Fetch; tell whether anything may have changed: git names every change, else nothing.

        Makes the mirror if there is none. Raises GitFailed.
        """
        limit = self._prepare()
        self._remove_left()
        with self._git.asking(repository, credential) as git:
            _, news = git.run_there(self.path, _FETCH, repository, _REFSPECS, limit=limit)
        # Whoever removes the mirror meanwhile does not want to know.
        with contextlib.suppress(OSError):
            (self.path / _FETCHED).touch()
        return bool(news)

    def age(self) -> float | None:
        """Return how many seconds ago the last fetch ended, of an earlier process perhaps."""
        try:
            return max(0.0, time.time() - (self.path / _FETCHED).stat().st_mtime)
        except OSError:
            return None

    def maintain(self) -> None:
        """Let git collect what is loose and unreached, if there is much. May take minutes.

        Does nothing where that goes on already. Raises GitFailed.
        """
        if self._tidying.acquire(blocking=False):
            try:
                self._git.run(self.path, ["gc", "--auto", "--quiet"], limit=MAINTENANCE_LIMIT)
            finally:
                self._tidying.release()

    def remove(self) -> None:
        """Remove all of it, as far as that goes."""
        shutil.rmtree(self.path, ignore_errors=True)

    def _prepare(self) -> int:
        """Make sure that there is a mirror; return how many seconds a fetch into it may take.

        An empty one has everything to get, however often that was tried before. Raises GitFailed.
        """
        if not self.exists():
            self._filled = False
            init = ["init", "--quiet", "--bare", "--template="]
            self._git.run(self.path, init, limit=READ_LIMIT)
        elif not self._filled:
            # The name alone: it is there, too, where the object that it leads to is damaged.
            listing = ["for-each-ref", "--count=1", "--format=%(refname)"]
            # What is wrong with it, the fetch says.
            with contextlib.suppress(GitFailed):
                self._filled = bool(self._git.read(self.path, listing, limit=READ_LIMIT))
        return FETCH_LIMIT if self._filled else FIRST_FETCH_LIMIT

    def _remove_left(self) -> None:
        """Remove what was received by fetches that were cut off, unless maintenance goes on.

        That one writes files of such names, too.
        """
        if self._tidying.acquire(blocking=False):
            try:
                # Whoever retires the mirror removes all of it meanwhile.
                with contextlib.suppress(OSError):
                    # Large files, when they come with few others, are written in objects itself.
                    for left in (self.path / "objects").rglob("tmp_*"):
                        left.unlink(missing_ok=True)
            finally:
                self._tidying.release()
