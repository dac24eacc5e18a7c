"""Finds the folder and the Dockerfile of a build, and follows no link out of the commit."""

from __future__ import annotations

import os
import posixpath
from pathlib import Path
from typing import Optional

from executor.errors import ContextInvalid, DockerfileMissing
from executor.ports import Context
from prevs import names
from prevs.containers import BuildSettings

LONGEST = 1_000_000
"""The most bytes that a Dockerfile may have; more than any written by hand."""


def find_context(tree: Path, sha: str, folder: str, settings: BuildSettings) -> Context:
    """Return what to build of the commit in `tree`, whose app is in its `folder`.

    Raises DockerfileMissing or ContextInvalid unless both exist within the commit. Builders do not
    follow links inside a context. But they open the Dockerfile, .dockerignore and the context's
    folder themselves, on the agent and outside of every container. If one of these were a link out
    of the commit, the build would read the agent's own files, or a device.
    """
    commit = names.short(sha)
    named = posixpath.normpath(posixpath.join(folder, settings.dockerfile))
    dockerfile = _follow(tree, folder, settings.dockerfile)
    if dockerfile is None:
        raise DockerfileMissing(sha, f"{named} leads out of commit {commit}.")
    if not dockerfile.exists():
        raise DockerfileMissing(sha, _missing(named, commit))
    if not dockerfile.is_file():
        raise DockerfileMissing(sha, f"{named} of commit {commit} is not a file.")
    context = _follow(tree, folder, settings.context)
    shown = posixpath.normpath(posixpath.join(folder, settings.context))
    if context is None:
        raise ContextInvalid(shown, commit, "leads out of the commit")
    if not context.is_dir():
        raise ContextInvalid(shown, commit, "is not a folder of the commit")
    for ignored in (context / ".dockerignore", Path(f"{dockerfile}.dockerignore")):
        if _follow(tree, str(ignored)) is None:
            raise DockerfileMissing(
                sha, f"{ignored.name} is a link that leads out of commit {commit}."
            )
    return Context(context, dockerfile)


def read_dockerfile(context: Context) -> str:
    """Return the text of a Dockerfile; if it is too long, its beginning."""
    with context.dockerfile.open("rb") as file:
        return file.read(LONGEST + 1).decode(errors="replace")


def _missing(named: str, commit: str) -> str:
    where = "Dockerfile at the root" if named == "Dockerfile" else f"file {named}, a Dockerfile,"
    return f"There is no {where} of commit {commit}."


def _follow(tree: Path, *parts: str) -> Optional[Path]:
    """Return the real path of a path in the tree, None if it leads out of the tree."""
    root = Path(os.path.realpath(tree))
    try:
        # Unlike Path.resolve, it never raises for a link, not even for one to itself.
        target = Path(os.path.realpath(root.joinpath(*parts)))
    except ValueError:  # a zero byte
        return None
    return target if target == root or root in target.parents else None
