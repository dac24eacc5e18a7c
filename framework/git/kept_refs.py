"""The commits in a mirror that gates keep, although no branch and no tag may reach them any more.

refs/prevs/kept/<commit>   so that git's garbage collection leaves it
"""

from collections.abc import Callable, Collection
from pathlib import Path

import structlog

from framework.git.git_command import GitCommand, GitFailed
from framework.git.mirror_folder import FETCH_LIMIT, READ_LIMIT
from prevs.messages import Credential

FOLDER = "refs/prevs/kept"
_LISTING = ("for-each-ref", "--format=%(objectname)", FOLDER)

log = structlog.get_logger(__name__)


class KeptRefs:
    """The refs of kept commits in the mirror at `path`. For one caller at a time."""

    def __init__(self, path: Path, git: GitCommand) -> None:
        self._path = path
        self._git = git
        self._is_known = False  # a process before this one may have kept some
        self._kept: frozenset[str] = frozenset()
        self._missing: frozenset[str] = frozenset()

    def update(
        self, wanted: Collection[str], repository: str, credential: Callable[[], Credential | None]
    ) -> None:
        """Keep the `wanted` commits, and no others.

        One that is not here, as in a mirror that was made anew, is asked for at the repository,
        once: many servers send a commit that no branch reaches. `credential` is read only then.
        Raises GitFailed.
        """
        if self._is_known and wanted == self._kept | self._missing:
            return
        known = frozenset(self._git.read(self._path, _LISTING, limit=READ_LIMIT).split())
        for sha in known.difference(wanted):
            self._git.run(self._path, ["update-ref", "-d", _name(sha)], limit=READ_LIMIT)
        missing = {
            sha
            for sha in sorted(frozenset(wanted) - known)
            if not self._has(sha) and not self._ask(sha, repository, credential)
        }
        for sha in frozenset(wanted) - known - missing:
            self._git.run(self._path, ["update-ref", _name(sha), sha], limit=READ_LIMIT)
        self._kept, self._missing = frozenset(wanted) - missing, frozenset(missing)
        self._is_known = True

    def _has(self, sha: str) -> bool:
        try:
            self._git.run(self._path, ["cat-file", "-e", f"{sha}^{{commit}}"], limit=READ_LIMIT)
        except GitFailed:
            return False
        return True

    def _ask(self, sha: str, repository: str, credential: Callable[[], Credential | None]) -> bool:
        """Fetch one commit by its id; return whether it is here then."""
        try:
            with self._git.with_credential(repository, credential()) as git:
                refspec = f"+{sha}:{_name(sha)}"
                git.fetch(self._path, repository, [refspec], limit=FETCH_LIMIT)
        except GitFailed as exc:
            log.warning(
                "a commit that a gate keeps is not here, and its repository does not send it",
                folder=str(self._path),
                commit=sha[:12],
                why=exc.why,
            )
            return False
        return True


def _name(sha: str) -> str:
    return f"{FOLDER}/{sha}"
