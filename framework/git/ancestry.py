"""Whether one commit of a mirror comes before another, and whether two are the same for an app."""

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from framework.git.git_command import GitCommand, GitFailed

_LIMIT = 30
_COMPARED = 5
"""Seconds. Comparing two trees takes milliseconds; what takes longer counts as a difference."""
_TREES = ("diff-tree", "-r", "-z", "--name-only", "--no-renames", "--ignore-submodules=none")


class Gap(NamedTuple):
    """Why a commit does not come before another, with the last one that both reach, if any.

    `next_step` is a sentence.
    """

    common: str | None
    next_step: str


def find_gap(git: GitCommand, mirror: Path, older: str, newer: str) -> Gap | None:
    """Return None if `newer` reaches `older`, as every commit does itself.

    Both are whole ids of commits that the mirror has.
    """
    if _reaches(git, mirror, older, newer):
        return None
    common = _find_common(git, mirror, older, newer)
    if common == newer:
        return Gap(common, "It is the other way round: swap them.")
    if common:
        return Gap(common, f"The last commit that they have in common is {common}: begin there.")
    if (mirror / "shallow").exists():  # a mirror has all that its repository has
        return Gap(None, "The repository has only a part of its history: push the rest to it.")
    return Gap(None, "They have no commit in common: begin at one that `prevs commits` lists.")


def _reaches(git: GitCommand, mirror: Path, older: str, newer: str) -> bool:
    unreached = ["rev-list", "--max-count=1", older, "--not", newer]
    return not git.read(mirror, unreached, limit=_LIMIT).strip()


def _find_common(git: GitCommand, mirror: Path, one: str, other: str) -> str | None:
    with contextlib.suppress(GitFailed):  # so it ends, too, if there is none
        return git.read(mirror, ["merge-base", one, other], limit=_LIMIT).strip()
    return None


def is_same(git: GitCommand, mirror: Path, commits: tuple[str, str], watch: Sequence[str]) -> bool:
    """Return whether an older and a newer commit differ in nothing that `watch` matches.

    Both are whole ids. False, too, if git cannot tell. A submodule differs if it is at another
    commit. Runs git once.
    """
    wanted = [f":(glob){pattern}" for pattern in watch]
    with contextlib.suppress(GitFailed):
        return not git.read_start(
            mirror, [*_TREES, *commits, "--", *wanted], limit=_COMPARED, most=1
        )
    return False


def is_reached(git: GitCommand, mirror: Path, older: str, newer: str) -> bool:
    """Return whether a `newer` commit reaches another one, so that this can still be fetched.

    False, too, if git cannot tell. Runs git once.
    """
    with contextlib.suppress(GitFailed):
        return _reaches(git, mirror, older, newer)
    return False
