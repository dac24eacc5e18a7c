"""The heads of pull requests in a mirror: fetched by name, and listed.

refs/prevs/pull/7   what leads to the head of pull request 7; never a wildcard, as large
                    repositories have a hundred thousand
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from framework.git.git_command import GitCommand, GitFailed
from framework.git.mirror_folder import FETCH_LIMIT, READ_LIMIT
from framework.git.resolution import Ref
from framework.pulls.gate import PullHead, Verdict
from prevs.messages import Credential

FOLDER = "refs/prevs/pull"
_GONE = re.compile(r"couldn't find remote ref (\S+)")
_LISTING = ("for-each-ref", "--format=%(objectname) %(refname)", FOLDER)


class PullRefs:
    """The refs of pull requests in the mirror at `path`. `update` is for one caller at a time."""

    def __init__(self, path: Path, git: GitCommand) -> None:
        self._path = path
        self._git = git

    def update(
        self, heads: Sequence[PullHead], repository: str, credential: Credential | None
    ) -> bool:
        """Remove the refs that nothing needs, and fetch the heads that may be built.

        Contacts the repository only if one of these is missing; returns whether it did. Raises
        GitFailed.
        """
        known = self._list()
        kept = {one.number for one in heads if one.approved or one.verdict is Verdict.TRUSTED}
        for number in known.keys() - kept:
            self._git.run(self._path, ["update-ref", "-d", _name(number)], limit=READ_LIMIT)
        wanted = [one for one in heads if one.verdict.passes and known.get(one.number) != one.sha]
        if not wanted:
            return False
        with self._git.with_credential(repository, credential) as git:
            self._fetch(git, repository, {f"refs/{one.ref}": one.number for one in wanted})
        return True

    def _fetch(self, git: GitCommand, repository: str, wanted: Mapping[str, int]) -> None:
        left = dict(wanted)
        while left:
            refspecs = [f"+{source}:{_name(number)}" for source, number in left.items()]
            try:
                git.fetch(self._path, repository, refspecs, limit=FETCH_LIMIT)
            except GitFailed as exc:
                # One that is gone makes the whole fetch fail.
                gone = _GONE.search(exc.output)
                if gone is None or left.pop(gone[1], None) is None:
                    raise
            else:
                return

    def find(self, heads: Iterable[PullHead]) -> Mapping[str, Ref]:
        """Return the heads that may be built and are here, by label, trusted ones first.

        Raises GitFailed.
        """
        known = self._list()
        there = [
            one
            for one in sorted(heads, key=_is_strangers)
            if one.verdict.passes
            and (tip := known.get(one.number))
            and (tip == one.sha or self._reaches(tip, one.sha))
        ]
        beyond = self.find_beyond([one.sha for one in there])
        return {
            label: Ref(one.labels[0], "pull", one.sha, one.number if one.sha in beyond else 0)
            for one in there
            for label in one.labels
        }

    def find_beyond(self, shas: Sequence[str]) -> set[str]:
        """Return the commits that no branch and no tag reaches, and others."""
        if not shas:
            return set()
        command = ["rev-list", *dict.fromkeys(shas), "--not", "--branches", "--tags"]
        return set(self._git.read(self._path, command, limit=READ_LIMIT).split())

    def find_through(self, sha: str, heads: Iterable[PullHead]) -> int:
        """Return a pull request through which a commit may be built, 0 for none.

        A trusted pull request comes before one with an approval of the commit.
        """
        fit = [one for one in heads if one.verdict is Verdict.TRUSTED or one.approved == sha]
        if not fit:
            return 0
        listing = [*_LISTING[:-1], f"--contains={sha}", FOLDER]
        reaching = _read(self._git.read(self._path, listing, limit=READ_LIMIT)).keys()
        return next(
            (one.number for one in sorted(fit, key=_is_strangers) if one.number in reaching), 0
        )

    def _list(self) -> Mapping[int, str]:
        return _read(self._git.read(self._path, _LISTING, limit=READ_LIMIT))

    def _reaches(self, tip: str, sha: str) -> bool:
        try:
            ancestry = ["merge-base", "--is-ancestor", sha, tip]
            self._git.run(self._path, ancestry, limit=READ_LIMIT)
        except GitFailed:  # it does not, or the commit is not here
            return False
        return True


def _is_strangers(head: PullHead) -> bool:
    return head.verdict is not Verdict.TRUSTED


def _name(number: int) -> str:
    return f"{FOLDER}/{number}"


def _read(listing: str) -> Mapping[int, str]:
    found = (line.split(" ", 1) for line in listing.splitlines())
    return {int(name.rpartition("/")[2]): sha for sha, name in found}
