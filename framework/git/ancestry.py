"""Whether one commit of a mirror comes before another."""

import contextlib
from pathlib import Path
from typing import NamedTuple

from framework.git.git_command import GitCommand, GitFailed

_LIMIT = 30


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
    unreached = ["rev-list", "--max-count=1", older, "--not", newer]
    if not git.read(mirror, unreached, limit=_LIMIT).strip():
        return None
    common = _find_common(git, mirror, older, newer)
    if common == newer:
        return Gap(common, "It is the other way round: swap them.")
    if common:
        return Gap(common, f"The last commit that they have in common is {common}: begin there.")
    if (mirror / "shallow").exists():  # a mirror has all that its repository has
        return Gap(None, "The repository has only a part of its history: push the rest to it.")
    return Gap(None, "They have no commit in common: begin at one that `prevs commits` lists.")


def _find_common(git: GitCommand, mirror: Path, one: str, other: str) -> str | None:
    with contextlib.suppress(GitFailed):  # so it ends, too, if there is none
        return git.read(mirror, ["merge-base", one, other], limit=_LIMIT).strip()
    return None
