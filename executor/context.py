"""Whether a commit's files can be built at all. Reads the folder, and follows nothing out of it."""

import os
import stat
from pathlib import Path

from executor.errors import DockerfileMissing
from prevs import names

_READ_HERE = ("Dockerfile", ".dockerignore")
"""What is read on the agent itself, outside of every container: see check_context."""


def check_context(tree: Path, sha: str) -> None:
    """Raise DockerfileMissing unless `tree` has a Dockerfile that is safe to read.

    Builders leave the symlinks of a context as they are, but open these two files themselves: one
    that leads out of the folder would have the agent's own files (or a device) read as a build.
    """
    for name in _READ_HERE:
        file = tree / name
        if file.is_symlink() and not _target(file).is_relative_to(_target(tree)):
            raise DockerfileMissing(
                sha, f"{name} of commit {names.short(sha)} is a link that leads out of it."
            )
    if not (tree / "Dockerfile").exists():
        raise DockerfileMissing(sha)
    if not stat.S_ISREG((tree / "Dockerfile").stat().st_mode):
        raise DockerfileMissing(sha, f"The Dockerfile of {names.short(sha)} is no file.")


def _target(path: Path) -> Path:
    # Unlike Path.resolve, it raises for no link, not even for one that leads to itself.
    return Path(os.path.realpath(path))
