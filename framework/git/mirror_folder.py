"""The folder of a mirror: git's files, which fetches fill and maintenance cleans up.

HEAD                made first, before git contacts the repository
objects/*/tmp_*     files that are being written; a git that is cut off leaves them, unusable
refs, packed-refs   written last, once all objects that they reach are there
fetched             touched after that: its time is that of the last successful fetch
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
        """Return whether there is a mirror, which may still be empty."""
        return (self.path / "HEAD").is_file()

    def fetch(self, repository: str, credential: Credential | None) -> bool:
        """Fetch; return whether anything may have changed.

        Makes the mirror if there is none. Raises GitFailed.
        """
        limit = self._prepare()
        self._remove_left()
        with self._git.with_credential(repository, credential) as git:
            news = git.fetch(self.path, repository, _REFSPECS, limit=limit, prune=True)
        # Another thread may have removed the mirror meanwhile.
        with contextlib.suppress(OSError):
            (self.path / _FETCHED).touch()
        return news

    def age(self) -> float | None:
        """Return how many seconds ago the last fetch ended, also one of an earlier process."""
        try:
            return max(0.0, time.time() - (self.path / _FETCHED).stat().st_mtime)
        except OSError:
            return None

    def maintain(self) -> None:
        """Run git's garbage collection if there is much to collect. May take minutes.

        Does nothing while it is running already. Raises GitFailed.
        """
        if self._tidying.acquire(blocking=False):
            try:
                self._git.run(self.path, ["gc", "--auto", "--quiet"], limit=MAINTENANCE_LIMIT)
            finally:
                self._tidying.release()

    def remove(self) -> None:
        """Remove all of it, as far as possible."""
        shutil.rmtree(self.path, ignore_errors=True)

    def _prepare(self) -> int:
        """Make the mirror if there is none; return how many seconds a fetch may take.

        A fetch into an empty mirror gets everything, so it may take longer.
        """
        if not self.exists():
            self._filled = False
            init = ["init", "--quiet", "--bare", "--template="]
            self._git.run(self.path, init, limit=READ_LIMIT)
        elif not self._filled:
            # List the name alone: that works even if the ref's object is damaged.
            listing = ["for-each-ref", "--count=1", "--format=%(refname)"]
            # If this fails, the fetch reports the reason.
            with contextlib.suppress(GitFailed):
                self._filled = bool(self._git.read(self.path, listing, limit=READ_LIMIT))
        return FETCH_LIMIT if self._filled else FIRST_FETCH_LIMIT

    def _remove_left(self) -> None:
        """Remove the files of fetches that were cut off, unless maintenance is running.

        Maintenance writes files with such names, too.
        """
        if self._tidying.acquire(blocking=False):
            try:
                # Another thread may be removing the whole mirror.
                with contextlib.suppress(OSError):
                    # git writes a large file that comes with few others directly in objects.
                    for left in (self.path / "objects").rglob("tmp_*"):
                        left.unlink(missing_ok=True)
            finally:
                self._tidying.release()
