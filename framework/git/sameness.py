"""Whether two commits of a mirror differ in what an app is made of."""

import contextlib
from collections.abc import Sequence
from pathlib import Path

from framework.git.ancestry import find_gap
from framework.git.git_command import GitCommand, GitFailed

_LIMIT = 5
"""Seconds. Comparing two trees takes milliseconds; what takes longer counts as a difference."""
_TREES = ("diff-tree", "-r", "-z", "--name-only", "--no-renames", "--ignore-submodules=none")


def is_same(git: GitCommand, mirror: Path, commits: tuple[str, str], watch: Sequence[str]) -> bool:
    """Return whether an older and a newer commit differ in nothing that `watch` matches.

    Both are whole ids. False, too, if git cannot tell. A submodule differs if it is at another
    commit. Runs git once.
    """
    wanted = [f":(glob){pattern}" for pattern in watch]
    with contextlib.suppress(GitFailed):
        return not git.read_start(mirror, [*_TREES, *commits, "--", *wanted], limit=_LIMIT, most=1)
    return False


def is_reached(git: GitCommand, mirror: Path, older: str, newer: str) -> bool:
    """Return whether a mirror still has a commit, as a `newer` one reaches it."""
    with contextlib.suppress(GitFailed):
        return find_gap(git, mirror, older, newer) is None
    return False
