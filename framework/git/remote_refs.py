"""What is asked of a repository's server, and not of its mirror.

Whether git can read a ref; and one commit of a repository that may be no app's, to look at it and
forget it again.
"""

import contextlib
import functools
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from framework.apps.commit_files import CommitFiles
from framework.errors import FrameworkError
from framework.git import files
from framework.git.files import MirroredFiles
from framework.git.git_command import GitCommand, GitFailed
from prevs.messages import Credential
from prevs.records import AppRecord

LIMIT = 60
"""How many seconds the fetch of one commit may take; again after each of a few redirects."""
MOST_MB = 1000
"""How large a file of it, a pack too, may become."""

_ASK_LIMIT = 20
"""Seconds."""
_FOLDER = "look-at."
_REF = "refs/look/it"
_NAME = re.compile(r"(?![-/+])(?!.*\.\.)[^\s\x00-\x1f\x7f~^:?*\[\\]{1,250}")
_TOO_LARGE = "index-pack"
"""git says that this child failed, which writes the pack; not why."""
_NO_SHALLOW = "shallow"
_NO_REF = "couldn't find remote ref"


class RemoteRefs:
    """Refs at the apps' repositories. Thread safe; each call blocks on the server."""

    def __init__(self, folder: Path, credential: Callable[[str], Credential | None]) -> None:
        """git's settings are in `folder`, that of the mirrors. `credential` is as in Mirrors."""
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._git = GitCommand(folder)
        self._credential = credential

    def find_problem(self, app: AppRecord, ref: str) -> str:
        """Return why git cannot read a ref (HEAD, refs/pull/7/head), "" if it can."""
        before = ("ls-remote", "--quiet", "--exit-code", "--end-of-options")
        try:
            with self._git.with_credential(app.repository, self._credential(app.name)) as git:
                git.run_remote(self._folder, before, app.repository, [ref], limit=_ASK_LIMIT)
        except GitFailed as error:
            # With --exit-code git says nothing if there is no such ref.
            return error.why if error.output.strip() else f"there is no {ref}"
        except FrameworkError as error:
            return str(error).rstrip(".")
        return ""


class NoRef(GitFailed):
    """The repository has no such branch, tag or commit; `why` is half a sentence."""


class OneCommit(NamedTuple):
    """A commit's id, and its files."""

    sha: str
    files: CommitFiles


def remove_left(folder: Path) -> None:
    """Remove what a killed framework has left in `folder`."""
    for left in folder.glob(f"{_FOLDER}*"):
        shutil.rmtree(left, ignore_errors=True)


@contextlib.contextmanager
def fetch_one(git: GitCommand, folder: Path, app: AppRecord, ref: str) -> Iterator[OneCommit]:
    """Yield the commit of a branch, a tag or a whole commit id; "" for the default branch.

    It is in a folder of its own below `folder` meanwhile, without the commits before it. No
    credential is used. Raises NoRef, GitFailed.
    """
    if ref and not _NAME.fullmatch(ref):
        raise NoRef("that is no name of a branch or a tag, and no whole commit id.", "")
    with tempfile.TemporaryDirectory(prefix=_FOLDER, dir=folder, ignore_cleanup_errors=True) as own:
        place = Path(own)
        git.run(place, ["init", "--quiet", "--bare", "--template="], limit=LIMIT)
        try:
            _fetch(git.limited(MOST_MB), place, app.repository, ref or "HEAD")
            sha = git.read(place, ["rev-parse", f"{_REF}^{{commit}}"], limit=LIMIT).strip()
        except GitFailed as exc:
            raise _explain(exc) from exc
        read = functools.partial(files.read_file, git, place, sha)
        yield OneCommit(
            sha,
            MirroredFiles(app.folder, read, functools.partial(files.list_folder, git, place, sha)),
        )


def _fetch(git: GitCommand, place: Path, address: str, ref: str) -> None:
    try:
        git.fetch(place, address, [f"+{ref}:{_REF}"], limit=LIMIT, depth=1)
    except GitFailed as exc:
        # A server that only hands out files cannot leave earlier commits out.
        if _NO_SHALLOW not in exc.output.lower():
            raise
        git.fetch(place, address, [f"+{ref}:{_REF}"], limit=LIMIT)


def _explain(failure: GitFailed) -> GitFailed:
    if _TOO_LARGE in failure.output:
        return GitFailed(f"its files have more than {MOST_MB:,} MB", failure.output)
    if _NO_REF in failure.output:
        why = "there is no branch or tag of that name; of a commit, give the whole id."
        return NoRef(why, failure.output)
    return failure
